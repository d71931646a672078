"""`firewatch archive audit`, and what verifying says of the trail."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from shared.commands import Order
from shared.model.errors import ArchiveBroken
from shared.model.incident import Entry
from shared.store import rows, trail
from shared.store.batches import sha256
from shared.store.ports import Put
from tests.alerts import alert_id, defender_alert
from tests.fakes.firewatch import KEEP
from tests.unit.cli.archive_kit import Command, feed, over, verified

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = timedelta(days=1)
FIRST = date(2026, 11, 23)
NAMES = [trail.name_of(FIRST + n * DAY) for n in range(4)]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """An account of four days, on the second of which somebody said something."""
    command = over(monkeypatch)
    world = command.world
    feed(command, defender_alert())
    world.clock.step(DAY)
    said = Order("ada", "look\x9b31m at \u2028 this")
    asyncio.run(world.worker.commands.comment(asyncio.run(world.head()).id, said))
    world.clock.step(3 * DAY)
    asyncio.run(world.worker.audit())
    return command


def trail_of(command: Command, *arguments: str) -> list[dict[str, Any]]:
    """The lines of a trail."""
    found = command("audit", *arguments)
    assert found.exit_code == 0, found.output
    return [json.loads(line) for line in found.stdout.splitlines()]


def wrong(command: Command, *arguments: str) -> set[tuple[str, str]]:
    """What does not fit, and of which day or incident it is said."""
    found = verified(command, *arguments)["misfits"]
    return {(misfit["what"], misfit["which"]) for misfit in found}


def test_a_trail_is_read_by_days(command: Command) -> None:
    """Who, when, what, why; controls in it do nothing and are not lost."""
    lines = trail_of(command, "--from", "2026-11-24", "--to", "2026-11-25")

    opening, entry, empty = lines
    assert (opening["day"], opening["number"]) == ("2026-11-24", 2)
    assert (empty["day"], empty["number"]) == ("2026-11-25", 3)
    assert entry["entry"]["by"] == "ada"
    (fact,) = entry["entry"]["facts"]
    assert fact == {"kind": "comment", "detail": "look\x9b31m at \u2028 this"}
    assert len(trail_of(command, "--from", "2026-11-23")) > 3
    assert trail_of(command, "--from", "2027-01-01") == []


def test_the_list_has_the_trail_beside_what_came(command: Command) -> None:
    """A blob a day, and by itself where it is asked for."""
    found = json.loads(command("list", "--json").stdout)
    alone = json.loads(command("list", "--json", "--source", "audit").stdout)

    assert {line["source"] for line in found} == {"audit", "hub/alerts/0"}
    assert [line["day"] for line in alone] == [str(FIRST + n * DAY) for n in range(4)]
    assert {line["batches"] for line in alone} == {1}


def test_a_day_that_cannot_be_read_is_said(command: Command) -> None:
    """No half of it is given."""
    command.world.blobs.blobs[NAMES[0]] = b"no gzip"

    found = command("audit", "--from", "2026-11-23")

    assert isinstance(found.exception, ArchiveBroken)


def test_a_trail_that_was_left_alone_fits(command: Command) -> None:
    """What was done, in the trail and in the timelines; and how much of it."""
    world = command.world
    head = asyncio.run(world.head())
    asyncio.run(world.worker.commands.resolve(head.id, Order("ada", "over")))
    asyncio.run(world.settle())
    world.clock.step(KEEP + DAY)
    asyncio.run(world.worker.audit())
    asyncio.run(world.worker.retention())
    assert world.past.keys

    found = verified(command)

    assert found["misfits"] == []
    assert found["days"] == 4 + 1 + KEEP.days
    assert found["told"] == found["entries"]


def gone(command: Command, *numbers: int) -> None:
    """Take days away."""
    for number in numbers:
        del command.world.blobs.blobs[NAMES[number]]


def forge(command: Command, *, chained: bool) -> None:
    """Have a comment never have been made, in the trail alone."""
    blobs = command.world.blobs.blobs
    previous = ""
    for number, name in enumerate(NAMES):
        opening, records, _ = trail.unpack(name, blobs[name])
        kept = [r for r in records if b"comment" not in bytes(r.entry)]
        lines = [trail.entry(r.incident, bytes(r.entry)) for r in kept]
        if chained and number > 1:
            opening = msgspec.structs.replace(opening, previous=previous)
        blobs[name] = trail.pack(opening, lines)
        previous = trail.unpack(name, blobs[name]).sha256


def forge_timeline(command: Command) -> None:
    """Have a comment say something else, in the timeline alone, with its chain."""
    table = command.world.table._rows
    head = asyncio.run(command.world.head())
    chain = ""
    for place in sorted(place for place in table if place[1].startswith("t|")):
        doc = table[place].doc.replace(b"look", b"hook")
        entry = msgspec.json.decode(doc, type=Entry)
        doc = rows.encode(msgspec.structs.replace(entry, previous=chain))
        table[place] = table[place]._replace(doc=doc)
        chain = sha256(doc)
    place = rows.partition_of_incident(head.id), rows.incident(head.id)
    doc = rows.encode(msgspec.structs.replace(head, chain=chain))
    table[place] = table[place]._replace(doc=doc)


def swap(command: Command) -> None:
    """Put one day in the place of another."""
    blobs = command.world.blobs.blobs
    blobs[NAMES[2]] = blobs[NAMES[3]]


DAYS = [("audit trail", str(FIRST + n * DAY)) for n in range(4)]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda c: gone(c, 0), {DAYS[1]}),
        (lambda c: gone(c, 1), {DAYS[2]}),
        (lambda c: gone(c, 2), {DAYS[3]}),
        (lambda c: gone(c, 3), {DAYS[3]}),
        (lambda c: gone(c, 0, 1, 2, 3), {DAYS[3]}),
        (lambda c: forge(c, chained=False), {DAYS[2], ("timeline", "")}),
        (lambda c: forge(c, chained=True), {DAYS[3], ("timeline", "")}),
        (forge_timeline, {("timeline", "")}),
        (swap, {("audit trail", NAMES[2]), DAYS[3]}),
        (
            lambda c: c.world.blobs.blobs.update({NAMES[2]: gzip.compress(b"{}")}),
            {("audit trail", NAMES[2]), DAYS[3]},
        ),
    ],
    ids=[
        "the first day gone",
        "a day with something gone",
        "a day with nothing gone",
        "the last day gone",
        "all gone",
        "a day changed",
        "a day changed and its chain forged",
        "a timeline changed and its chain forged",
        "a day in the place of another",
        "a day broken",
    ],
)
def test_what_was_done_to_it_shows(
    command: Command,
    harm: Callable[[Command], object],
    said: set[tuple[str, str]],
) -> None:
    """By the chain of days, the row that knows the last, or the timelines."""
    head = asyncio.run(command.world.head())

    harm(command)

    found = {(what, which.replace(head.id, "")) for what, which in wrong(command)}
    assert found == said


@pytest.mark.parametrize(("days", "said"), [(1, set()), (2, {DAYS[3]})])
def test_a_trail_that_nobody_goes_on_with_shows(
    command: Command, days: int, said: set[tuple[str, str]]
) -> None:
    """A night may be yet to come; two are too many."""
    command.world.clock.step(days * DAY)

    assert wrong(command) == said


def test_days_that_are_deleted_by_their_age_are_no_misfits(command: Command) -> None:
    """Where the deployment says so."""
    command.world.clock.step(100 * DAY)
    asyncio.run(command.world.worker.audit())
    gone(command, 0, 1)

    assert wrong(command, "--kept-days", "90") == set()
    assert wrong(command, "--kept-days", "365") != set()


def test_what_was_in_history_before_the_trail_began_is_no_misfit(
    command: Command,
) -> None:
    """An app of an earlier version left it there, and the trail begins with what is."""
    world = command.world
    feed(command, defender_alert(SystemAlertId=alert_id(7)), first=7)
    for name in NAMES:
        del world.blobs.blobs[name]
    etag = world.table._rows[rows.SHARED, rows.TRAIL].etag
    head = asyncio.run(world.head())
    asyncio.run(world.worker.commands.resolve(head.id, Order("ada", "over")))
    asyncio.run(world.settle())
    world.clock.step(KEEP + DAY)
    asyncio.run(world.worker.retention())
    early = Put(
        rows.TRAIL,
        rows.encode(
            rows.TrailHead(
                day=FIRST - DAY, number=0, sha256="", begun=world.clock().date()
            )
        ),
        etag,
    )
    asyncio.run(world.table.commit(rows.SHARED, [early]))
    asyncio.run(world.worker.audit())

    assert world.past.keys
    assert wrong(command) == set()
