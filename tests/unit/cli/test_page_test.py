"""`firewatch page-test`, over fake storage and a worker that works while it waits."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli import incidents, main, page_test
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.incident import IncidentStatus
from shared.triage import policy as policies
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from shared.clouds.storage import Storage
    from shared.model.incident import Incident

POLICY = """
responders:
  phone: {use: webhook, url: "https://phone.example.com", secret: {setting: A}}
  mail: {use: webhook, url: "https://mail.example.com", secret: {setting: A}}
  room: {use: webhook, url: "https://room.example.com", secret: {setting: A}}
on_call:
  people:
    ana: {contacts: {phone: "+47 1", mail: ana@example.com}}
    ben: {contacts: {phone: "+47 2"}}
  schedules:
    primary:
      time_zone: Europe/Oslo
      layers: [{people: [ben], starts: 2026-11-02T09:00}]
    nights:
      time_zone: Europe/Oslo
      layers: [{people: [ben], starts: 2030-11-02T09:00}]
  escalations:
    high: {steps: [{to: [primary]}, {after: 5m, to: [ana]}]}
routes:
  - {name: night, to: [room], escalate: high}
"""

REFUSED = PermanentFailure(FailureReason.NOT_FOUND, "phone answered 404")
DOWN = TransientFailure(FailureReason.UNAVAILABLE, "phone answered 503")


class Command:
    """The command on an account whose app works while it waits, unless it is down."""

    def __init__(self, world: World, policy: Path) -> None:
        self.world = world
        self.policy = policy
        self.is_up = True

    async def pause(self, seconds: float) -> None:
        """Let time pass as the command waits."""
        self.world.clock.step(timedelta(seconds=seconds))
        if self.is_up:
            await self.world.worker.tick()
            await self.world.deliver()

    def __call__(self, *arguments: str) -> Result:
        """Run it."""
        given = ["page-test", *arguments, "--policy", str(self.policy), "--by", "bob"]
        return CliRunner().invoke(main.app, [*given, "--account", "fake"])

    def lines(self, done: Result) -> list[str]:
        """What it printed, a space between words."""
        return [" ".join(line.split()) for line in done.stdout.splitlines()]

    def head(self) -> Incident:
        """The test, once all is done about it."""
        asyncio.run(self.world.settle())
        return asyncio.run(self.world.head())

    @property
    def sent(self) -> dict[str, list[str]]:
        """What each side was sent."""
        found = self.world.responders.items()
        return {name: r.sent_verbs() for name, r in found if r.sent}


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """The command, where the account named is a world."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    on_call = policies.load(POLICY.encode()).on_call
    world = World(names=("phone", "mail", "room"), on_call=on_call)
    made = Command(world, policy)

    async def opened(_: str) -> Storage:
        async def close() -> None:
            return None

        found = SimpleNamespace(
            ledger=world.new_worker().ledger, queue=world.queue, close=close
        )
        return cast("Storage", found)

    monkeypatch.setattr(incidents, "open_account", opened)
    monkeypatch.setattr(page_test, "console", Console(width=300))
    monkeypatch.setattr(page_test, "pause", made.pause)
    return made


def test_everything_arrives(command: Command) -> None:
    """Each contact with how long it took; then the test is over, and all is closed."""
    done = command("ana", "primary", "room")

    assert done.exit_code == 0, done.output
    lines = command.lines(done)
    for contact in ("ana ana/phone", "ana ana/mail", "primary ben/phone", "room room"):
        assert f"{contact} arrived 0.5s" in lines
    assert "Everything arrived. Ask them whether it rang." in done.stdout
    head = command.head()
    assert head.title == ("Page test for ana, primary, room, asked for by cli:bob")
    assert head.status is IncidentStatus.RESOLVED
    assert head.resolved is not None
    assert (head.resolved.by, head.resolved.note) == (
        "cli:bob",
        "the page test is over",
    )
    assert command.sent == {
        "phone": ["trigger", "trigger", "resolve", "resolve"],
        "mail": ["trigger", "resolve"],
        "room": ["trigger", "resolve"],
    }


def test_a_route_is_whom_it_tells_first(command: Command) -> None:
    """Its responders, and the first step of its escalation alone."""
    done = command("--route", "night", "--json")

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [(n["target"], n["contact"], n["status"]) for n in found["notices"]] == [
        ("room", "room", "arrived"),
        ("primary", "ben/phone", "arrived"),
    ]


def test_what_is_refused_is_said_with_its_reason(command: Command) -> None:
    """And what to do about it; the others arrive."""
    command.world.responders["phone"].failures = [REFUSED]

    done = command("ana")

    assert done.exit_code == 1
    lines = command.lines(done)
    refused = "ana ana/phone refused - not_found: phone answered 404"
    assert refused in lines
    assert "ana ana/mail arrived 0.5s" in lines
    assert "Reasons of a delivery" in done.stdout


def test_what_does_not_arrive_in_time_is_on_its_way(command: Command) -> None:
    """Nobody waits for it longer than was said; the test is over all the same."""
    command.world.responders["phone"].failures = [DOWN] * 100
    began = command.world.clock()

    done = command("ana", "--wait", "5")

    assert done.exit_code == 1
    assert command.world.clock() - began < timedelta(seconds=7)
    assert any(
        line.startswith("ana ana/phone on its way - unavailable")
        for line in command.lines(done)
    )
    assert "did not arrive in 5 s; --wait gives it longer" in done.stdout
    assert command.head().status is IncidentStatus.RESOLVED
    assert command.sent == {"mail": ["trigger", "resolve"]}


def test_what_arrives_late_is_waited_for(command: Command) -> None:
    """As long as there is time."""
    command.world.responders["phone"].failures = [DOWN] * 3

    done = command("ben")

    assert done.exit_code == 0, done.output
    assert command.sent == {"phone": ["trigger"]}


def test_an_app_that_is_down_is_said(command: Command) -> None:
    """It is no trouble of any target."""
    command.is_up = False

    done = command("ana", "--wait", "3")

    assert done.exit_code == 1
    assert "No worker looked at it in 3 s." in done.stdout
    assert "ana - nobody -" in command.lines(done)
    assert command.sent == {}
    command.is_up = True
    # It was over before anybody looked.
    assert command.head().status is IncidentStatus.RESOLVED
    assert command.sent == {}


def test_a_schedule_with_nobody_is_said(command: Command) -> None:
    """At once: there is nothing to wait for."""
    began = command.world.clock()

    done = command("nights", "room")

    assert done.exit_code == 1
    assert "nights - nobody -" in command.lines(done)
    assert "Nobody was told for nights" in done.stdout
    assert command.world.clock() - began < timedelta(seconds=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name whom to test"),
        (["zoe"], "no person, schedule or responder is named zoe"),
        (["--route", "day"], "no route is named day"),
        (["ana", "--wait", "0"], "--wait"),
    ],
)
def test_what_cannot_be_tested_is_said(
    command: Command, arguments: list[str], said: str
) -> None:
    """Before anybody is told."""
    done = command(*arguments)

    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", "").split())
    assert asyncio.run(command.world.heads()) == []


def test_who_interrupts_it_leaves_nothing_open(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends the test."""

    async def interrupt(seconds: float) -> Any:  # noqa: ANN401
        await command.pause(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr(page_test, "pause", interrupt)
    command("room")

    assert command.head().status is IncidentStatus.RESOLVED
    assert command.sent == {"room": ["trigger", "resolve"]}


def test_times_are_never_below_zero(command: Command) -> None:
    """The clocks of this machine and of the app are two."""
    assert command("room").exit_code == 0
    (row, *_) = asyncio.run(command.world.actions())

    notice = page_test._notice("room", row, row.changed_at + timedelta(seconds=2))

    assert (notice.has_arrived, notice.took) == (True, 0.0)
