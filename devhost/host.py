"""The host: every function of an app, served from its real source."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from devhost.functions import load_app
from devhost.http_trigger import HttpListener
from devhost.hub_trigger import HubListener
from devhost.invocation import Invoker
from devhost.queue_trigger import HOLD_S, QueueListener
from devhost.settings import read_host_json
from devhost.timer_trigger import TimerListener

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from devhost.functions import Function
    from devhost.settings import HostSettings


class Listener(Protocol):
    """One source of work for functions."""

    async def start(self) -> None:
        """Begin to take work; SetupError when the source cannot be reached."""

    async def stop(self, *, grace_s: float) -> None:
        """Take no more work, let what runs finish within `grace_s`, and close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line of the host says; times in seconds."""

    app_dir: Path = Path()
    http_port: int = 0
    function_key: str | None = None
    consumer_group: str | None = None
    timer_interval_s: float | None = None
    queue_hold_s: float = HOLD_S
    ownership_expiry_s: float = 5.0
    signed_in: str = ""


class Host:
    """
    An app and its listeners.

    Making one reads the app and checks every binding before anything is touched.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        *,
        settings: HostSettings,
        options: Options,
    ) -> None:
        """Make the listeners; SetupError when a binding cannot be served."""
        self.functions = tuple(functions)
        self.invoker = Invoker(self.functions)
        self.function_key = options.function_key or secrets.token_urlsafe(32)
        self.hubs = [
            HubListener(
                each,
                self.invoker,
                settings=settings.hub,
                consumer_group=options.consumer_group,
                ownership_expiry_s=options.ownership_expiry_s,
            )
            for each in self._of("eventHubTrigger")
        ]
        self.queues = [
            QueueListener(
                each,
                self.invoker,
                settings=settings.queue,
                hold_s=options.queue_hold_s,
            )
            for each in self._of("queueTrigger")
        ]
        self.timers = [
            TimerListener(each, self.invoker, interval_s=options.timer_interval_s)
            for each in self._of("timerTrigger")
        ]
        self.http = HttpListener(
            self._of("httpTrigger"),
            self.invoker,
            key=self.function_key,
            status=self.status,
            prefix=settings.route_prefix,
            port=options.http_port,
            signed_in=options.signed_in,
        )
        self._started: list[Listener] = []

    @classmethod
    def load(cls, options: Options) -> Self:
        """
        Read host.json and function_app.py of a folder.

        Raises SetupError, or AppImportError when the app cannot be imported.
        """
        settings = read_host_json(options.app_dir / "host.json")
        return cls(load_app(options.app_dir), settings=settings, options=options)

    async def start(self) -> None:
        """Serve every trigger; when one cannot be, stop the others and raise."""
        try:
            for listener in self._listeners():
                await listener.start()
                self._started.append(listener)
        except BaseException:
            await self.stop(grace_s=0)
            raise

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """Take no more work, let what runs finish for `grace_s` seconds, and close."""
        started, self._started = self._started, []
        await asyncio.gather(
            *(each.stop(grace_s=grace_s) for each in started), return_exceptions=True
        )
        self.invoker.close()

    async def status(self) -> dict[str, Any]:
        """
        What has happened so far, as /admin/host/status answers it.

        A partition's number is the last checkpointed one, null before the first. The
        partitions of a second hub function are named `hub/partition`.
        """
        partitions: dict[str, Any] = {}
        for hub in self.hubs:
            for partition_id, state in hub.partitions().items():
                is_taken = partition_id in partitions
                name = f"{hub.hub_name}/{partition_id}" if is_taken else partition_id
                partitions[name] = state
        return {
            "functions": [function.name for function in self.functions],
            "invocations": self.invoker.counts(),
            "partitions": partitions,
            "queues": {each.queue_name: await each.status() for each in self.queues},
        }

    def _listeners(self) -> tuple[Listener, ...]:
        return (*self.queues, *self.hubs, *self.timers, self.http)

    def _of(self, kind: str) -> list[Function]:
        return [function for function in self.functions if function.kind == kind]
