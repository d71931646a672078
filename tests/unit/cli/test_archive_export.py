"""`firewatch archive export`."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from cli.archive import export as exporting
from shared.model.errors import StoreUnavailable
from shared.store.batches import sha256
from tests.alerts import NOON, batch, defender_alert, event
from tests.unit.cli.archive_kit import Command, feed, over

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, where the account named is a world."""
    return over(monkeypatch)


DAY = timedelta(days=1)


def exported(command: Command, *arguments: str) -> list[dict[str, Any]]:
    """The lines of an export."""
    found = command("export", *arguments)
    assert found.exit_code == 0, found.output
    return [json.loads(line) for line in found.stdout.splitlines()]


def raw(line: dict[str, Any]) -> bytes:
    """The bytes that a line holds."""
    if "base64" in line:
        return base64.b64decode(line["base64"])
    return cast("str", line["body"]).encode()


class TestExport:
    """Everything of some time, as it came."""

    def test_every_event_is_given_whatever_became_of_it(self, command: Command) -> None:
        """Alert, copy, posture, poison; with where from, when and the hash."""
        odd = ["a\x9b\u2028\x00\r\n".encode(), b"\xff\xfe", b"", b"{}"]
        found = feed(command, defender_alert(), *odd, defender_alert())

        lines = exported(command, "--from", "2026-11-23")

        assert [raw(line) for line in lines] == found
        assert [line["sha256"] for line in lines] == [sha256(body) for body in found]
        assert {line["source"] for line in lines} == {"hub/alerts/0"}
        assert [int(line["place"]) for line in lines] == [*range(1, 7)]
        assert "\x9b" not in command("export", "--from", "2026-11-23").stdout

    @pytest.mark.parametrize(
        ("since", "until", "expected"),
        [
            ("2026-11-22", "2026-11-22", ""),
            ("2026-11-23", "2026-11-23", "ab"),
            ("2026-11-24", "", "cde"),
            ("2026-11-24", "2026-11-24", "c"),
            ("2026-11-23T12:00Z", "2026-11-24T12:00Z", "ab"),
            ("2026-11-23T12:00:01Z", "2026-11-24T13:00:01+01:00", "bc"),
            ("2026-11-25", "2026-11-25", "d"),
            ("2026-11-26", "", "e"),
        ],
    )
    def test_a_time_is_given_and_no_other(
        self, command: Command, since: str, until: str, expected: str
    ) -> None:
        """To the second; what came in a batch that began days before is found."""
        at = [NOON, NOON + timedelta(seconds=1), NOON + DAY, NOON + 2 * DAY]
        events = [
            event(letter.encode(), place=n, received_at=when)
            for n, (letter, when) in enumerate(zip("abcd", at, strict=True), start=1)
        ]
        world = command.world
        asyncio.run(world.worker.ingest(events[:1]))
        asyncio.run(world.worker.ingest(events[1:]))
        late = event(b"e", place=9, received_at=NOON + 3 * DAY)
        asyncio.run(world.worker.ingest([late]))

        lines = exported(command, "--from", since, *(["--to", until] if until else []))

        assert "".join(line["body"] for line in lines) == expected

    def test_what_was_given_again_is_given_once(self, command: Command) -> None:
        """The hub cut its batches otherwise the second time."""
        events = batch(*(b"%d" % n for n in range(10)))
        for part in (events, events[:4], events[4:], events[2:7]):
            asyncio.run(command.world.worker.ingest(part))

        lines = exported(command, "--from", "2026-11-23")

        assert len(command.world.blobs.blobs) > len(events)
        assert [raw(line) for line in lines] == [each.body for each in events]

    def test_a_source_may_be_asked_for(self, command: Command) -> None:
        """Itself, or all below it; another that begins so is another."""
        for source in ("http/a", "http/ab", "http/a/b", "hub/alerts/0"):
            asyncio.run(command.world.worker.ingest([event()._replace(source=source)]))

        def sources(asked: str) -> list[str]:
            lines = exported(command, "--from", "2026-11-23", "--source", asked)
            return [line["source"] for line in lines]

        assert sources("http/a") == ["http/a", "http/a/b"]
        assert sources("hub/") == ["hub/alerts/0"]
        assert sources("") == ["http/a", "http/a/b", "http/ab", "hub/alerts/0"]

    def test_what_0_1_archived_is_given_too(self, command: Command) -> None:
        """By the time that its lines say."""
        lines = [
            {"place": f"{n}", "received_at": NOON + n * DAY, "body": f"{n}"}
            for n in range(3)
        ]
        text = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        command.world.blobs.blobs["archive/arm/x/0-2.ndjson.gz"] = gzip.compress(text)

        (line,) = exported(command, "--from", "2026-11-24", "--to", "2026-11-24")

        assert (line["source"], line["body"]) == ("arm/x", "1")

    def test_files_are_by_day_and_source(
        self, command: Command, tmp_path: Path
    ) -> None:
        """And none is overwritten."""
        feed(command, b"a", b"b")
        late = event(b"c", place=9, received_at=NOON + DAY)
        asyncio.run(command.world.worker.ingest([late]))
        asked = ("export", "--from", "2026-11-23", "--output", str(tmp_path))

        done, again = command(*asked), command(*asked)

        assert done.exit_code == 0
        assert done.stdout == ""
        one = (tmp_path / "2026-11-23/hub/alerts/0.ndjson").read_bytes()
        other = (tmp_path / "2026-11-24/hub/alerts/0.ndjson").read_bytes()
        assert [raw(json.loads(x)) for x in one.splitlines()] == [b"a", b"b"]
        assert [raw(json.loads(x)) for x in other.splitlines()] == [b"c"]
        assert isinstance(again.exception, FileExistsError)

    def test_files_that_are_not_whole_say_so(
        self, command: Command, tmp_path: Path
    ) -> None:
        """The store went away: the next run writes over what it left."""
        for n in range(20):
            feed(command, b"%d" % n, first=n)
        asked = ("export", "--from", "2026-11-23", "--output", str(tmp_path))
        command.world.faults.fail_after(15, of="blobs.get", for_good=True)

        broken = command(*asked)
        left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
        command.world.faults.heal()
        done = command(*asked)

        assert isinstance(broken.exception, StoreUnavailable)
        assert left == ["0.ndjson.partial"]
        assert done.exit_code == 0
        (whole,) = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert whole.name == "0.ndjson"
        assert whole.read_bytes().count(b"\n") == 20

    def test_more_sources_than_files_may_be_open(
        self,
        command: Command,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Each is written to its end all the same."""
        monkeypatch.setattr(exporting, "MOST_OPEN", 1)
        for n in range(6):
            one = event(b"%d" % n, place=n)._replace(
                source=f"http/{n % 2}", received_at=NOON + n // 4 * DAY
            )
            asyncio.run(command.world.worker.archive.batch([one]))

        done = command("export", "--from", "2026-11-23", "--output", str(tmp_path))

        assert done.exit_code == 0
        files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
        lines = [path.read_bytes().count(b"\n") for path in files]
        assert lines == [2, 2, 1, 1]

    def test_events_are_files_of_their_own(
        self, command: Command, tmp_path: Path
    ) -> None:
        """Their bytes and nothing else, in the order in which they are played."""
        found = feed(command, b"\xff\n", b'{"a":\n1}', defender_alert())

        done = command(
            "export", "--from", "2026-11-23", "--files", "--output", str(tmp_path)
        )

        assert done.exit_code == 0
        files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
        assert [path.read_bytes() for path in files] == found
        assert {path.suffix for path in files} == {".event"}

    def test_whatever_a_source_is_called_files_stay_in_their_folder(
        self, command: Command, tmp_path: Path
    ) -> None:
        """Whoever can write the archive cannot write elsewhere by it."""
        bad = event(b"a")._replace(source="http/../../../..//x y", place="../../p")
        asyncio.run(command.world.worker.archive.batch([bad]))
        below = tmp_path / "deep/below"

        for more in ([], ["--files"]):
            done = command(
                "export", "--from", "2026-11-23", "--output", str(below), *more
            )
            assert done.exit_code == 0

        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert len(files) == 2
        assert all(below in path.parents for path in files)

    def test_a_blob_that_is_broken_loses_no_other(self, command: Command) -> None:
        """What can be read is given; which cannot is said, and the exit code."""
        for n in range(3):
            feed(command, b"%d" % n, first=n)
        broken = sorted(command.world.blobs.blobs)[1]
        command.world.blobs.blobs[broken] = b"no gzip"

        found = command("export", "--from", "2026-11-23")

        assert found.exit_code == 1
        assert broken in found.stderr
        assert len(found.stdout.splitlines()) == 2

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--from", "yesterday"],
            ["--from", "2026-11-23T12:00"],
            ["--from", "2026-11-24", "--to", "2026-11-23"],
            ["--from", "2026-11-23", "--files"],
        ],
    )
    def test_what_cannot_be_meant_is_refused(
        self, command: Command, arguments: list[str]
    ) -> None:
        """Before anything is read."""
        assert command("export", *arguments).exit_code == 2
