"""Who is on call through feeds that come and go, and what is told of that."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from shared.model.errors import FailureReason, TransientFailure
from shared.model.http import Reply
from shared.model.secret import Secret, SecretRef
from shared.oncall.feeds import FOLDER, Feeds, fetch_by
from shared.oncall.policy import OnCall
from shared.oncall.roster import Roster
from shared.oncall.source import EVERY, Kept, Ports
from shared.triage import policy as policies
from tests.fakes.app import POLICY, FakeApp
from tests.fakes.clock import START, Clock
from tests.fakes.http import FakeHttp
from tests.fakes.store import FakeBlobs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

URL = "https://feeds.example.com/secret-token/a.ics"
SECTION = """
people:
  ana: {contacts: {mail: ana@example.com}}
  ben: {contacts: {mail: ben@example.com}}
schedules:
  feed: {time_zone: UTC, feed: {setting: ICAL}}
  other: {time_zone: UTC, feed: {setting: NOT_THERE}}
  layers:
    time_zone: UTC
    layers: [{people: [ben], starts: 2026-11-02T09:00}]
"""
DAYS = timedelta(days=1)


def ics(name: str, start: datetime = START - DAYS, days: int = 60) -> bytes:
    """A calendar in which one person has it for some days."""
    lines = [
        *("BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", f"SUMMARY:{name}"),
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
        f"DTEND:{start + days * DAYS:%Y%m%dT%H%M%SZ}",
        *("END:VEVENT", "END:VCALENDAR", ""),
    ]
    return "\r\n".join(lines).encode()


class World:
    """A clock, our own storage, a feed; and processes that start and end."""

    def __init__(self, feed: bytes | Exception = b"") -> None:
        self.clock = Clock()
        self.blobs = FakeBlobs()
        self.feed = feed or ics("ana")
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        self.fetched: list[str] = []
        self.roster = self.started()

    def started(self, *, read_s: float = 5.0, url: str = URL) -> Roster:
        """The same app, started anew."""
        section, problems = policies.convert(msgspec.yaml.decode(SECTION), OnCall)
        assert section is not None, problems

        async def on_call() -> OnCall:
            return section

        def secret(ref: SecretRef) -> Secret | None:
            return Secret(url) if ref.setting == "ICAL" else None

        ports = Ports(self.fetch, self.clock, self.blobs, read_s)
        self.roster = Roster(on_call, Feeds(ports, secret=secret))
        return self.roster

    async def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        if self.meanwhile is not None:
            await self.meanwhile()
        if isinstance(self.feed, Exception):
            raise self.feed
        return self.feed

    async def who(self, name: str = "feed") -> tuple[str, ...]:
        """Who has it now."""
        return await self.roster.who(name, self.clock())

    async def later(self, by: timedelta = EVERY) -> tuple[str, ...]:
        """Who has it after a while."""
        self.clock.step(by)
        return await self.who()


AWAY = TransientFailure(FailureReason.UNAVAILABLE, "feeds.example.com: no connection")


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged since somebody asked."""
    found = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return found


async def test_schedules_of_both_kinds_are_asked_alike() -> None:
    """By name; one that is not there has nobody."""
    world = World()

    assert await world.who("layers") == ("ben",)
    assert await world.who("feed") == ("ana",)
    assert await world.who("nothing") == ()
    assert world.fetched == [URL]


async def test_a_feed_is_fetched_each_quarter_of_an_hour_when_somebody_asks() -> None:
    """No sooner; then what it says now counts."""
    world = World()
    for _ in range(14):
        await world.later(timedelta(minutes=1))
    world.feed = ics("ben")
    assert await world.who() == ("ana",)
    assert len(world.fetched) == 1

    assert await world.later() == ("ben",)
    assert len(world.fetched) == 2


async def test_a_clock_that_was_set_back_does_not_end_the_looking() -> None:
    """It is fetched again at once."""
    world = World()
    await world.who()
    world.feed = ics("ben")

    assert await world.later(-timedelta(hours=1)) == ("ben",)


@pytest.mark.parametrize(
    "broken",
    [
        AWAY,
        b"<html>Sign in</html>",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
        b"x" * 2 * 1024 * 1024,
    ],
)
async def test_the_last_good_one_counts_while_a_feed_is_away(
    broken: bytes | Exception,
) -> None:
    """For as long as it says anything, and over a start too."""
    world = World()
    assert await world.who() == ("ana",)

    world.feed = broken
    assert await world.later() == ("ana",)
    world.started()
    assert await world.later() == ("ana",)
    # A month on, what it says of that time is worked out.
    assert await world.later(30 * DAYS) == ("ana",)
    assert await world.later(30 * DAYS) == ()


@pytest.mark.parametrize(
    "stored",
    [
        None,
        b"",
        b"{",
        b"[]",
        msgspec.json.encode(Kept(START, b"<html>")),
        msgspec.json.encode({"at": "now", "data": ""}),
    ],
)
async def test_without_a_last_good_one_nobody_is_known(stored: bytes | None) -> None:
    """Whatever lies in its place; once the feed is back, it counts."""
    world = World()
    await world.who()
    [place] = world.blobs.blobs
    assert place.startswith(FOLDER)
    del world.blobs.blobs[place]
    if stored is not None:
        world.blobs.blobs[place] = stored
    world.feed = AWAY
    world.started()

    assert await world.who() == ()
    world.feed = ics("ben")
    assert await world.later() == ("ben",)


async def test_another_address_has_a_last_good_one_of_its_own() -> None:
    """Somebody else's schedule is no stand-in."""
    world = World()
    await world.who()
    world.feed = AWAY
    world.started(url="https://feeds.example.com/another")

    assert await world.who() == ()


async def test_storage_that_is_away_keeps_nobody_from_being_known() -> None:
    """What could not be stored is stored at a later look."""
    world = World()
    world.blobs.faults.go_down()
    assert await world.who() == ("ana",)
    world.feed = AWAY
    world.started()
    assert await world.who() == ()
    world.blobs.faults.heal()
    world.feed = ics("ana")
    await world.later()
    world.feed = AWAY
    world.started()

    assert await world.who() == ("ana",)


async def test_a_feed_that_stays_the_same_is_stored_once_an_hour() -> None:
    """So that the stored one is known to be no older."""
    world = World()
    puts = world.blobs.faults.calls
    await world.who()
    for _ in range(3):
        await world.later()
    assert puts["blobs.put"] == 1

    await world.later()
    assert puts["blobs.put"] == 2


async def test_those_who_ask_meanwhile_do_not_wait() -> None:
    """They go by what was known; at the first look all wait for one fetch."""
    world = World()
    first = await asyncio.gather(world.who(), world.who(), world.who())
    assert {*first} == {("ana",)}
    assert len(world.fetched) == 1
    world.feed = ics("ben")
    inside: list[tuple[str, ...]] = []

    async def ask() -> None:
        inside.append(await world.who())

    world.meanwhile = ask

    assert await world.later() == ("ben",)
    assert inside == [("ana",)]


async def test_a_feed_that_takes_too_long_to_read_is_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody waits for it, nor for the last good one where that is no better."""
    world = World()
    await world.who()
    world.started(read_s=0.0)

    assert await world.later() == ()
    assert "cannot be read in time" in caplog.text


async def test_what_is_wrong_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """And again each time once it lasts for a day; no address in it."""
    caplog.set_level("INFO", "firewatch")
    world = World()
    await world.who()
    world.feed = AWAY
    for _ in range(3):
        await world.later()
    assert messages(caplog) == [
        'feed.problem schedule="feed" problem="feeds.example.com: no connection" hours=0'
    ]

    for _ in range(2):
        await world.later(timedelta(hours=25))
        await world.who()
    stale = [each.partition(" ")[0] for each in messages(caplog)]
    world.feed = ics("ana")
    await world.later()
    world.feed = AWAY
    await world.later()

    assert stale == ["feed.stale", "feed.stale"]
    assert [each.partition(" ")[0] for each in messages(caplog)] == ["feed.problem"]
    assert "secret-token" not in caplog.text


async def test_a_setting_that_is_missing_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is nobody's fault but the deployment's."""
    world = World()

    assert await world.who("other") == ()
    assert "the setting is missing or empty" in caplog.text
    assert world.fetched == []


async def test_events_that_cannot_be_read_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The others count."""
    good = ics("ana")
    bad = good.replace(b"UID:1", b"UID:2").replace(b"DTEND:2", b"DTEND:x")
    world = World(good + bad)

    assert await world.who() == ("ana",)
    assert "events that cannot be read, and are left out: 1" in caplog.text


async def test_a_name_that_means_nobody_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As data, whatever is in it."""
    caplog.set_level("INFO", "firewatch")
    world = World(ics("Eve\x1b[31m feed.stale"))
    for _ in range(3):
        assert await world.later() == ()

    assert messages(caplog) == [
        'feed.unknown schedule="feed" name="Eve[31m feed.stale" names=1'
    ]


class TestFetching:
    """The feed by HTTP."""

    async def test_a_feed_is_what_the_side_answers(self) -> None:
        """It is asked for as a calendar, once."""
        http = FakeHttp(Reply(status=200, headers={}, body=ics("ana")))

        assert await fetch_by(http)(URL) == ics("ana")
        [sent] = http.sent
        assert (sent.method, sent.url) == ("GET", URL)
        assert sent.headers == {"accept": "text/calendar"}

    @pytest.mark.parametrize("status", [204, 302, 401, 404, 500])
    async def test_any_other_answer_is_none(self, status: int) -> None:
        """A redirect to a page for signing in is not followed."""
        http = FakeHttp(Reply(status=status, headers={}, body=ics("ana")))

        with pytest.raises(TransientFailure, match=f"answered {status}$"):
            await fetch_by(http)(URL)

    async def test_an_address_to_subscribe_to_is_fetched(self) -> None:
        """As programs hand it out."""
        world = World()
        world.started(url="webcal://feeds.example.com/a.ics")

        assert await world.who() == ("ana",)
        assert world.fetched == ["https://feeds.example.com/a.ics"]


async def test_the_app_knows_who_is_on_call(tmp_path: Path) -> None:
    """`App.roster` goes by the policy that is in force."""
    section = SECTION.replace("mail:", "hook:").replace("\n", "\n  ")
    app = FakeApp(tmp_path, policy=f"{POLICY}on_call:{section}")

    roster = await app.roster()

    assert await roster.who("layers", app.clock()) == ("ben",)
    assert await roster.who("feed", app.clock()) == ()
    # Whom escalations ask.
    assert await app._who("layers", app.clock()) == ("ben",)
    assert await app._who("taken-away", app.clock()) == ()
    await app.close()
