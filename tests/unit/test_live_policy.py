"""What reloads while the app runs, what does not, and what is left when it fails."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.live_policy import FOLDER, LAST_GOOD, Live, LivePolicy
from shared.triage import policy as policies
from tests.fakes.app import FakeApp
from tests.fakes.clock import Clock
from tests.fakes.policy_blob import FakePolicyBlob
from tests.fakes.store import FakeBlobs

if TYPE_CHECKING:
    from pathlib import Path


DEPLOYED = """
responders:
  pager: {use: pagerduty}
  chat: {use: webhook}
correlate: {gap: 5h}
routes:
  - to: [pager]
suppress:
  - {name: old, match: [host=a], reason: r, owner: o, until: 2030-01-01T00:00:00Z}
"""
ROUTES = "routes: [{to: [chat]}]\n"
SILENCE = (
    "{name: new, match: [host=b], reason: r, owner: o, until: 2030-01-01T00:00:00Z}"
)
MINUTE = timedelta(minutes=1)


def digest(text: str) -> str:
    """The name that a text has for ever."""
    return hashlib.sha256(text.encode()).hexdigest()


class World:
    """A clock, our own storage, a blob; and processes that start and end."""

    def __init__(self, text: str | None = None) -> None:
        self.clock = Clock()
        self.blob = FakePolicyBlob(text)
        self.blobs = FakeBlobs()
        self.live = self.started()

    def started(self, deployed: str = DEPLOYED) -> LivePolicy:
        """The same app, started anew."""
        self.live = LivePolicy(
            policies.load(deployed.encode()),
            deployed.encode(),
            clock=self.clock,
            fetch=self.blob,
            blobs=self.blobs,
        )
        return self.live

    async def next(self) -> Live:
        """What is in force a minute later."""
        self.clock.step(MINUTE)
        return await self.live()


def who(live: Live) -> list[str]:
    """Whom the routes name."""
    return [name for route in live.routes for name in route.to]


async def test_without_a_blob_the_deployed_policy_is_in_force() -> None:
    """And nothing is ever read."""
    policy = policies.load(DEPLOYED.encode())

    live = await LivePolicy(policy, DEPLOYED.encode(), clock=Clock())()

    assert live == Live(
        policy.routes, policy.suppress, policy.on_call, digest(DEPLOYED)[:12], ()
    )


async def test_routes_and_silences_are_the_blobs() -> None:
    """Its hash is what is in force."""
    text = f"{ROUTES}suppress: [{SILENCE}]"
    live = await World(text).live()

    assert who(live) == ["chat"]
    assert [silence.name for silence in live.suppress] == ["new"]
    assert live.hash == digest(text)[:12]
    assert live.problems == ()


async def test_a_section_that_is_left_out_is_the_deployed_one() -> None:
    """An empty list is how to say that there is none."""
    world = World(ROUTES)
    assert [silence.name for silence in (await world.live()).suppress] == ["old"]

    world.blob.text = "suppress: []"
    live = await world.next()

    assert live.suppress == ()
    assert who(live) == ["pager"]


@pytest.mark.parametrize(
    ("section", "path"),
    [
        ("correlate: {gap: 6h}", "correlate"),
        ("correlate: {gap: never}", "correlate"),
        ("responders: {pager: {use: webhook}, chat: {use: webhook}}", "responders"),
        ("reconcile: {subscriptions: [x]}", "reconcile"),
        ("storm: {pages: 1}", "storm"),
        ("senders: 7", "senders"),
    ],
)
async def test_what_comes_with_the_deployment_is_ignored_in_the_blob(
    section: str, path: str
) -> None:
    """A difference is told, and the rest is in force all the same."""
    live = await World(f"{ROUTES}{section}").live()

    assert who(live) == ["chat"]
    (problem,) = live.problems
    assert problem.startswith(f"FIREWATCH_POLICY_BLOB: $.{path}: is not what is deploy")


async def test_a_copy_of_the_deployed_policy_differs_in_nothing() -> None:
    """However its durations are written."""
    live = await World(DEPLOYED.replace("5h", "300m") + "storm: {pages: 30}").live()

    assert live.problems == ()


async def test_a_blob_cannot_route_to_whom_the_deployment_does_not_know() -> None:
    """Its own responders are none."""
    live = await World(
        "responders: {spy: {use: webhook}}\nroutes: [{to: [spy]}]"
    ).live()

    assert who(live) == ["pager"]
    assert "no responder is named spy" in live.problems[0]


async def test_it_is_read_once_a_minute_at_most_and_only_when_somebody_asks() -> None:
    """Within the minute nothing is read; an unchanged blob is not sent again."""
    world = World(ROUTES)
    for _ in range(5):
        await world.live()
        world.clock.step(timedelta(seconds=11))
    assert world.blob.reads == 1

    await world.next()
    await world.live()

    assert (world.blob.reads, world.blob.downloads) == (2, 1)


async def test_a_clock_that_was_set_back_does_not_end_the_reading() -> None:
    """It is read again at once."""
    world = World(ROUTES)
    await world.live()
    world.blob.text = "routes: [{to: []}]"
    world.clock.step(-timedelta(days=1))

    assert who(await world.live()) == []


async def test_those_who_ask_meanwhile_do_not_wait() -> None:
    """They get what was in force; at the first look all wait for it."""
    world = World(ROUTES)
    assert {(await world.live()).hash} == {
        live.hash for live in await asyncio.gather(world.live(), world.live())
    }
    world.started()
    first = await asyncio.gather(world.live(), world.live(), world.live())
    assert [who(live) for live in first] == [["chat"]] * 3
    assert world.blob.reads == 2

    world.clock.step(MINUTE)
    world.blob.text = "routes: [{to: []}]"
    both = await asyncio.gather(world.live(), world.live())

    assert [who(live) for live in both] == [[], ["chat"]]


@pytest.mark.parametrize(
    "broken", ["routes: [{to: [nobody]}]", "routes: [", "\x00", ""]
)
async def test_a_blob_that_does_not_load_changes_nothing(broken: str) -> None:
    """The last good one stays in force, and what is wrong is said until it is mended."""
    world = World(ROUTES)
    good = await world.live()

    world.blob.text = broken
    bad = await world.next()
    still = await world.next()

    assert bad[:4] == good[:4]
    assert bad.problems == still.problems != ()
    assert bad.problems[0].startswith("FIREWATCH_POLICY_BLOB: ")
    assert world.blob.downloads == 2
    world.blob.text = ROUTES
    assert await world.next() == good


async def test_a_blob_that_cannot_be_read_changes_nothing() -> None:
    """It is asked again in a minute, no sooner."""
    world = World(ROUTES)
    good = await world.live()

    world.blob.faults.go_down()
    away = await world.next()
    await world.live()
    reads = world.blob.reads
    world.blob.faults.heal()

    assert away[:4] == good[:4]
    assert away.problems[0].startswith("FIREWATCH_POLICY_BLOB: ")
    assert reads == 2
    assert await world.next() == good


@pytest.mark.parametrize("text", [None, "routes: ["])
async def test_last_good_survives_a_start(text: str | None) -> None:
    """Where the blob is away or broken at the start, what was in force last is."""
    world = World(ROUTES)
    good = await world.live()

    world.blob.text = text
    live = await world.started()()

    assert live[:4] == good[:4]
    assert len(live.problems) == 1


async def test_every_text_that_was_in_force_is_kept_under_its_hash() -> None:
    """A hash on an action leads to what it meant."""
    world = World(ROUTES)
    await world.live()
    world.blob.text = "routes: [{to: []}]"
    await world.next()

    assert world.blobs.blobs == {
        f"{FOLDER}{digest(ROUTES)}.yaml": ROUTES.encode(),
        f"{FOLDER}{digest(world.blob.text)}.yaml": world.blob.text.encode(),
        LAST_GOOD: digest(world.blob.text).encode(),
    }


async def test_with_nothing_loadable_the_deployed_policy_is_in_force() -> None:
    """No blob, no last good: the app works, and says what is missing."""
    live = await World(None).live()

    assert who(live) == ["pager"]
    assert live.hash == digest(DEPLOYED)[:12]
    assert live.problems == ("FIREWATCH_POLICY_BLOB: there is no such blob",)


@pytest.mark.parametrize(
    ("pointer", "text"),
    [
        (digest(ROUTES), None),
        (digest(ROUTES), b"routes: [{to: []}]"),
        (digest("routes: ["), b"routes: ["),
        ("\xff/../x", None),
    ],
)
async def test_a_last_good_that_is_none_is_told_and_passed_over(
    pointer: str, text: bytes | None
) -> None:
    """Whoever wrote it: a text must be the one of its name, and load."""
    world = World(None)
    world.blobs.blobs[LAST_GOOD] = pointer.encode("latin-1")
    if text is not None:
        world.blobs.blobs[f"{FOLDER}{pointer}.yaml"] = text

    live = await world.live()

    assert who(live) == ["pager"]
    assert any(problem.startswith(LAST_GOOD) for problem in live.problems)


async def test_last_good_must_fit_what_is_deployed_now() -> None:
    """A deployment that took a responder away is not told of by a route to it."""
    world = World(ROUTES)
    await world.live()
    world.blob.text = None

    live = await world.started(DEPLOYED.replace("  chat: {use: webhook}\n", ""))()

    assert who(live) == ["pager"]
    assert any("no responder is named chat" in problem for problem in live.problems)


async def test_own_storage_that_is_away_keeps_no_blob_out_of_force() -> None:
    """What could not be kept is kept at the next look."""
    world = World(ROUTES)
    world.blobs.faults.go_down()
    live = await world.live()
    world.blobs.faults.heal()

    assert who(live) == ["chat"]
    assert any("cannot be stored" in problem for problem in live.problems)
    assert (await world.next()).problems == ()
    assert LAST_GOOD in world.blobs.blobs


async def test_last_good_is_asked_for_again_when_storage_was_away() -> None:
    """Both away at the start: each is used once it is back."""
    world = World(ROUTES)
    good = await world.live()
    world.blob.text = None
    world.started()
    world.blobs.faults.go_down()
    assert who(await world.live()) == ["pager"]

    world.blobs.faults.heal()

    assert (await world.next())[:4] == good[:4]


async def test_a_problem_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A blob that stays broken does not fill the log."""
    caplog.set_level("INFO", "firewatch")
    world = World("routes: [")
    await world.live()
    await world.next()
    world.blob.text = ROUTES
    await world.next()
    await world.next()

    events = [record.__dict__["firewatch_event"] for record in caplog.records]
    assert events == ["policy.problem", "policy.reloaded"]


ON_CALL = """
on_call:
  people: {ana: {contacts: {pager: a}}, ben: {contacts: {pager: b}}}
  schedules:
    main:
      time_zone: UTC
      layers: [{people: [ana], starts: 2026-11-02T09:00}]
"""


class TestOnCall:
    """Who has it when may change while the app runs; who there is to tell may not."""

    async def test_schedules_and_escalations_are_the_blobs(self) -> None:
        """For the people of the deployed policy."""
        world = World(
            "on_call: {schedules: {late: {time_zone: UTC, layers:"
            " [{people: [ben], starts: 2026-11-02T09:00}]}},"
            " escalations: {high: {steps: [{to: [late, ana, chat]}]}}}"
        )
        live = await world.started(DEPLOYED + ON_CALL)()

        assert [*live.on_call.schedules] == ["late"]
        assert [*live.on_call.escalations] == ["high"]
        assert [*live.on_call.people] == ["ana", "ben"]
        assert live.problems == ()

    async def test_a_blob_without_the_section_leaves_it_as_it_is(self) -> None:
        """An empty one takes schedules away, and leaves people."""
        world = World(ROUTES)
        before = await world.started(DEPLOYED + ON_CALL)()
        world.blob.text = "on_call: {}"
        after = await world.next()

        assert [*before.on_call.schedules] == ["main"]
        assert [*after.on_call.schedules] == []
        assert [*after.on_call.people] == ["ana", "ben"]

    @pytest.mark.parametrize(
        "people",
        [
            "{ana: {contacts: {pager: evil}}, ben: {contacts: {pager: b}}}",
            "{eve: {contacts: {pager: e}}}",
            "{}",
            "7",
        ],
    )
    async def test_people_are_the_deployments(self, people: str) -> None:
        """Others in the blob are told of and ignored: it reaches nobody new."""
        live = await World(f"{ROUTES}on_call: {{people: {people}}}").started(
            DEPLOYED + ON_CALL
        )()

        assert live.on_call.people["ana"].contacts == {"pager": "a"}
        assert [*live.on_call.people] == ["ana", "ben"]
        assert who(live) == ["chat"]
        [problem] = live.problems
        assert "$.on_call.people: is not what is deployed, and is ignored" in problem

    async def test_routes_begin_escalations_that_are_deployed(self) -> None:
        """Or those that come with them; what is in force always goes together."""
        high = "  escalations: {high: {steps: [{to: [main]}]}}\n"
        deployed = DEPLOYED.replace("[pager]", "[pager]\n    escalate: high")
        world = World("routes: [{to: [chat], escalate: high}]")
        world.started(deployed + ON_CALL + high)
        assert who(await world.live()) == ["chat"]

        world.blob.text = "on_call: {}"
        cut = await world.next()
        world.blob.text = "on_call: {}\nroutes: [{to: [pager]}]"
        whole = await world.next()

        assert who(cut) == ["chat"]
        assert [*cut.on_call.escalations] == ["high"]
        assert "$.on_call.escalations: a deployed route begins high" in cut.problems[0]
        assert (who(whole), whole.problems) == (["pager"], ())
        assert [*whole.on_call.escalations] == []

    @pytest.mark.parametrize(
        ("section", "said"),
        [
            ("{schedules: {ana: {}}}", "is the name of a person too"),
            ("{schedules: {chat: {}}}", "is the name of a responder too"),
            (
                "{schedules: {a: {time_zone: UTC, overrides: [{person: eve}]}}}",
                "no person is named eve",
            ),
            ("{escalations: {a: {steps: [{to: [main]}]}}}", "is named main"),
            ("null", "expected a mapping"),
        ],
    )
    async def test_a_mistake_in_it_changes_nothing(
        self, section: str, said: str
    ) -> None:
        """What it names must be there: in itself, or deployed."""
        live = await World(f"{ROUTES}on_call: {section}").started(DEPLOYED + ON_CALL)()

        assert who(live) == ["pager"]
        assert [*live.on_call.schedules] == ["main"]
        assert any(said in problem for problem in live.problems)


class TestApp:
    async def test_the_app_reads_its_blob(self, tmp_path: Path) -> None:
        """`App.live_policy` is the blob's over the deployed file."""
        blob = FakePolicyBlob("routes: [{to: [hook], name: live}]")

        class Reloading(FakeApp):
            def _policy_blob(self, _settings: object) -> FakePolicyBlob:
                return blob

        url = "https://policies.blob.core.windows.net/firewatch/policy.yaml"
        app = Reloading(tmp_path, changes={"FIREWATCH_POLICY_BLOB": url})

        live = await app.live_policy()
        await app.close()

        assert [route.name for route in live.routes] == ["live"]
        assert LAST_GOOD in app.world.blobs.blobs

    async def test_without_the_setting_no_storage_is_needed(
        self, tmp_path: Path
    ) -> None:
        """The deployed policy is at hand."""
        app = FakeApp(tmp_path)
        app.world.faults.go_down()

        assert who(await app.live_policy()) == ["hook"]
