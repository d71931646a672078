"""Evidence that comes after the page follows it once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from shared.actions.routing import Route
from shared.model.action import Change
from shared.model.evidence import Lack
from shared.model.logs import Answer
from tests.alerts import NOON
from tests.fakes.enriched import enriched
from tests.fakes.logs import FakeLogs, Slow, rows
from tests.unit.looks.evidence import (
    MINUTE,
    OPENED,
    an_alert,
    heard,
    looked,
    reasons,
    run,
    told,
)

LATE = ("update", "evidence")


def test_what_comes_late_follows_as_one_update() -> None:
    """Under the same key, and no second one however much more comes."""

    async def scenario() -> None:
        world = enriched(FakeLogs(Slow(6, rows("mallory@contoso.com"))))
        await looked(world, an_alert(Severity="High"))
        assert reasons(told(world)) == {Lack.TIMEOUT}
        # The flights go on meanwhile.
        await asyncio.sleep(30)

        await world.settle()

        assert heard(world) == [OPENED, LATE]
        assert len({sent.dedup_key for sent in world.pager.sent}) == 1
        assert reasons(told(world, 1)) == {""}
        await world.feed([an_alert(2, CompromisedEntity="vm-other")])
        assert heard(world).count(LATE) == 1
        await world.check_rested()

    run(scenario)


def test_a_route_may_leave_late_evidence_out() -> None:
    """As any other change."""

    async def scenario() -> None:
        world = enriched(FakeLogs(Slow(6, rows("mallory@contoso.com"))))
        world.again = Route(to=("pager",), again=(Change.SEVERITY_RAISED,))
        await looked(world, an_alert(Severity="High"))
        await asyncio.sleep(30)

        await world.settle()

        assert heard(world) == [OPENED]
        await world.check_rested()

    run(scenario)


def test_late_evidence_takes_nothing_else_for_told() -> None:
    """A new tactic is told at its time all the same, and evidence does not wait."""

    async def scenario() -> None:
        world = enriched(FakeLogs(Slow(6, rows("mallory@contoso.com"))))
        await looked(world, an_alert(Severity="High"))
        more = an_alert(2, AlertType="VM_Other", Intent="Impact")
        await looked(world, more)
        await asyncio.sleep(30)

        await world.settle()

        assert heard(world) == [OPENED, LATE, ("update", "new_tactic")]
        await world.check_rested()

    run(scenario)


def test_logs_that_were_late_are_asked_once_more() -> None:
    """When rows about the alert can have arrived; then never again."""

    async def scenario() -> None:
        logs = FakeLogs(Answer(columns=(), rows=()))
        world = enriched(logs)
        world.clock.step(NOON + MINUTE - world.clock())
        await looked(world)
        first = logs.counts()
        assert set(first.values()) == {1}
        logs.default = rows("mallory@contoso.com")

        await world.settle(most=timedelta(hours=10))

        assert set(logs.counts().values()) == {2}
        assert heard(world) == [OPENED, LATE]
        await world.check_rested()

    run(scenario)


def test_an_alert_of_long_ago_is_asked_about_once() -> None:
    """All rows about it are there."""

    async def scenario() -> None:
        logs = FakeLogs()
        world = enriched(logs)
        world.clock.step(NOON + timedelta(days=2) - world.clock())
        await looked(world)

        await world.settle()

        assert set(logs.counts().values()) == {1}

    run(scenario)
