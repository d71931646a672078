"""The fourth verb."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from shared import reconcile_source
from shared.model.books import Books
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    SettingsError,
    StoreUnavailable,
    TransientFailure,
)
from shared.reconcile_source import Reconciled, ReconcileSource
from shared.triage import policy as policies
from tests.alerts import NOON, SUBSCRIPTION, alert_id, defender_alert, event, stamp
from tests.arm_alerts import arm_alert, arm_page
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

OTHER = "99999999-1bf0-4dda-aec3-cb9272f09590"
DENIED = PermanentFailure(FailureReason.AUTH, "subscription x: answered 403")

# The fake clock says noon; these were finished with long ago, and just now.
OLD = NOON - timedelta(hours=2)
YOUNG = NOON - timedelta(minutes=5)


class Lists:
    """The pages of each subscription; an exception is raised in a page's place."""

    def __init__(
        self, pages: Mapping[str, Sequence[bytes | Exception]] | None = None
    ) -> None:
        self.pages = pages or {}
        self.asked: list[str] = []

    async def __call__(self, subscription: str) -> AsyncIterator[bytes]:
        self.asked.append(subscription)
        for page in self.pages.get(subscription, [arm_page()]):
            if isinstance(page, Exception):
                raise page
            yield page


def a_verb(world: World, lists: Lists, *subscriptions: str) -> ReconcileSource:
    return ReconcileSource(
        subscriptions or (SUBSCRIPTION,),
        alerts=lists,
        ingest=world.worker.ingest,
        ledger=world.worker.ledger,
        clock=world.clock,
    )


async def run(world: World, *pages: bytes | Exception) -> Reconciled:
    """One run over the pages of one subscription."""
    [found] = await a_verb(world, Lists({SUBSCRIPTION: list(pages)}))()
    return found


def said(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    """The lines of one event."""
    return [m for m in caplog.messages if m.startswith(f"{name} ")]


@pytest.fixture
def world() -> World:
    """An app that has seen nothing."""
    return World()


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="firewatch")


async def test_an_alert_the_export_never_delivered_is_told_and_is_a_gap(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It is stored, archived, booked and paged as if it had come by the hub."""
    page = arm_page(arm_alert(1, at=OLD))

    found = await run(world, page)

    assert found == Reconciled(subscription=SUBSCRIPTION, listed=1, stored=1, gaps=1)
    [line] = said(caplog, "export.gap")
    assert line == f'export.gap subscription="{SUBSCRIPTION}" alerts=1'
    await world.settle()
    assert world.pager.sent_verbs() == ["trigger"]
    assert any(f"/arm/{SUBSCRIPTION}/" in name for name in world.blobs.blobs)
    await world.check_rested()


async def test_what_the_hub_delivered_is_no_gap(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The same detection by two roads is one alert on one incident."""
    exported = defender_alert(
        SystemAlertId=alert_id(1, OLD),
        StartTimeUtc=stamp(OLD),
        EndTimeUtc=stamp(OLD),
        ProcessingEndTime=stamp(OLD + timedelta(seconds=30)),
    )
    await world.worker.ingest([event(exported)])

    found = await run(world, arm_page(arm_alert(1, at=OLD)))

    assert (found.listed, found.stored, found.updated, found.gaps) == (1, 0, 0, 0)
    assert said(caplog, "export.gap") == []
    assert (await world.head()).alerts == 1


async def test_a_gap_is_found_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The next hour's list holds duplicates only."""
    page = arm_page(arm_alert(1, at=OLD), arm_alert(2, at=OLD))

    first, second = await run(world, page), await run(world, page)

    assert (first.gaps, second.gaps) == (2, 0)
    assert (second.listed, second.stored) == (2, 0)
    assert len(said(caplog, "export.gap")) == 1


async def test_an_alert_that_may_still_be_on_its_way_is_no_gap(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It is stored all the same: whoever comes first brings it."""
    found = await run(world, arm_page(arm_alert(1, at=YOUNG)))

    assert (found.stored, found.gaps) == (1, 0)
    assert said(caplog, "export.gap") == []


async def test_young_and_old_are_told_apart_on_one_page(world: World) -> None:
    """Neither does a known old alert make a young one a gap, nor hide a known young one an old gap."""
    known = [arm_alert(1, at=OLD), arm_alert(2, at=YOUNG)]
    await run(world, arm_page(*known))

    young = await run(world, arm_page(*known, arm_alert(3, at=YOUNG)))
    old = await run(world, arm_page(*known, arm_alert(4, at=OLD)))

    assert (young.stored, young.gaps) == (1, 0)
    assert (old.stored, old.gaps) == (1, 1)


async def test_gaps_of_all_pages_are_one_line(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Once per subscription and run, whatever the number of pages."""
    pages = [arm_page(arm_alert(n, at=OLD)) for n in range(3)]

    found = await run(world, *pages)

    assert (found.listed, found.stored, found.gaps) == (3, 3, 3)
    [line] = said(caplog, "export.gap")
    assert line.endswith("alerts=3")


async def test_a_status_that_the_export_does_not_send_is_found(world: World) -> None:
    """An alert that was dismissed at the source ends its incident."""
    await run(world, arm_page(arm_alert(1, at=OLD)))
    await world.settle()

    dismissed = arm_alert(
        1, at=OLD, status="Dismissed", processingEndTimeUtc=stamp(YOUNG)
    )
    found = await run(world, arm_page(dismissed))

    assert (found.listed, found.stored, found.updated) == (1, 0, 1)
    await world.settle()
    assert world.pager.sent_verbs() == ["trigger", "resolve"]


async def test_one_bad_alert_stays_alone(world: World) -> None:
    """It becomes a dead letter, and its neighbours are stored."""
    bad = arm_alert(1, at=OLD, alertType="")

    found = await run(world, arm_page(bad, arm_alert(2, at=OLD)))

    assert (found.listed, found.stored, found.gaps) == (2, 1, 1)
    [name] = [n for n in world.blobs.blobs if n.startswith("dead-letter/")]
    assert name.startswith(f"dead-letter/arm/{SUBSCRIPTION}/")


@pytest.mark.parametrize(
    "failure", [DENIED, TransientFailure(FailureReason.RATE_LIMITED, "answered 429")]
)
async def test_a_broken_subscription_keeps_no_other(
    world: World, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    """What is wrong with it is in the result and in the log."""
    lists = Lists({OTHER: [failure], SUBSCRIPTION: [arm_page(arm_alert(1, at=OLD))]})

    broken, whole = await a_verb(world, lists, OTHER, SUBSCRIPTION)()

    assert broken == Reconciled(subscription=OTHER, failure=str(failure))
    assert (whole.stored, whole.failure) == (1, "")
    [line] = said(caplog, "reconcile.failed")
    assert OTHER in line
    assert str(failure) in line
    [line] = said(caplog, "reconcile.done")
    assert line == (
        f'reconcile.done subscription="{SUBSCRIPTION}" listed=1 stored=1 updated=0'
    )


async def test_a_list_that_breaks_off_keeps_what_it_brought(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The gap of its first page is told, and so is that there is more to read."""
    found = await run(world, arm_page(arm_alert(1, at=OLD)), DENIED)

    assert (found.stored, found.gaps, found.failure) == (1, 1, str(DENIED))
    assert len(said(caplog, "export.gap")) == 1
    assert len(said(caplog, "reconcile.failed")) == 1
    assert said(caplog, "reconcile.done") == []


@pytest.mark.parametrize("call", range(1, 6))
async def test_a_store_that_fails_anywhere_costs_an_hour(
    world: World, call: int
) -> None:
    """The next run stores what this one did not, once."""
    page = arm_page(arm_alert(1, at=OLD))
    world.faults.fail_after(call, for_good=True)

    broken = await run(world, page)
    failed = list(world.faults.failed)
    world.restart()
    await run(world, page)

    assert bool(broken.failure) == bool(failed)
    await world.settle()
    assert (await world.head()).alerts == 1
    assert world.pager.sent_verbs() == ["trigger"]


async def test_a_defect_keeps_no_other_subscription_and_is_not_hidden(
    world: World,
) -> None:
    """The platform sees the failure once the other lists are read."""
    lists = Lists(
        {OTHER: [ZeroDivisionError()], SUBSCRIPTION: [arm_page(arm_alert(1))]}
    )

    with pytest.raises(ZeroDivisionError):
        await a_verb(world, lists, OTHER, SUBSCRIPTION)()

    assert (await world.head()).alerts == 1


async def test_a_list_that_hangs_ends_with_the_time_of_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform would end the whole worker."""
    monkeypatch.setattr(reconcile_source, "WHOLE_TIMEOUT_S", 0.01)

    async def hangs(_: str) -> AsyncIterator[bytes]:
        yield arm_page(arm_alert(1, at=OLD))
        await asyncio.Event().wait()

    verb = ReconcileSource(
        [f"{n}{SUBSCRIPTION[1:]}" for n in range(reconcile_source.AT_ONCE + 1)],
        alerts=hangs,
        ingest=world.worker.ingest,
        ledger=world.worker.ledger,
        clock=world.clock,
    )

    found = await verb()

    assert {each.failure for each in found} == {"the time of a run was over"}
    # The last one was still waiting for its turn.
    assert found[-1].listed == 0


async def test_nothing_is_done_for_nobody(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Without subscriptions no list is read, and no store asked."""
    lists = Lists()
    verb = ReconcileSource(
        [],
        alerts=lists,
        ingest=world.worker.ingest,
        ledger=world.worker.ledger,
        clock=world.clock,
    )

    assert await verb() == ()
    assert await verb.totals() == {}

    assert caplog.messages == ["reconcile.off "]
    assert lists.asked == []
    assert world.faults.total == 0
    assert verb.last_run is None


async def test_a_subscription_is_read_once_however_it_is_spelt(world: World) -> None:
    """GUIDs have no case."""
    lists = Lists()

    await a_verb(world, lists, SUBSCRIPTION.upper(), SUBSCRIPTION, OTHER)()

    assert lists.asked == [SUBSCRIPTION, OTHER]


async def test_totals_are_the_books_of_each_list(world: World) -> None:
    """Over all runs and workers; a list that was never read has none."""
    pages = [arm_page(arm_alert(1, at=OLD)), arm_page(arm_alert(2, at=OLD))]
    await run(world, pages[0])
    world.restart()
    await run(world, *pages)

    verb = a_verb(world, Lists(), SUBSCRIPTION, OTHER)

    totals = await verb.totals()
    assert totals[OTHER] == Books()
    books = totals[SUBSCRIPTION]
    assert (books.received, books.stored, books.duplicate) == (3, 2, 1)
    assert books.is_balanced


async def test_the_last_run_is_when_it_came_to_its_end(world: World) -> None:
    """Also when a list could not be read: the failure has its own line."""
    verb = a_verb(world, Lists({SUBSCRIPTION: [StoreUnavailable("x")]}))
    before = verb.last_run
    await verb()

    assert before is None
    assert verb.last_run == world.clock()


# The policy


def load(subscriptions: object) -> policies.Policy:
    raw = {
        "responders": {"soc": {}},
        "routes": [{"to": ["soc"]}],
        "reconcile": {"subscriptions": subscriptions},
    }
    return policies.load(msgspec.json.encode(raw))


def test_subscriptions_are_guids() -> None:
    """In any case."""
    found = load([SUBSCRIPTION, OTHER.upper()])

    assert found.reconcile.subscriptions == (SUBSCRIPTION, OTHER.upper())


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "all",
        f" {SUBSCRIPTION}",
        f"/subscriptions/{SUBSCRIPTION}",
        f"{SUBSCRIPTION}\n",
    ],
)
def test_what_is_no_guid_is_named_by_its_place(wrong: str) -> None:
    """It would become part of a URL and of a row's key."""
    with pytest.raises(SettingsError) as caught:
        load([SUBSCRIPTION, wrong])

    [problem] = caught.value.problems
    assert "$.reconcile.subscriptions[1]" in problem
    assert "GUID" in problem
