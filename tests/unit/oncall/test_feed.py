"""Feeds: who has it by a calendar, and calendars that are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.oncall.duty import changes
from shared.oncall.feed import Feed, Rota, names_of, read
from shared.oncall.ical import MOST_BYTES, MOST_EVENTS
from shared.oncall.policy import Person, Schedule

ROTATION = (Path(__file__).parent / "feeds" / "rotation.ics").read_bytes()
PEOPLE = {name: Person(contacts={}) for name in ("alice", "bob", "carol", "dave")}
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)


def utc(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def calendar(*events: str, head: str = "") -> bytes:
    """A calendar of events, each given by its lines."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *filter(None, [head])]
    for number, event in enumerate(events):
        uid = [] if "UID:" in event else [f"UID:{number}"]
        lines += ["BEGIN:VEVENT", *uid, *event.splitlines(), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def shift(title: str, more: str = "") -> str:
    """The lines of an event on 23 November 2026, from eight to ten in UTC."""
    return f"DTSTART:20261123T080000Z\nDTEND:20261123T100000Z\nSUMMARY:{title}\n{more}"


def feed_of(data: bytes, at: str = "2026-11-23", zone: str = "Europe/Oslo") -> Feed:
    """A feed as it is read for a day."""
    return read(data, zone, utc(at), utc(at) + DAY)


def who(data: bytes, at: str, zone: str = "Europe/Oslo") -> tuple[str, ...]:
    """Who has it at an instant; the feed is read for that alone."""
    feed = read(data, zone, utc(at), utc(at) + timedelta(seconds=1))
    return Rota(feed, names_of(PEOPLE, {})).on_duty(utc(at))


@pytest.mark.parametrize(
    ("at", "people"),
    [
        # remote-apis-sinks.md 18, measured.
        ("2026-09-10T12:00:00", ("alice",)),
        ("2026-10-20T05:59:59", ("alice",)),
        ("2026-10-20T06:00:00", ("carol",)),
        ("2026-10-20T17:59:59", ("carol",)),
        ("2026-10-20T18:00:00", ("alice",)),
        ("2026-10-25T00:30:00", ("alice",)),
        # `at` of the library has the backup here alone.
        ("2026-10-26T07:30:00", ("alice",)),
        # An edit lets Bob begin at noon; the backup is there.
        ("2026-10-26T08:00:00", ("dave",)),
        ("2026-10-26T11:00:00", ("bob",)),
        # A week that is taken out.
        ("2026-12-07T12:00:00", ("dave",)),
        ("2026-12-14T08:00:00", ("alice",)),
        ("2027-03-29T06:59:59", ("alice",)),
        ("2027-03-29T07:00:00", ("bob",)),
        ("2026-09-05T00:00:00", ()),
    ],
)
def test_a_rotation_is_read_as_it_is_meant(at: str, people: tuple[str, ...]) -> None:
    """Through overrides, edits, cancelled events and both changes of the clock."""
    assert who(ROTATION, at) == people


def test_the_hour_of_an_autumn_night_is_somebodys() -> None:
    """At each quarter of the days around it."""
    start, end = utc("2026-10-20T18:00"), utc("2026-10-26T08:00")
    rota = Rota(read(ROTATION, "Europe/Oslo", start, end), names_of(PEOPLE, {}))

    at = start
    while at < end:
        assert rota.on_duty(at) == ("alice",), at
        at += QUARTER


def test_a_whole_day_is_one_of_the_schedules_clock() -> None:
    """It begins at midnight in Oslo, an hour or two before that in UTC."""
    assert who(ROTATION, "2026-09-06T21:59:59") == ()
    assert who(ROTATION, "2026-09-06T22:00:00") == ("dave",)
    assert who(ROTATION, "2026-09-06T22:00:00", zone="UTC") == ()


def test_turns_of_a_feed_are_spans_like_others() -> None:
    """They meet, and show the gap."""
    schedule = Schedule(time_zone="Europe/Oslo")
    start, end = utc("2026-10-26T00:00"), utc("2026-11-03T00:00")
    rota = Rota(read(ROTATION, "Europe/Oslo", start, end), names_of(PEOPLE, {}))

    assert changes(schedule, start, end, rota) == [
        (start, utc("2026-10-26T08:00"), ("alice",)),
        (utc("2026-10-26T08:00"), utc("2026-10-26T11:00"), ("dave",)),
        (utc("2026-10-26T11:00"), utc("2026-11-02T08:00"), ("bob",)),
        (utc("2026-11-02T08:00"), end, ("alice",)),
    ]


class TestNames:
    """Who is meant, of the people of the policy."""

    PEOPLE: ClassVar = {
        "ana": Person(
            name="Ana Lima", contacts={"mail": "Ana@Example.com", "soc": "shared@x.com"}
        ),
        "ben": Person(contacts={"soc": "shared@x.com"}),
    }

    def who(self, event: str, names: dict[str, str] | None = None) -> tuple[str, ...]:
        """Who has an event."""
        feed = feed_of(calendar(event))
        return Rota(feed, names_of(self.PEOPLE, names or {})).on_duty(
            utc("2026-11-23T09:00")
        )

    @pytest.mark.parametrize(
        ("event", "people"),
        [
            (shift("ana"), ("ana",)),
            (shift("  ANA   lima "), ("ana",)),
            (shift("ana@example.com"), ("ana",)),
            (shift("[L3]Ana Lima"), ("ana",)),
            (shift("Ana"), ("ana",)),
            (shift("An\\, a"), ()),
            (shift("On Call - Ana Lima"), ()),
            (shift("x", "ATTENDEE:mailto:ana@example.com"), ("ana",)),
            (shift("x", "ATTENDEE:MAILTO:ANA@example.com"), ("ana",)),
            (shift("x", "ATTENDEE:ana@example.com"), ("ana",)),
            (shift("x", 'ATTENDEE;CN="Ana Lima":mailto:a@elsewhere.com'), ("ana",)),
            # Who is invited has it, whatever the title says.
            (shift("ana", "ATTENDEE:mailto:ben"), ("ben",)),
            (shift("ana", "ATTENDEE:mailto:room7@example.com"), ("ana",)),
            (shift("x", "ATTENDEE:mailto:ben\nATTENDEE:mailto:ana"), ("ana", "ben")),
            # What two people share means both of them.
            (shift("shared@x.com"), ("ana", "ben")),
            (shift(""), ()),
            (shift("\N{ZERO WIDTH SPACE}ana\N{RIGHT-TO-LEFT OVERRIDE}"), ("ana",)),
            (shift("ana\x00\x1b[31m\x07"), ()),
        ],
    )
    def test_a_person_is_known_by_key_name_or_address(
        self, event: str, people: tuple[str, ...]
    ) -> None:
        """Whole, and without regard to case."""
        assert self.who(event) == people

    def test_the_policy_says_who_else_is_meant(self) -> None:
        """Its word beats what only looks alike."""
        names = {"On Call - Ana Lima": "ana", "ANA": "ben"}

        assert self.who(shift("On call - Ana Lima"), names) == ("ana",)
        assert self.who(shift("ana"), names) == ("ben",)

    def test_the_highest_level_that_means_somebody_counts(self) -> None:
        """Equal ones all do; a stranger on top of them hides nobody."""
        feed = feed_of(
            calendar(
                *(shift("[L1] ana"), shift("[L1]ben"), shift("dan")),
                *(shift("[L9] mallory"), shift("[L100] ana")),
            )
        )
        rota = Rota(feed, names_of(self.PEOPLE, {}))

        assert rota.on_duty(utc("2026-11-23T09:00")) == ("ana", "ben")
        assert rota.unknown() == ["[L100] ana", "dan", "mallory"]

    def test_strangers_are_named_by_what_they_would_be_known_by(self) -> None:
        """As one harmless line."""
        feed = feed_of(
            calendar(
                shift("x", "ATTENDEE:mailto:eve@example.com"),
                shift("a\\nb\x1b[31m" + "c" * 300),
                shift(""),
            )
        )
        unknown = Rota(feed, names_of(self.PEOPLE, {})).unknown()

        assert unknown[1:] == ["eve@example.com", "without a name"]
        assert unknown[0].startswith("a b[31mccc")
        assert len(unknown[0]) == 200


class TestTimes:
    """Times of events, in every way in which they are written."""

    @pytest.mark.parametrize(
        ("times", "head", "start", "end"),
        [
            ("DTSTART:20261123T080000Z\nDTEND:20261123T100000Z", "", "08:00", "10:00"),
            ("DTSTART:20261123T080000Z\nDURATION:PT2H", "", "08:00", "10:00"),
            # Without a zone: the schedule's; with the calendar's, where it has one.
            ("DTSTART:20261123T080000\nDTEND:20261123T100000", "", "07:00", "09:00"),
            (
                *("DTSTART:20261123T080000\nDTEND:20261123T100000",),
                *("X-WR-TIMEZONE:Asia/Kathmandu", "02:15", "04:15"),
            ),
            (
                *("DTSTART:20261123T080000\nDTEND:20261123T100000",),
                *("X-WR-TIMEZONE:Nowhere", "07:00", "09:00"),
            ),
            (
                "DTSTART;TZID=America/New_York:20261123T080000\nDURATION:PT2H",
                *("", "13:00", "15:00"),
            ),
            (
                'DTSTART;TZID="W. Europe Standard Time":20261123T080000\nDURATION:PT2H',
                *("", "07:00", "09:00"),
            ),
        ],
    )
    def test_a_time_is_an_instant(
        self, times: str, head: str, start: str, end: str
    ) -> None:
        """By its own zone, the calendar's, or the schedule's."""
        [found] = feed_of(calendar(f"{times}\nSUMMARY:ana", head=head)).shifts

        day = "2026-11-23T"
        assert (found.start, found.end) == (utc(day + start), utc(day + end))

    def test_a_rule_in_utc_goes_by_the_calendars_clock(self) -> None:
        """So does Google's export: at nine in Oslo, in summer and in winter."""
        data = calendar(
            "DTSTART:20260907T070000Z\nDTEND:20260907T150000Z\nSUMMARY:alice\n"
            "RRULE:FREQ=DAILY",
            head="X-WR-TIMEZONE:Europe/Oslo",
        )

        assert who(data, "2026-11-23T07:59:59", zone="UTC") == ()
        assert who(data, "2026-11-23T08:00:00", zone="UTC") == ("alice",)

    @pytest.mark.parametrize(
        "times",
        [
            "DTSTART:garbage\nDTEND:20261123T100000Z",
            "DTSTART:00010101T000000Z\nDURATION:PT9H\nRRULE:FREQ=DAILY",
            "DTEND:20261123T100000Z",
            "DTSTART:20261123T080000Z\nDTEND:20261399T100000Z",
            "DTSTART;TZID=Nowhere/None:20261123T080000\nDURATION:PT2H",
            "DTSTART:20261123T080000Z\nDURATION:PT2H\nRRULE:FREQ=DAILY;INTERVAL=0",
            "DTSTART:20261123T080000Z\nDURATION:PT2H\nRRULE:garbage",
            "DTSTART:20261123T080000Z\nDURATION:PT2H\nRRULE:FREQ=SECONDLY",
            "DTSTART:20261123T080000Z\nDURATION:PT2H\nRRULE:FREQ=MINUTELY;COUNT=3",
            "DTSTART:20261123T080000Z\nDURATION:PT2H\nrrule;x=y:freq=hourly",
            "DTSTART:20261123T080000Z\nDURATION:PT2H\nRRULE:COUNT=3",
            "DTSTART:20261123T080000Z\nDURATION:PT2H\nRRULE:INTERVAL=0;FREQ=DAILY",
            "DTSTART:20261123T080000Z\nDURATION:PT2H\nEXRULE:FREQ=DAILY",
            "DTSTART:20261123T080000Z\nDURATION:PT2H\nSUMMARY;" + "X=x;" * 4_000,
            "DTSTART:20261123T080000Z\nDURATION:PT2H\nRRULE:FREQ=DAILY;BYMINUTE="
            + ",".join(map(str, range(60))),
            "DTSTART:20261123T080000Z\nDURATION:PT2H\nRRULE:FREQ=SEC\n ONDLY",
        ],
    )
    def test_an_event_that_cannot_be_read_takes_no_other_with_it(
        self, times: str
    ) -> None:
        """It is counted, and so is what else changes it; all others have theirs."""
        bad = f"UID:bad\n{times}\nSUMMARY:bob"
        found = feed_of(calendar(bad, shift("alice"), f"{bad}\nSEQUENCE:1"))

        assert [each.title for each in found.shifts] == ["alice"]
        assert found.skipped == 2

    @pytest.mark.parametrize(
        "times",
        [
            "DTSTART:20261123T080000Z",
            "DTSTART:20261123T080000Z\nDTEND:20261123T080000Z",
            "DTSTART:20261124T000000Z\nDTEND:20261125T000000Z",
            "DTSTART:20261122T000000Z\nDTEND:20261123T000000Z",
        ],
    )
    def test_what_lasts_no_time_of_the_day_is_no_shift(self, times: str) -> None:
        """Nor what is before it or after."""
        found = feed_of(calendar(f"{times}\nSUMMARY:alice"))

        assert (found.shifts, found.skipped) == ((), 0)

    def test_a_time_zone_of_the_feeds_own_is_not_taken(self) -> None:
        """It would hold for all feeds; whoever means it is not guessed at."""
        data = calendar(
            "DTSTART;TZID=Mine:20261123T080000\nDURATION:PT2H\nSUMMARY:alice"
        ).replace(
            b"BEGIN:VEVENT",
            b"BEGIN:VTIMEZONE\r\nTZID:Mine\r\nBEGIN:STANDARD\r\n"
            b"DTSTART:19700101T000000\r\nTZOFFSETFROM:+0500\r\nTZOFFSETTO:+0500\r\n"
            b"RRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT",
            1,
        )

        assert feed_of(data)[:2] == ((), 1)


class TestHostile:
    """What is no calendar, and what only looks like one."""

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"", "is no calendar"),
            (b"<!DOCTYPE html><title>Sign in</title>", "is no calendar"),
            (b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", "is no calendar"),
            (ROTATION[: ROTATION.index(b"SUMMARY:[L2]")], "is cut short"),
            (ROTATION[: -len("END:VCALENDAR\r\n")], "is cut short"),
            (ROTATION.replace(b"END:VALARM", b"END:VEVENT"), "torn"),
            (ROTATION + b"END:VCALENDAR\r\n", "torn"),
            (ROTATION + b" " * MOST_BYTES, "is longer than 1024 KiB"),
            (calendar(*["SUMMARY:a"] * (MOST_EVENTS + 1)), "more than 5000 events"),
        ],
    )
    def test_what_is_none_is_said_to_be_none(self, data: bytes, said: str) -> None:
        """So that the last good one counts."""
        with pytest.raises(ValueError, match=said):
            feed_of(data)

    def test_two_calendars_are_read_as_one(self) -> None:
        """Whoever puts two behind an address means both."""
        found = feed_of(calendar(shift("alice")) + calendar(f"UID:x\n{shift('bob')}"))

        assert [each.title for each in found.shifts] == ["alice", "bob"]

    def test_the_text_may_be_written_in_many_ways(self) -> None:
        """A mark at its head, bare line ends, folded lines, bytes that are no UTF-8."""
        plain = ROTATION.replace(b"\r\n", b"\n")
        folded = plain.replace(b"SUMMARY:[L1] alice", b"SUMM\n ARY:[L\n\t1] alice")

        for data in (b"\xef\xbb\xbf" + plain, folded, plain.replace(b"dave", b"d\xff")):
            assert who(data, "2026-10-20T05:59:59") == ("alice",)

    def test_nobody_waits_for_what_is_given_up(self) -> None:
        """It ends before the next event."""
        asked = []

        def is_given_up() -> bool:
            asked.append(1)
            return len(asked) > 1

        data = calendar(shift("alice"), shift("bob"), shift("carol"))
        start = utc("2026-11-23T00:00")
        found = read(data, "UTC", start, start + DAY, is_given_up=is_given_up)

        assert len(found.shifts) == 1

    @settings(max_examples=60)
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 60),
                st.one_of(
                    st.binary(max_size=12),
                    st.sampled_from(
                        [
                            *(b"DTSTART:", b"DTSTART:99999999T999999Z", b"RRULE:FREQ="),
                            *(b"UID:", b"EXDATE:x", b"RDATE:19000101", b"DTEND:0"),
                            *(b"RECURRENCE-ID:20261123T080000Z", b"SUMMARY;X:;\\"),
                            *(b"BEGIN:VEVENT", b"END:VEVENT", b"ATTENDEE;CN=:"),
                            *(b"DURATION:-P9999999W", b"RRULE:FREQ=DAILY;COUNT=-1"),
                        ]
                    ),
                ),
            ),
            max_size=6,
        )
    )
    def test_any_text_is_a_feed_or_none(self, changes: list[tuple[int, bytes]]) -> None:
        """Nothing but ValueError is raised, whatever stands in place of a line."""
        lines = ROTATION.split(b"\r\n")
        for place, line in changes:
            lines[place % len(lines)] = line
        try:
            found = feed_of(b"\r\n".join(lines))
        except ValueError:
            return
        assert all(each.start < each.end for each in found.shifts)
