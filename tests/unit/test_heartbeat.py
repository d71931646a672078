"""Signs of life: sent while incidents are seen to, and not a minute longer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from devhost.outside import Fault, Outside
from devhost.rehearsal import rehearse
from shared import heartbeat
from shared.clouds.http import HttpClient
from shared.heartbeat import Beating
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    SettingsError,
    StoreUnavailable,
    TransientFailure,
)
from shared.model.heartbeat import Heartbeat, HeartbeatMethod
from shared.model.http import Reply
from shared.model.secret import Secret, SecretRef
from shared.triage import policy as policies
from shared.triggers import health
from tests.alerts import event
from tests.fakes.app import POLICY, FakeApp
from tests.fakes.firewatch import World
from tests.fakes.http import FakeHttp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shared.model.http import Http

URL = "https://hc.example.com/ping/s3cret-path"
KEY = "GenieKey s3cret-key"
MINUTE = timedelta(minutes=1)
OK = Reply(status=200, headers={}, body=b"OK")
GONE = TransientFailure(FailureReason.UNAVAILABLE, f"{URL}: no connection")

SECRETS: Mapping[str, str] = {"HEARTBEAT_URL": URL, "HEARTBEAT_KEY": KEY}


def make_beating(
    http: Http,
    *,
    secrets: Mapping[str, str] = SECRETS,
    **changes: Any,  # noqa: ANN401  a field of the policy's section
) -> Beating:
    """A heart that beats each five minutes, or as said."""
    plan = Heartbeat(url=SecretRef("HEARTBEAT_URL"), **changes)

    def secret(ref: SecretRef) -> Secret | None:
        return Secret(secrets[ref.setting]) if ref.setting in secrets else None

    return Beating(plan, secret=secret, http=http)


async def minutes(world: World, count: int) -> None:
    """Let time pass, a tick each minute, and somebody look at what is due."""
    for _ in range(count):
        world.clock.step(MINUTE)
        await world.worker.tick()
        await world.deliver()


async def test_one_is_sent_each_five_minutes() -> None:
    """However often the timer comes within them."""
    http = FakeHttp(default=OK)
    world = World(heartbeat=make_beating(http))

    for _ in range(3):
        await world.worker.tick()
    assert [(s.method, s.url, s.body) for s in http.sent] == [("GET", URL, b"")]

    await minutes(world, 4)
    assert len(http.sent) == 1
    await minutes(world, 16)
    assert len(http.sent) == 5


async def test_it_costs_no_request_to_the_store() -> None:
    """The timer asks no more than it does without."""
    plain = World()
    await plain.worker.tick()
    world = World(heartbeat=make_beating(FakeHttp(default=OK)))

    await world.worker.tick()

    assert world.faults.calls == plain.faults.calls


async def test_a_process_that_is_new_waits_for_its_minute() -> None:
    """One that began just now does not know what the one before it sent."""
    http = FakeHttp(default=OK)
    beating = make_beating(http)
    world = World()
    world.clock.step(MINUTE)

    await beating(world.clock(), None)
    assert http.sent == []
    world.clock.step(4 * MINUTE)
    await beating(world.clock(), None)
    assert len(http.sent) == 1


async def test_a_minute_that_the_timer_missed_is_made_up() -> None:
    """A process that knows what it sent sends in the next minute that comes."""
    http = FakeHttp(default=OK)
    beating = make_beating(http)
    world = World()
    await beating(world.clock(), None)

    world.clock.step(7 * MINUTE)
    await beating(world.clock(), None)

    assert len(http.sent) == 2


async def test_a_clock_that_was_set_back_stops_nothing() -> None:
    """The other side hears of the time that is now."""
    http = FakeHttp(default=OK)
    beating = make_beating(http)
    world = World()
    await beating(world.clock(), None)

    await beating(world.clock() - timedelta(hours=3), None)

    assert len(http.sent) == 2


async def test_by_post_and_with_a_header_where_the_side_wants_that() -> None:
    """As Opsgenie and Jira Service Management do."""
    http = FakeHttp(default=OK)
    beating = make_beating(
        http, method=HeartbeatMethod.POST, authorization=SecretRef("HEARTBEAT_KEY")
    )

    await beating(World().clock(), None)

    (sent,) = http.sent
    assert (sent.method, sent.headers) == ("POST", {"authorization": KEY})


async def test_a_store_that_is_down_stops_it() -> None:
    """Nothing is sent of a timer that failed."""
    http = FakeHttp(default=OK)
    world = World(heartbeat=make_beating(http))
    world.faults.go_down()

    with pytest.raises(StoreUnavailable):
        await world.worker.tick()

    assert http.sent == []


async def test_incidents_that_nobody_looks_at_stop_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The timer alone is no proof that anybody would be paged."""
    http = FakeHttp(default=OK)
    beating = make_beating(http)
    world = World(heartbeat=beating)
    await world.worker.ingest([event()])
    # The queue's function does not run: due lines stay, and are enqueued in vain.
    for _ in range(15):
        world.clock.step(MINUTE)
        await world.worker.tick()
    sent = len(http.sent)

    for _ in range(10):
        world.clock.step(MINUTE)
        await world.worker.tick()

    assert len(http.sent) == sent
    assert "heartbeat.withheld" in caplog.text
    assert beating.failure.startswith("withheld: an incident has been due since ")

    await world.deliver()
    await minutes(world, 1)
    assert len(http.sent) == sent + 1
    assert beating.failure == ""


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (GONE, "unavailable"),
        (PermanentFailure(FailureReason.INVALID, f"{URL} is bad"), "invalid"),
        (Reply(status=404, headers={}, body=b""), "answered 404"),
        (Reply(status=302, headers={"location": URL}, body=b""), "answered 302"),
        (RuntimeError(URL), "RuntimeError"),
    ],
)
async def test_a_failure_is_said_without_the_url_and_tried_again(
    caplog: pytest.LogCaptureFixture, answer: Reply | Exception, said: str
) -> None:
    """The timer has done its work, and does it again in a minute."""
    http = FakeHttp(OK, answer, default=OK)
    beating = make_beating(http)
    world = World(heartbeat=beating)
    await world.worker.tick()

    await minutes(world, 5)
    assert beating.failure == said
    assert f'heartbeat.failed reason="{said}"' in caplog.text
    assert "s3cret" not in caplog.text

    await minutes(world, 1)
    assert len(http.sent) == 3
    assert (beating.failure, beating.last_sent) == ("", world.clock())


async def test_a_setting_without_a_value_is_said() -> None:
    """By the names that policy and settings have for it, and nothing is sent."""
    http = FakeHttp(default=OK)
    beating = make_beating(http, secrets={}, authorization=SecretRef("HEARTBEAT_KEY"))

    await beating(World().clock(), None)

    assert beating.problems == (
        "heartbeat.url: app setting HEARTBEAT_URL has no value",
        "heartbeat.authorization: app setting HEARTBEAT_KEY has no value",
    )
    assert beating.failure == beating.problems[0]
    assert http.sent == []


async def test_a_slow_side_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer waits for four seconds at the most; here for none."""
    assert heartbeat.WAITS_S <= 5
    monkeypatch.setattr(heartbeat, "WAITS_S", 0.05)

    class Silent(FakeHttp):
        async def send(self, *_: object, **__: object) -> Reply:
            await asyncio.Event().wait()
            raise AssertionError

    beating = make_beating(Silent())
    await beating(World().clock(), None)

    assert beating.failure == "timeout"


class TestPolicy:
    """The section of the policy."""

    def load(self, text: str) -> Heartbeat | None:
        """A policy with such a section."""
        whole = f"responders: {{}}\nroutes: [{{to: []}}]\nheartbeat: {text}"
        return policies.load(whole.encode()).heartbeat

    def test_it_is_read(self) -> None:
        """Five minutes and GET, unless it says otherwise."""
        ref = SecretRef("A")
        assert self.load("{url: {setting: A}}") == Heartbeat(url=ref)
        assert self.load("{url: {setting: A}, every: 1h, method: post}") == Heartbeat(
            url=ref, every=timedelta(hours=1), method=HeartbeatMethod.POST
        )
        assert self.load("null") is None

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{every: 5m}", "$.heartbeat.url: is required"),
            ("{url: https://x.example.com}", "$.heartbeat.url: expected a mapping"),
            ("{url: {setting: A}, every: 90s}", "expected whole minutes"),
            ("{url: {setting: A}, every: 0s}", "expected whole minutes"),
            ("{url: {setting: A}, every: 2h}", "expected whole minutes"),
            ("{url: {setting: A}, method: put}", "expected one of get, post"),
        ],
    )
    def test_mistakes_are_named(self, text: str, said: str) -> None:
        """With their place."""
        with pytest.raises(SettingsError, match="heartbeat") as error:
            self.load(text)

        assert said in str(error.value)


class TestHealth:
    """What health says of it."""

    SECTION = POLICY + "heartbeat: {url: {setting: HEARTBEAT_URL}, every: 1m}\n"

    async def test_it_says_when_the_last_one_arrived(self, tmp_path: Path) -> None:
        """Null where the policy wants none."""
        app = FakeApp(tmp_path, policy=self.SECTION, changes=SECRETS)
        beating = await app.heartbeat()
        assert beating is not None
        beating._http = FakeHttp(OK, GONE)
        await (await app.tick())()

        answer = await health.report(app)
        assert answer.status == 200
        assert answer.content is not None
        at = app.world.clock().isoformat()
        assert answer.content["heartbeat"] == {"last_sent": at, "failure": None}

        app.world.clock.step(MINUTE)
        await (await app.tick())()
        answer = await health.report(app)
        # The other side's trouble, which it tells of itself.
        assert answer.status == 200
        assert answer.content is not None
        assert answer.content["heartbeat"] == {
            "last_sent": at,
            "failure": "unavailable",
        }

    async def test_a_policy_without_one_has_none(self, tmp_path: Path) -> None:
        """And nothing is sent."""
        answer = await health.report(FakeApp(tmp_path))

        assert answer.content is not None
        assert answer.content["heartbeat"] is None

    async def test_a_setting_without_a_value_is_unhealthy(self, tmp_path: Path) -> None:
        """It is ours to mend."""
        answer = await health.report(FakeApp(tmp_path, policy=self.SECTION))

        assert answer.status == 503
        assert answer.content is not None
        assert answer.content["problems"] == [
            "heartbeat.url: app setting HEARTBEAT_URL has no value"
        ]


async def test_a_run_on_one_machine_tells_a_stand_in() -> None:
    """Whatever is live: the real side must not think that the app is well."""
    text = POLICY + (
        "heartbeat:\n"
        "  url: {setting: HEARTBEAT_URL}\n"
        "  authorization: {setting: HEARTBEAT_KEY}\n"
        "  method: post\n"
    )
    async with Outside.start() as outside:
        found = rehearse(
            text.encode(), outside=outside.url, live=["hook"], environment=SECRETS
        )
        plan = policies.load(found.policy).heartbeat
        assert plan is not None
        assert plan.every == MINUTE
        http = HttpClient()
        beating = Beating(
            plan, secret=lambda ref: Secret(found.environment[ref.setting]), http=http
        )
        await beating(World().clock(), None)
        (beat,) = outside.heartbeat.beats
        assert (beat.method, beat.is_signed) == ("POST", True)

        outside.faults.add(Fault(side="heartbeat", status=503))
        await beating(World().clock() + MINUTE, None)
        assert beating.failure == "answered 503"
        await http.close()

    assert not {URL, KEY} & {*found.environment.values()}
