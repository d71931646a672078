"""One loopback server that is every remote side at once."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from devhost.outside.arm import ArmSide
from devhost.outside.azure.heartbeats import QUERY, heartbeats
from devhost.outside.azure.inventory import STORY, fill, read
from devhost.outside.azure.manager import Manager
from devhost.outside.azure.rights import Rights
from devhost.outside.azure.upsets import Upsets
from devhost.outside.blob import BlobSide
from devhost.outside.boards import BoardsSide
from devhost.outside.control import Control
from devhost.outside.defender_endpoint import EndpointSide
from devhost.outside.email import EmailSide
from devhost.outside.faults import Faults
from devhost.outside.graph import GraphSide
from devhost.outside.heartbeat import HeartbeatSide
from devhost.outside.jira import JiraSide
from devhost.outside.jsm import JsmSide
from devhost.outside.log_analytics import LogAnalyticsSide
from devhost.outside.logs_ingestion import LogsIngestionSide
from devhost.outside.pagerduty import PagerDutySide
from devhost.outside.servicenow import ServiceNowSide
from devhost.outside.slack import SlackSide
from devhost.outside.splunk import SplunkSide
from devhost.outside.syslog import SyslogSide
from devhost.outside.teams import TeamsSide
from devhost.outside.vault import VaultSide
from devhost.outside.webhook import WebhookSide

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from devhost.outside.azure.inventory import Inventory

HOST = "127.0.0.1"
# Over PagerDuty's own limit, so that it is the side that refuses.
REQUEST_LIMIT = 2 * 1024 * 1024


@cache
def _story() -> Inventory:
    """What the attack of `firewatch run` is about; whoever takes of it copies."""
    return read(STORY.read_bytes())


class Side(Protocol):
    """One remote side: where it is served, and what it was sent."""

    name: str

    def routes(self) -> list[web.RouteDef]: ...

    def received(self) -> dict[str, Any]:
        """What was taken and refused, without secrets."""


class Outside:
    """The sides, and the server that serves them; made by ``start``."""

    def __init__(
        self, *, clock: Callable[[], datetime], inventory: Inventory | None = None
    ) -> None:
        self.pagerduty = PagerDutySide(clock)
        self.webhook = WebhookSide(clock)
        self.slack = SlackSide(clock)
        self.teams = TeamsSide(clock)
        self.jsm = JsmSide(clock)
        self.email = EmailSide(clock)
        self.boards = BoardsSide(clock)
        self.jira = JiraSide(clock)
        self.servicenow = ServiceNowSide(clock)
        self.splunk = SplunkSide(clock)
        self.logs_ingestion = LogsIngestionSide(clock)
        self.syslog = SyslogSide()
        self.upsets = Upsets()
        known = inventory or _story()
        self.rights = Rights(known.identity)
        self.manager = Manager(clock, self.upsets, self.rights)
        fill(self.manager.resources, known)
        self.graph = GraphSide(clock, self.upsets, self.rights, known)
        self.endpoint = EndpointSide(clock, self.upsets, self.rights, known)
        self.vault = VaultSide(
            clock, self.upsets, self.rights, self.manager.resources, known
        )
        self.blob = BlobSide(clock, self.upsets, self.rights, known)
        self.arm = ArmSide(self.manager, self.rights)
        self.log_analytics = LogAnalyticsSide(clock)
        self.log_analytics.put(QUERY, heartbeats(self.manager.resources))
        self.heartbeat = HeartbeatSide(clock)
        self.faults = Faults(clock)
        self.control_key = secrets.token_urlsafe(24)
        self.port = 0
        self._control = Control(self)

    @property
    def sides(self) -> tuple[Side, ...]:
        """Every remote side there is."""
        return (
            self.pagerduty,
            self.webhook,
            self.slack,
            self.teams,
            self.jsm,
            self.email,
            self.boards,
            self.jira,
            self.servicenow,
            self.splunk,
            self.logs_ingestion,
            self.syslog,
            self.arm,
            self.graph,
            self.endpoint,
            self.vault,
            self.blob,
            self.log_analytics,
            self.heartbeat,
        )

    def state(self) -> dict[str, Any]:
        """All of Azure that can be changed, as it is by now: for a comparison."""
        return {
            "resources": self.manager.state(),
            **self.graph.state(),
            **self.endpoint.state(),
            "versions": self.vault.state(),
            "blobs": self.blob.state(),
        }

    def recover(self) -> None:
        """Let nothing go wrong any more, and show every reader what there is."""
        self.upsets.clear()
        self.manager.recover()
        self.graph.recover()
        self.vault.recover()
        self.blob.recover()

    @property
    def url(self) -> str:
        """Where it is served; each side is below, at its name."""
        return f"http://{HOST}:{self.port}"

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        port: int = 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        inventory: Inventory | None = None,
    ) -> AsyncIterator[Outside]:
        """Serve on loopback, on a free port unless one is given, until left.

        Without an inventory there is what the attack of `firewatch run` is about.
        """
        outside = cls(clock=clock, inventory=inventory)
        # Nobody waits for the stand-ins to finish (0 would be for ever).
        runner = web.AppRunner(
            outside._application(), access_log=None, shutdown_timeout=0.05
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, port).start()
            outside.port = runner.addresses[0][1]
            async with outside.syslog.listening():
                yield outside
        finally:
            outside.faults.give_up()
            await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(
            middlewares=[self._admit, self._misbehave], client_max_size=REQUEST_LIMIT
        )
        # Before the side that has a word for every other path of Resource Manager.
        application.add_routes(self.manager.routes())
        for side in self.sides:
            application.add_routes(side.routes())
        application.add_routes(self._control.routes())
        return application

    @web.middleware
    async def _admit(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Keep out what a browser sends for a page of somebody else."""
        own = {f"{host}:{self.port}" for host in (HOST, "localhost")}
        if request.host not in own:
            raise web.HTTPForbidden(text="unknown Host")
        origin = request.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://") not in own:
            raise web.HTTPForbidden(text="foreign Origin")
        if request.path.startswith("/control") and not self._control.admits(request):
            raise web.HTTPUnauthorized(text="x-control-key is missing or wrong")
        return await handler(request)

    @web.middleware
    async def _misbehave(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        side = request.path.split("/")[1]
        return await self.faults.answer(side, request, lambda: handler(request))
