"""Firewatch as a whole, seen from outside: what goes in, and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import httpx
import msgspec
import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient
from rich.console import Console
from typer.testing import CliRunner

from cli import dead_letters, explain, feed, incidents, main, report, silences
from cli.account import RUNS, open_account
from cli.run import packaged_policy
from cli.watch import Watch
from devhost.local import Local, Pace
from shared.store import reading
from tests.alerts import alert_id, defender_alert, stamp, vm

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from typing import Self

    from typer.testing import Result

    from cli.feed import Sent
    from cli.report import Report
    from cli.story.attack import Happening
    from shared.clouds.storage import Storage
    from shared.model.action import ActionRow
    from shared.model.alert import AlertRow
    from shared.model.books import Books
    from shared.model.incident import Incident
    from shared.store.archive import DeadLetter

ROOT = Path(__file__).parents[2]
FIREWATCH = (sys.executable, "-c", "from cli.main import main; main()")

# Clocks that nobody has to wait for; the shortest that a busy machine keeps.
BRISK = Pace(lease=8, timer=1.0, queue_hold=10.0, ownership=2.0)

# The whole suite may run beside us on two cores.
QUIET_WITHIN_S = 120.0
# A look asks storage much: one that waits long, as after a power cut for the timer 30 s
# later (shared.store.draft.SAFETY_NET), looks ever more seldom.
LOOK_FIRST_S = 0.1
LOOK_AT_LEAST_EVERY_S = 0.5

_T = TypeVar("_T")


def pauses() -> Iterator[float]:
    """How many seconds to wait between looks, for ever."""
    pause_s = LOOK_FIRST_S
    while True:
        yield pause_s
        pause_s = min(pause_s * 1.07, LOOK_AT_LEAST_EVERY_S)


def eventually(check: Callable[[], _T], *, within_s: float = 30.0) -> _T:
    """Ask until the answer is truthy, and give it; fail with the last answer."""
    deadline = time.monotonic() + within_s
    waits = pauses()
    while True:
        answer = check()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"still {answer!r} after {within_s:.0f} s"
        time.sleep(next(waits))


def started_at() -> datetime:
    """When the alerts of these tests were seen: a little while ago."""
    return datetime.now(UTC) - timedelta(minutes=10)


def alert(
    subscription: str, number: int = 1, *, at: datetime | None = None, **changes: str
) -> dict[str, Any]:
    """An alert about one machine of a subscription that no other test has."""
    at = at or started_at()
    return defender_alert(
        **{
            "SystemAlertId": alert_id(number, at),
            "StartTimeUtc": stamp(at),
            "EndTimeUtc": stamp(at),
            "TimeGenerated": stamp(at),
            "ProcessingEndTime": stamp(at),
            "AzureResourceId": vm(subscription=subscription),
            "ResourceIdentifiers": [],
            **changes,
        }
    )


def encoded(value: object) -> bytes:
    """A value as the JSON of an event."""
    return msgspec.json.encode(value)


class World:
    """A running Local, and the questions that tests ask of it.

    Answers about incidents, alerts, actions and pages are of one subscription, so that
    tests may share a world.
    """

    def __init__(self, local: Local) -> None:
        self.local = local
        # One loop, and what is opened on it, for all questions: opening takes a while.
        self._runner = asyncio.Runner()
        self._watch: Watch | None = None
        self._storage: Storage | None = None
        self._producer: EventHubProducerClient | None = None

    def close(self) -> None:
        """Close what was opened to look; the local itself stays."""

        async def close() -> None:
            if self._watch is not None:
                await self._watch.__aexit__(None, None, None)
            if self._storage is not None:
                await self._storage.close()
            if self._producer is not None:
                await self._producer.close()

        with self._runner:
            self._runner.run(close())

    def send(self, *bodies: bytes) -> None:
        """Send events through one partition of the hub, in order."""

        async def send() -> None:
            if self._producer is None:
                self._producer = EventHubProducerClient.from_connection_string(
                    self.local.hub, eventhub_name=self.local.hub_name
                )
            # The first takes more than a second, for the SDK's links; later ones none.
            await self._producer.send_batch(
                [EventData(body) for body in bodies], partition_id=feed.FEED_PARTITION
            )

        self._runner.run(send())

    def feed(self, *paths: Path) -> Sent:
        """Send files as `firewatch run --feed` does."""
        return self._runner.run(feed.send(self.local, feed.read(paths), _ignore))

    def tell(
        self, story: Sequence[Happening], told: Callable[[int], None] | None = None
    ) -> None:
        """Tell a story by its ways, until the app has taken all of it."""
        asyncio.run(feed.tell(self.local, story, told or _ignore))

    def post(
        self,
        body: bytes,
        headers: Mapping[str, str],
        *,
        path: str = "/api/alerts",
    ) -> httpx.Response:
        """POST to the app."""
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.post(self.local.url + path, content=body, headers=headers)

    def wait_until_quiet(self) -> None:
        """Return when everything is in and nothing is left to do."""

        async def look() -> None:
            deadline = time.monotonic() + QUIET_WITHIN_S
            if self._watch is None:
                self._watch = await Watch(self.local).__aenter__()
            waits = pauses()
            while not (state := await self._watch.look()).is_quiet:
                in_time = time.monotonic() < deadline
                assert in_time, f"{state.pending}\n{self._log()}"
                assert self.local.is_app_running, self._log()
                await asyncio.sleep(next(waits))

        self._runner.run(look())

    def ask(self, question: Callable[[Storage], Awaitable[_T]]) -> _T:
        """Read the store as the commands do."""

        async def go() -> _T:
            if self._storage is None:
                self._storage = await open_account(self.local.storage)
            return await question(self._storage)

        return self._runner.run(go())

    def books(self) -> Books:
        """The books of everything that ever came in here."""
        return self.ask(lambda storage: reading.books(storage.ledger))

    def incidents(self, subscription: str) -> list[Incident]:
        """The incidents of a subscription, merged ones too, the first opened first."""
        found = self.ask(lambda storage: reading.incidents(storage.ledger))
        return [i for i in reversed(found) if i.scope == subscription]

    def alerts(self, subscription: str) -> list[AlertRow]:
        """The alerts of a subscription."""
        heads = {i.id for i in self.incidents(subscription)}
        found = self.ask(lambda storage: reading.alerts(storage.ledger))
        return [a for a in found if a.incident in heads]

    def actions(self, subscription: str, responder: str) -> list[ActionRow]:
        """What a responder was to do about a subscription, in order."""
        heads = {i.id for i in self.incidents(subscription)}
        found = self.ask(lambda storage: reading.actions(storage.ledger))
        return [a for a in found if a.incident in heads and a.responder == responder]

    def letters(self) -> list[tuple[str, DeadLetter]]:
        """Every dead letter with its name."""

        async def all_of(storage: Storage) -> list[tuple[str, DeadLetter]]:
            return [pair async for pair in storage.archive.letters()]

        return self.ask(all_of)

    def letters_of(self, body: bytes) -> list[DeadLetter]:
        """The dead letters that hold these very bytes."""
        return [letter for _, letter in self.letters() if letter.raw == body]

    def report(self, sent: Sent | None = None) -> Report:
        """What `firewatch run` would report."""
        return self.ask(lambda storage: report.build(storage, sent))

    def events(self, subscription: str) -> list[PagerDutyEvent]:
        """Every event that PagerDuty took about a subscription, in order.

        A resolve names no subscription: it is one of those whose trigger does.
        """
        taken = self.local.control("GET", "received")["pagerduty"]["events"]
        keys = {
            event["body"]["dedup_key"]
            for event in taken
            if event["body"].get("payload", {}).get("group") == subscription
        }
        return [
            PagerDutyEvent(
                event["body"]["dedup_key"],
                event["body"]["event_action"],
                datetime.fromisoformat(event["received_at"]),
                event["body"],
            )
            for event in taken
            if event["body"]["dedup_key"] in keys
        ]

    def pages(self, subscription: str) -> list[dict[str, Any]]:
        """What people saw at PagerDuty about a subscription."""
        keys = {event.dedup_key for event in self.events(subscription)}
        shown = self.local.control("GET", "pages")
        return [page for page in shown if page["dedup_key"] in keys]

    def _log(self) -> str:
        """The end of what the app said, for whoever reads a failure."""
        return (self.local.folder / "app.log").read_text()[-5_000:]

    @contextlib.contextmanager
    def fault(self, **fault: object) -> Iterator[None]:
        """PagerDuty having a bad day."""
        self.local.control("POST", "faults", {"side": "pagerduty", **fault})
        try:
            yield
        finally:
            self.local.control("DELETE", "faults")


class PagerDutyEvent(NamedTuple):
    """One event that PagerDuty took."""

    dedup_key: str
    verb: str
    received_at: datetime
    body: dict[str, Any]


def unforwarded() -> bytes:
    """The policy of the story, for tests that copy nothing anywhere."""
    policy = msgspec.yaml.decode(packaged_policy())
    routes = [each for each in policy["routes"] if "splunk" not in each["to"]]
    return msgspec.json.encode(policy | {"routes": routes})


@contextlib.contextmanager
def started(policy: bytes | None = None, pace: Pace = BRISK) -> Iterator[World]:
    """A world of one's own; by the story's policy, without its forwards."""
    with Local(policy or unforwarded(), pace=pace) as local:
        local.start_app()
        world = World(local)
        try:
            yield world
        finally:
            world.close()
            # In order it takes a second more; runs of the command end so.
            local.kill_app()


class Firewatch:
    """The command as a process, with everything it starts marked and its files apart."""

    def __init__(self, temp: Path, *arguments: str, **settings: str) -> None:
        self._mark = uuid.uuid4().hex
        self.temp = temp
        temp.mkdir(parents=True, exist_ok=True)
        self._log = temp.with_suffix(".log")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*FIREWATCH, *arguments],
                cwd=ROOT,
                env={
                    **os.environ,
                    **settings,
                    "TMPDIR": str(temp),
                    "ACCEPTANCE_MARK": self._mark,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # As a shell does: a job of its own, which Ctrl-C reaches as a whole.
                start_new_session=True,
            )

    def wait(self, within_s: float = 180.0) -> int:
        """The exit code."""
        return self.process.wait(within_s)

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text()

    @property
    def started(self) -> dict[int, str]:
        """Every other process that stems from it, wherever it is hung up by now."""
        found = {}
        for entry in Path("/proc").iterdir():
            # A process may end, or turn into a zombie, while we look at it.
            with contextlib.suppress(OSError):
                if not entry.name.isdigit() or int(entry.name) == self.process.pid:
                    continue
                if self._mark.encode() in (entry / "environ").read_bytes():
                    line = (entry / "cmdline").read_bytes()
                    found[int(entry.name)] = line.replace(b"\0", b" ").decode()
        return found

    @property
    def left_behind(self) -> list[str]:
        """Its processes, temporary files and word of itself that are still there."""
        word = RUNS / f"{self.process.pid}.json"
        return [
            *self.started.values(),
            *(str(path) for path in self.temp.iterdir()),
            *([str(word)] if word.exists() else []),
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        for pid in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        # What kill -9 kept it from taking away.
        (RUNS / f"{self.process.pid}.json").unlink(missing_ok=True)


def firewatch(*arguments: str) -> Result:
    """Run a short command to its end, in this process and so wide that all is shown."""
    with pytest.MonkeyPatch.context() as patched:
        for module in (incidents, dead_letters, silences, explain):
            patched.setattr(module, "console", Console(width=400))
        return CliRunner().invoke(main.app, arguments)


def read_json(path: Path) -> Any:  # noqa: ANN401  JSON
    """A file of JSON."""
    return json.loads(path.read_text())


def _ignore(_count: int) -> None:
    return
