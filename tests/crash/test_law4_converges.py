"""Law 4: a crash anywhere converges.

Every call to the store and to the other side fails once, before it took effect and
after, and the worker either goes on or is dead. Then the batch is given again.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from cli.archive.verifying import Verification
from shared.model.errors import StoreError
from shared.store import reading
from shared.store.batches import ARCHIVE
from shared.store.memory import Memory
from tests.alerts import NOON, alert_id, defender_alert, event, stamp, vm
from tests.fakes.enriched import enriched, tagging, verdicts
from tests.fakes.firewatch import World
from tests.fakes.logs import FakeLogs
from tests.property.feeds import OTHER_SUBSCRIPTION
from tests.property.test_law3_nothing_twice import check_notices

if TYPE_CHECKING:
    from cli.archive.verifying import Misfit
    from shared.model.event import Event


def _alert(number: int, hours: float = 0, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    started_at = NOON + timedelta(hours=hours)
    return defender_alert(
        **{
            "SystemAlertId": alert_id(number, started_at),
            "StartTimeUtc": stamp(started_at),
            "EndTimeUtc": stamp(started_at),
            "ProcessingEndTime": stamp(started_at + timedelta(minutes=1)),
        }
        | changes
    )


def _closed(body: dict[str, Any]) -> dict[str, Any]:
    later = {"ProcessingEndTime": stamp(NOON + timedelta(hours=9))}
    return body | later | {"Status": "Dismissed"}


def _batch(*bodies: dict[str, Any] | bytes, first: int) -> list[Event]:
    received_at = NOON + timedelta(hours=12)
    return [
        event(body, place=first + n, received_at=received_at)
        for n, body in enumerate(bodies)
    ]


_WEB = _alert(1)
_WEB_TOO = _alert(2, AlertType="VM_BruteForce")
_ELSEWHERE = _alert(3, AzureResourceId=vm("vm-c", OTHER_SUBSCRIPTION))
_LATE = _alert(4, 8, Severity="Low")
_BRIDGE = _alert(5, 4)

# Two incidents on one machine, one elsewhere, poison; then what ties the two; then all
# of it closed by the source; then one opened again.
FEED = (
    _batch(_WEB, _WEB_TOO, _ELSEWHERE, _LATE, b"junk", first=1),
    _batch(_BRIDGE, _WEB | {"Severity": "Low", "TimeGenerated": None}, first=10),
    _batch(*map(_closed, [_WEB, _WEB_TOO, _ELSEWHERE, _LATE, _BRIDGE]), first=20),
    _batch(_alert(6, 8.5), first=30),
)


class Crash(NamedTuple):
    """Where a run is broken: at which call, how, and whether the worker dies of it."""

    call: int
    took_effect: bool
    for_good: bool


async def _run(
    crash: Crash | None = None, *, waits: bool = True, world: World | None = None
) -> World:
    """Play the feed. With ``waits``, all is quiet before the next batch comes."""
    world = world or World()
    if crash is not None:
        world.faults.fail_after(
            crash.call, took_effect=crash.took_effect, for_good=crash.for_good
        )
    for batch in FEED:
        await _until_it_works(world, batch, waits=waits)
    await world.settle()
    await world.check_rested()
    return world


async def _until_it_works(world: World, batch: list[Event], *, waits: bool) -> None:
    """Give a batch until a living worker took it, as the platform does."""
    while True:
        try:
            await world.worker.ingest(batch)
            if waits:
                await world.settle()
            else:
                await world.deliver()
        except StoreError:
            world.restart()
            continue
        if not world.faults.is_down:
            return
        world.restart()


async def _letters(world: World) -> dict[str, bytes]:
    letters = world.worker.archive.letters()
    return {name: letter.raw async for name, letter in letters}


def _archived(world: World) -> dict[str, bytes]:
    blobs = world.blobs.blobs
    return {name: data for name, data in blobs.items() if name.startswith(ARCHIVE)}


async def _misfits(world: World) -> list[Misfit]:
    """What `firewatch archive verify` says of it."""
    look = Verification(
        world.ledger,
        world.history,
        world.worker.archive,
        kept_since=None,
        tell=lambda _: None,
    )
    await look.rows()
    await look.blobs(_archived(world))
    found = look.close()
    assert found.hashed == found.alerts > 0
    return found.misfits


VARIANTS = [(False, False), (False, True), (True, False), (True, True)]
NAMES = ["not done", "not done and dead", "done", "done and dead"]


@pytest.mark.parametrize(("took_effect", "for_good"), VARIANTS, ids=NAMES)
async def test_a_crash_at_any_call_ends_as_if_there_had_been_none(
    *, took_effect: bool, for_good: bool
) -> None:
    """State, effects by key and dead letters equal the run without a crash."""
    plain = await _run()
    calls = plain.faults.total
    stories, letters = await plain.stories(), await _letters(plain)

    for call in range(1, calls + 1):
        world = await _run(Crash(call, took_effect, for_good))

        where = f"call {call}, {world.faults.failed}"
        assert world.faults.failed, where
        assert await world.stories() == stories, where
        assert world.pager.effects == plain.pager.effects, where
        assert await _letters(world) == letters, where
        assert _archived(world) == _archived(plain), where
        assert await _misfits(world) == [], where
        copies = Counter(world.pager.sent).values()
        # One more of each notice that was under way when the worker died.
        assert max(copies) <= 2, where


@pytest.mark.parametrize(("took_effect", "for_good"), VARIANTS, ids=NAMES)
async def test_a_crash_of_a_worker_that_keeps_no_alert_ends_so_too(
    *, took_effect: bool, for_good: bool
) -> None:
    """Of which it remembers the versions alone, and reads the rows it needs."""

    def forgetful() -> World:
        return World(memory=lambda: Memory(alerts=0))

    plain, whole = await _run(world=forgetful()), await _run()
    assert plain.faults.calls["table.get"] > whole.faults.calls["table.get"]
    calls = plain.faults.total
    stories = await whole.stories()

    # Each kind of crash begins elsewhere: together they meet most of the calls.
    first = 1 + VARIANTS.index((took_effect, for_good))
    for call in range(first, calls + 1, len(VARIANTS)):
        world = await _run(Crash(call, took_effect, for_good), world=forgetful())

        where = f"call {call}, {world.faults.failed}"
        assert await world.stories() == stories, where
        assert world.pager.effects == whole.pager.effects, where
        assert max(Counter(world.pager.sent).values()) <= 2, where


@pytest.mark.parametrize(("took_effect", "for_good"), VARIANTS, ids=NAMES)
async def test_a_crash_while_the_feed_goes_on_leaves_no_notice_astray(
    *, took_effect: bool, for_good: bool
) -> None:
    """Batches do not wait for dead workers; merges take over what those left."""
    plain = await _run(waits=False)
    calls = plain.faults.total
    stories = await plain.stories()

    for call in range(1, calls + 1):
        world = await _run(Crash(call, took_effect, for_good), waits=False)

        assert await world.stories() == stories, call
        await check_notices(world)
        copies = Counter(world.pager.sent).values()
        assert max(copies) <= 2, call


async def test_the_feed_tells_what_it_is_meant_to() -> None:
    """The run others are held to merges, closes, reopens and dead-letters."""
    world = await _run()

    heads = await reading.incidents(world.ledger)
    assert sorted(head.status for head in heads) == ["merged", "open", "resolved"]
    assert len(world.blobs.blobs) == len(FEED) + 1
    assert world.pager.sent_verbs().count("trigger") == 4
    assert world.pager.sent_verbs().count("resolve") == 3


@pytest.mark.parametrize(
    "every", [59, pytest.param(1, marks=pytest.mark.soak)], ids=["some", "all"]
)
@pytest.mark.parametrize(("took_effect", "for_good"), VARIANTS, ids=NAMES)
async def test_a_crash_while_logs_are_asked_loses_no_notice(
    *, took_effect: bool, for_good: bool, every: int
) -> None:
    """Evidence is asked for anew, or said to be missing; the rest is as without."""
    plain = await _run(world=enriched(FakeLogs(), others=verdicts, tagging=tagging))
    assert plain.pager.actions[0].content["evidence"]
    calls = plain.faults.total
    stories = await plain.stories()

    # Each kind of crash begins elsewhere: together they meet most of the calls.
    first = 1 + VARIANTS.index((took_effect, for_good)) % every
    for call in range(first, calls + 1, every):
        world = await _run(
            Crash(call, took_effect, for_good),
            world=enriched(FakeLogs(), others=verdicts, tagging=tagging),
        )

        where = f"call {call}, {world.faults.failed}"
        assert await world.stories() == stories, where
        assert world.pager.effects == plain.pager.effects, where
        await check_notices(world)
        assert max(Counter(world.pager.sent).values()) <= 2, where
