"""Why an alert is on its incident."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from shared.explain import answer
from shared.explain.answer import explained
from shared.explain.case import Case, Ruleset
from shared.model.alert import Joined
from shared.model.correlation import Correlation
from shared.model.incident import Entry, Fact
from shared.store import reading
from tests.alerts import NOON, alert_id, event, stamp
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from shared.explain.report import ExplainedAlert
    from shared.model.alert import AlertRow

from tests.unit.explain.explained import EVERYBODY, body, incident_of


async def alert_of(world: World, **changes: object) -> ExplainedAlert:
    """The explanation of the first alert, were its row changed so."""
    row: AlertRow = (await reading.alerts(world.ledger))[0]
    rules = Ruleset(EVERYBODY, world.suppress)
    return await answer.of_alert(world.ledger, replace(row, **changes), rules)


class TestWhyThere:
    """Joining, merging, and going on after."""

    @pytest.mark.parametrize(
        ("joined", "line", "otherwise"),
        [
            (
                Joined(strategy="same account", key="ada@example.org"),
                "It joined incident {}: same account (ada@example.org).",
                "Without that key it would have opened an incident of its own.",
            ),
            (
                Joined(strategy="same host", key="web01", also=("ip 203.0.113.7",)),
                "It shares one more key: ip 203.0.113.7.",
                "Without that key it would have joined through the next: ip 203.0.113.7.",
            ),
            (
                Joined(because="taken out of incident aa by ada"),
                "Incident {} was opened for it: taken out of incident aa by ada.",
                "But for that, it might be on an incident that was there.",
            ),
            (
                Joined(strategy="same host", because="incident aa kept apart"),
                "A key did match another incident too, but: incident aa kept apart.",
                "Without that key it would have opened an incident of its own.",
            ),
            (
                Joined(strategy="same host", merged=("aa", "bb")),
                "It tied incidents together: aa and bb.",
                "Without it, aa and bb would be apart from {} still.",
            ),
            (
                Joined(),
                "It opened incident {}: it shared no key with an open one.",
                None,
            ),
        ],
    )
    async def test_how_it_joined_is_told(
        self, joined: Joined, line: str, otherwise: str | None
    ) -> None:
        """With the key that decided, and where it would be without."""
        world = World()
        await world.feed([event()])

        found = await alert_of(world, joined=joined)

        assert line.format(found.put_on) in found.lines
        if otherwise is None:
            assert found.otherwise == ()
        else:
            assert otherwise.format(found.put_on) in found.otherwise

    async def test_an_older_row_is_told_by_its_timeline(self) -> None:
        """That the key was not written down is said."""
        world = World()
        await world.feed([event(body(1), body(2))])

        found = [
            await answer.of_alert(
                world.ledger, replace(row, joined=None), Ruleset(EVERYBODY, ())
            )
            for row in await reading.alerts(world.ledger)
        ]

        said = sorted(next(x for x in f.lines if "older version" in x) for f in found)
        assert said[0].partition("says that it ")[2].startswith("joined incident")
        assert said[1].partition("says that it ")[2].startswith("opened incident")

    async def test_the_version_that_counts_is_told(self) -> None:
        """When, by which road, and what it says."""
        world = World()
        await world.feed([event()])

        found = await alert_of(world)

        assert found.road == "hub"
        assert found.lines[0].startswith(
            "The version that counts is of 2026-11-23T12:00:30.000Z, by road hub"
        )

    async def test_a_merger_names_the_alert_that_tied_them(self) -> None:
        """And the alert of the loser is on the winner now."""
        world = World()
        gap = timedelta(hours=4)
        times = {1: NOON, 2: NOON + 2 * gap, 3: NOON + gap}
        for number, at in times.items():
            alert = body(number, StartTimeUtc=stamp(at), EndTimeUtc=stamp(at))
            late = NOON + timedelta(days=1)
            await world.feed([event(alert, place=number, received_at=late)])
        everything = await reading.incidents(world.ledger)
        loser = next(head for head in everything if head.merged_into)

        rows = [a for a in await reading.alerts(world.ledger) if a.incident == loser.id]
        found = await answer.of_alert(world.ledger, rows[0], Ruleset(EVERYBODY, ()))

        (merger,) = found.mergers
        assert (merger.loser, merger.winner) == (loser.id, loser.merged_into)
        assert merger.alert == alert_id(3)
        assert (found.put_on, found.incident) == (loser.id, loser.merged_into)
        about = await incident_of(world)
        assert about.mergers == (merger,)
        asked = await incident_of(world, head=loser)
        assert (asked.asked, asked.incident) == (loser.id, loser.merged_into)
        assert asked.mergers == (merger,)

    async def test_a_merger_by_a_person_names_the_person(self) -> None:
        """No alert tied the two."""
        world = World()
        await world.feed([event()])
        head = await world.head()
        facts = (
            Fact(kind="incident.absorbed", detail="0" * 16),
            Fact(kind="incident.noted", detail="the same attack"),
        )
        entry = Entry(sequence=1, at=NOON, by="ada", facts=facts, previous="")

        found = explained(
            Case(NOON, Ruleset(EVERYBODY, ()), [head], {head.id: [entry]}, [])
        )

        (merger,) = found.mergers
        assert (merger.by, merger.alert) == ("ada", "")
        assert (
            f"Incident {'0' * 16} was merged into {head.id} at"
            " 2026-11-23T12:00:00.000Z, by ada." in found.lines
        )

    async def test_a_successor_says_whose_notices_speak_for_it(self) -> None:
        """It was opened since the one before it was full."""
        world = World(caps=Correlation(max_problems=1, quiet=None))
        await world.feed([event(body(1), body(2, AlertType="VM_Other"))])
        heads = {head.id: head for head in await world.heads()}
        after = next(head for head in heads.values() if head.predecessor)

        found = await incident_of(world, head=after)

        (said,) = found.responders
        assert said.why == (
            f"it goes on after {after.predecessor}, whose notices speak for both"
        )
        assert any(line.startswith("It was opened after") for line in found.lines)

    async def test_an_incident_that_is_lost_is_said_to_be(self) -> None:
        """A restore may leave alerts without their incident."""
        world = World()
        await world.feed([event()])

        found = await alert_of(world, incident="0" * 16)

        assert found.about is None
        assert found.lines[-1] == f"Incident {'0' * 16} is not in the store."

    async def test_quiet_is_told_ahead(self) -> None:
        """When it is resolved, if nothing more is heard."""
        world = World(caps=Correlation(quiet=timedelta(days=7)))
        await world.worker.ingest([event()])
        await world.deliver()

        found = await incident_of(world, quiet=timedelta(days=7))

        head = await world.head()
        heard_at = head.heard_at or head.changed_at
        assert [(each.at, each.what) for each in found.upcoming] == [
            (
                heard_at + timedelta(days=7),
                "it is resolved, if nothing is heard of it",
            )
        ]

    async def test_no_policy_at_hand_is_said(self) -> None:
        """Rather than that no route fits."""
        world = World()
        await world.feed([event()])

        found = await incident_of(world, ())

        assert "The routes of the policy are not at hand." in found.lines


async def test_one_that_is_not_there_has_no_answer() -> None:
    """None, whether the id could be one or not."""
    world = World()

    for name in ("0" * 16, "../x"):
        assert await answer.of_incident(world.ledger, name, Ruleset((), ())) is None
