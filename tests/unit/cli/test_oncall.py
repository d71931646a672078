"""`firewatch oncall`."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import msgspec
import pytest
from typer.testing import CliRunner

from cli import oncall
from cli.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

POLICY = """
responders: {mail: {use: mail}}
routes: [{to: [mail]}]
on_call:
  people:
    ana: {name: "Ana [bold]Lima", contacts: {mail: ana@example.com}}
    ben: {contacts: {mail: ben@example.com}}
  schedules:
    primary:
      time_zone: Europe/Oslo
      layers:
        - {people: [ana, ben], starts: 2026-10-05T09:00}
    office:
      time_zone: America/New_York
      layers:
        - {people: [ben], starts: 2026-10-05T00:00, hours: [mon-fri 08:00-18:00]}
"""


FEED = "\r\n".join(
    [
        *("BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", "SUMMARY:Ana L."),
        *("DTSTART;TZID=Europe/Oslo:20261019T090000", "RRULE:FREQ=WEEKLY;INTERVAL=2"),
        *("DTEND;TZID=Europe/Oslo:20261026T090000", "END:VEVENT"),
        *("BEGIN:VEVENT", "UID:2", "SUMMARY:eve\x1b[31m", "RRULE:FREQ=WEEKLY"),
        *("DTSTART:20261019T070000Z", "DTEND:20261026T080000Z", "END:VEVENT"),
        *("END:VCALENDAR", ""),
    ]
).encode()
WITH_FEED = POLICY.replace(
    "    office:",
    """    feed:
      time_zone: Europe/Oslo
      feed: {setting: FEED_URL}
      names: {Ana L.: ana}
    office:""",
)


@pytest.fixture(autouse=True)
def wide_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is folded, however narrow the terminal that runs the tests."""
    monkeypatch.setattr(oncall.console, "width", 200)


@pytest.fixture
def feed() -> Iterator[str]:
    """The address of a feed on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/a.ics" else 404)
            self.end_headers()
            self.wfile.write(FEED)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def run(folder: Path, *arguments: str, text: str = POLICY) -> Result:
    """Run the command on a policy."""
    path = folder / "mine.yaml"
    path.write_text(text, "utf-8")
    return CliRunner().invoke(app, ["oncall", "--policy", str(path), *arguments])


def cells(done: Result) -> list[list[str]]:
    """The lines of the tables, in cells."""
    return [re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines()]


def test_it_says_who_has_it_and_who_is_next(tmp_path: Path) -> None:
    """By the schedule's own clock and in UTC, a name as it is written."""
    done = run(tmp_path, "--at", "2026-10-23T20:00Z")

    assert [
        *("primary", "ana (Ana [bold]Lima)", "Fri 2026-10-23 22:00 CEST"),
        *("Mon 2026-10-26 09:00 CET", "2026-10-26 08:00Z", "ben"),
    ] in cells(done)
    assert [
        *("office", "ben", "Fri 2026-10-23 16:00 EDT"),
        *("Fri 2026-10-23 18:00 EDT", "2026-10-23 22:00Z", "NOBODY"),
    ] in cells(done)
    assert done.exit_code == 0


def test_a_time_without_a_zone_is_the_schedules_own(tmp_path: Path) -> None:
    """So that one may ask who has it at nine; 1 where nobody does."""
    done = run(tmp_path, "--at", "2026-10-24T09:00")

    shown = {line[0]: line[1:3] for line in cells(done)}
    assert shown["primary"][1] == "Sat 2026-10-24 09:00 CEST"
    assert shown["office"] == ["NOBODY", "Sat 2026-10-24 09:00 EDT"]
    assert done.exit_code == 1


def test_weeks_show_turns_and_gaps(tmp_path: Path) -> None:
    """Each with its length; 1 where there is a gap."""
    done = run(tmp_path, "--at", "2026-10-20T00:00Z", "--weeks", "2")

    assert [
        *("Mon 2026-10-19 20:00 EDT", "Tue 2026-10-20 08:00 EDT"),
        *("2026-10-20 00:00Z", "12.0", "NOBODY"),
    ] in cells(done)
    assert [
        *("Tue 2026-10-20 02:00 CEST", "Mon 2026-10-26 09:00 CET"),
        *("2026-10-20 00:00Z", "152.0", "ana (Ana [bold]Lima)"),
    ] in cells(done)
    assert ["primary: no gaps"] in cells(done)
    assert ["office: 11 gaps"] in cells(done)
    assert done.exit_code == 1


def test_one_schedule_may_be_asked_for(tmp_path: Path) -> None:
    """Then the others' gaps are nobody's concern."""
    asked = ("--at", "2026-10-24T09:00", "--schedule", "primary", "--weeks", "53")
    done = run(tmp_path, *asked, "--json")

    [found] = msgspec.json.decode(done.stdout)
    assert done.exit_code == 0
    assert len(found["turns"]) == 54
    assert found["gaps"] == []
    assert (found["people"], found["then"]) == (["ana"], ["ben"])
    assert (found["at"], found["until"]) == (
        *("2026-10-24T07:00:00Z", "2026-10-26T08:00:00Z"),
    )


def test_what_does_not_change_has_no_end(tmp_path: Path) -> None:
    """Somebody who is alone has it for as long as one looks."""
    text = POLICY.replace("[ana, ben]", "[ana]")
    done = run(tmp_path, "--at", "2026-10-24T09:00", "--schedule", "primary", text=text)

    assert [line[3:] for line in cells(done) if line[0] == "primary"] == [["-"] * 3]


def test_a_feed_is_fetched(
    tmp_path: Path, feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the address in the environment; strangers in it are named."""
    monkeypatch.setenv("FEED_URL", f"{feed}/a.ics")
    asked = ("--schedule", "feed", "--at", "2026-10-26T07:30Z", "--weeks", "3")
    done = run(tmp_path, *asked, text=WITH_FEED)

    assert [
        *("feed", "ana (Ana [bold]Lima)", "Mon 2026-10-26 08:30 CET"),
        *("Mon 2026-10-26 09:00 CET", "2026-10-26 08:00Z", "NOBODY"),
    ] in cells(done)
    assert ["feed: 2 gaps"] in cells(done)
    assert "feed: its feed names somebody unknown: eve[31m\n" in done.stdout
    assert done.exit_code == 1


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/b.ics", "feed: its feed: the side of the feed answered 404"),
        (None, "feed: its feed: the setting is missing or empty"),
    ],
)
def test_a_feed_that_is_not_there_is_told(
    tmp_path: Path,
    feed: str,
    monkeypatch: pytest.MonkeyPatch,
    path: str | None,
    said: str,
) -> None:
    """The other schedules are shown all the same; the exit code is 1."""
    if path is not None:
        monkeypatch.setenv("FEED_URL", f"{feed}{path}")
    done = run(tmp_path, "--at", "2026-10-23T20:00Z", text=WITH_FEED)

    shown = {line[0]: line[1] for line in cells(done) if len(line) > 1}
    assert shown["primary"] == "ana (Ana [bold]Lima)"
    assert shown["feed"] == "not known"
    assert said in done.stdout
    assert done.exit_code == 1


def test_now_is_when_no_time_is_given(tmp_path: Path) -> None:
    """Somebody has it."""
    done = run(tmp_path, "--schedule", "primary", "--json")

    assert msgspec.json.decode(done.stdout)[0]["people"]
    assert done.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--at", "tomorrow"), "expected a time such as"),
        (("--at", "9999-12-31T23:59Z"), "expected a time such as"),
        (("--schedule", "primry"), "did you mean primary?"),
        (("--weeks", "54"), "Input should be less than or equal to 53"),
    ],
)
def test_what_cannot_be_asked_is_said(
    tmp_path: Path, arguments: tuple[str, str], said: str
) -> None:
    """As for any argument; exit 2."""
    done = run(tmp_path, *arguments)

    assert done.exit_code == 2
    assert said in re.sub(r"[\s│]+", " ", done.output)


def test_a_policy_without_schedules_has_nobody_to_show() -> None:
    """That is no gap: nothing was promised."""
    done = CliRunner().invoke(app, ["oncall"])

    assert (done.stdout, done.exit_code) == ("The policy has no schedules.\n", 0)
