"""`firewatch archive`, over fake storage."""

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
from shared.commands import Order
from shared.model.errors import ArchiveBroken, StoreUnavailable
from shared.model.incident import Entry
from shared.store import reading, rows
from shared.store.batches import sha256
from tests.alerts import NOON, alert_id, batch, defender_alert, event, stamp
from tests.fakes.firewatch import KEEP
from tests.unit.cli.archive_kit import Command, feed, over, put, row_of, verified

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


ORDER = Order("ada", "over")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, where the account named is a world."""
    return over(monkeypatch)


class TestGet:
    """The bytes that an alert came in."""

    def test_they_are_those_that_came(self, command: Command) -> None:
        """Of this alert and no other, by its id in any case."""
        odd = '{"é": "é\\u0000", "SystemAlertId": "x"}'.encode()
        one, other, _ = feed(
            command, defender_alert(), defender_alert(SystemAlertId="B-2"), odd
        )

        assert command.get(alert_id()) == one
        assert command.get("b-2") == other

    def test_of_many_no_more_than_its_part_is_read(self, command: Command) -> None:
        """One request for a blob, and a range of it."""
        bodies = [defender_alert(SystemAlertId=alert_id(n)) for n in range(100)]
        found = feed(command, *bodies)
        row = row_of(command, alert_id(70))
        assert row.spot is not None
        assert row.spot.length
        command.world.faults.calls.clear()

        assert command.get(alert_id(70)) == found[70]

        assert command.world.faults.calls["blobs.get"] == 1

    def test_they_are_those_of_the_version_that_counts(self, command: Command) -> None:
        """An update brings bytes of its own."""
        feed(command, defender_alert())
        later = stamp(NOON + timedelta(hours=1))
        (newer,) = feed(command, defender_alert(ProcessingEndTime=later), first=9)

        assert command.get(alert_id()) == newer

    @pytest.mark.parametrize("is_named", [True, False])
    def test_they_are_found_long_after(
        self, command: Command, *, is_named: bool
    ) -> None:
        """From history: by the incident at once, else wherever it is."""
        (body,) = feed(command, defender_alert())
        world = command.world
        head = asyncio.run(world.head())
        asyncio.run(world.worker.commands.resolve(head.id, ORDER))
        asyncio.run(world.settle())
        world.clock.step(KEEP + timedelta(days=400))
        asyncio.run(world.worker.retention())
        assert asyncio.run(reading.alert(world.ledger, alert_id())) is None

        hint = ["--incident", head.id] if is_named else []
        assert command.get(alert_id(), *hint) == body

    def test_on_a_terminal_they_do_nothing(self, command: Command) -> None:
        """Indented, and what would control it is no control any more."""
        feed(command, defender_alert(AlertDisplayName="a\x9b31m\u202eb"))

        shown = command.get(alert_id(), "--pretty").decode()

        assert '\n  "AlertType": "VM_WebShellDetected"' in shown
        assert "a\ufffd31m\ufffdb" in shown

    def test_an_alert_of_before_is_found_in_its_blob(self, command: Command) -> None:
        """Rows of 0.1 name a blob of another form, and no spot in it."""
        one, other = feed(
            command, defender_alert(), defender_alert(SystemAlertId="B-2")
        )
        former = "archive/hub/alerts/0/1-2.ndjson.gz"
        lines = [{"place": "1", "received_at": NOON, "body": one.decode()}]
        lines += [{"place": "2", "received_at": NOON, "body": other.decode()}]
        packed = gzip.compress(b"".join(msgspec.json.encode(x) + b"\n" for x in lines))
        command.world.blobs.blobs = {former: packed}
        row = msgspec.structs.replace(row_of(command, "B-2"), archived=former)
        put(command, msgspec.structs.replace(row, spot=None))

        assert command.get("B-2") == other

    def test_other_bytes_are_not_given(self, command: Command) -> None:
        """Whoever changed the archive is not believed."""
        feed(command, defender_alert())
        row = row_of(command, alert_id())
        text = gzip.decompress(command.world.blobs.blobs[row.archived])
        forged = text.replace(b"web shell", b"nothing!!")
        command.world.blobs.blobs[row.archived] = gzip.compress(forged)

        found = command("get", alert_id())

        assert isinstance(found.exception, ArchiveBroken)
        assert found.stdout == ""

    def test_what_came_from_nowhere_is_said_to(self, command: Command) -> None:
        """No alert of that id; and an alert that is Firewatch's own."""
        feed(command, defender_alert())
        put(
            command,
            msgspec.structs.replace(
                row_of(command, alert_id()), archived="", spot=None
            ),
        )

        assert isinstance(command("get", alert_id()).exception, ArchiveBroken)
        unknown = command("get", "\x1b[1mx")
        assert unknown.exit_code == 1
        assert "\x1b" not in unknown.stderr


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


def test_the_list_is_by_day_and_source(command: Command) -> None:
    """How many batches, and how large."""
    feed(command, b"a", b"b")
    feed(command, b"c", first=3)
    late = event(b"c", place=9, received_at=NOON + DAY)._replace(source="http/portal")
    asyncio.run(command.world.worker.ingest([late]))

    everything = command("list", "--json")
    one = command("list", "--to", "2026-11-23")

    sizes = {n: len(data) for n, data in command.world.blobs.blobs.items()}
    assert [x | {"bytes": 0} for x in json.loads(everything.stdout)] == [
        {"day": "2026-11-23", "source": "hub/alerts/0", "batches": 2, "bytes": 0},
        {"day": "2026-11-24", "source": "http/portal", "batches": 1, "bytes": 0},
    ]
    listed = sum(x["bytes"] for x in json.loads(everything.stdout))
    assert listed == sum(v for n, v in sizes.items() if n.startswith("archive/"))
    assert "2 batches" in one.stdout
    assert "portal" not in one.stdout


def rewritten(command: Command, name: str, old: bytes, new: bytes) -> None:
    """Change what a blob says, and nothing else of it."""
    text = gzip.decompress(command.world.blobs.blobs[name])
    assert old in text
    command.world.blobs.blobs[name] = gzip.compress(text.replace(old, new))


def renamed(command: Command, name: str, other: str) -> None:
    """Give a blob another name."""
    command.world.blobs.blobs[other] = command.world.blobs.blobs.pop(name)


def forge_timeline(command: Command) -> None:
    """Let a timeline say nothing of hashes, and its chain hold none the less."""
    table = command.world.table._rows
    head = asyncio.run(command.world.head())
    chain = ""
    for place in sorted(place for place in table if place[1].startswith("t|")):
        entry = rows.decode(table[place], Entry)
        facts = tuple(msgspec.structs.replace(f, sha256="") for f in entry.facts)
        doc = rows.encode(msgspec.structs.replace(entry, facts=facts, previous=chain))
        table[place] = table[place]._replace(doc=doc)
        chain = sha256(doc)
    place = rows.partition_of_incident(head.id), rows.incident(head.id)
    doc = rows.encode(msgspec.structs.replace(head, chain=chain))
    table[place] = table[place]._replace(doc=doc)


def forge_row(command: Command) -> None:
    """Have the row name an event that never was."""
    row = row_of(command, alert_id())
    assert row.spot is not None
    spot = msgspec.structs.replace(row.spot, sha256="0" * 64)
    put(command, msgspec.structs.replace(row, spot=spot))


class TestVerify:
    """Whether the archive is what was archived."""

    def test_what_was_left_alone_fits(self, command: Command) -> None:
        """Alerts, updates, splits, history: everything, and how much of it."""
        world = command.world
        feed(command, defender_alert(), defender_alert(SystemAlertId="B-2"), b"junk")
        feed(
            command,
            defender_alert(ProcessingEndTime=stamp(NOON + timedelta(hours=1))),
            first=9,
        )
        head = asyncio.run(world.head())
        asyncio.run(world.worker.regrouping.split(head.id, ["B-2"], ORDER))
        asyncio.run(world.settle())
        asyncio.run(world.worker.commands.resolve(head.id, ORDER))
        asyncio.run(world.settle())
        world.clock.step(KEEP + DAY)
        asyncio.run(world.worker.retention())
        assert world.past.keys

        found = verified(command)

        assert found == {
            "blobs": 2,
            "events": 4,
            "alerts": 2,
            "hashed": 2,
            "incidents": 2,
            "entries": found["entries"],
            "vouched": 3,
            "days": 0,
            "told": 0,
            "misfits": [],
        }
        shown = command("verify")
        assert shown.exit_code == 0
        assert "Everything fits" in shown.stdout

    def test_events_of_0_1_are_read_again(self, command: Command) -> None:
        """They have no hash anywhere: their alert must be in them."""
        (body,) = feed(command, defender_alert())
        row = row_of(command, alert_id())
        former = "archive/hub/alerts/0/1.ndjson.gz"
        line = {"place": "1", "received_at": NOON, "body": body.decode()}
        packed = gzip.compress(msgspec.json.encode(line) + b"\n")
        command.world.blobs.blobs = {former: packed}
        put(command, msgspec.structs.replace(row, archived=former, spot=None))
        forge_timeline(command)

        assert verified(command)["misfits"] == []
        assert verified(command)["hashed"] == 0

        rewritten(command, former, b"SystemAlertId", b"SystemAlertIx")
        assert [m["what"] for m in verified(command)["misfits"]] == ["alert"]

    @pytest.mark.parametrize(
        ("harm", "said"),
        [
            (lambda c, n: c.world.blobs.blobs.pop(n), {"blob", "timeline"}),
            (
                lambda c, n: rewritten(c, n, b"web shell", b"nothing!!"),
                {"blob", "alert", "timeline"},
            ),
            (lambda c, n: rewritten(c, n, b"T12:01:00Z", b"T13:00:00Z"), set()),
            (
                lambda c, n: rewritten(c, n, b"-11-23T12:01", b"-11-20T12:01"),
                {"blob"},
            ),
            (
                lambda c, n: renamed(c, n, n.replace("/0/", "/1/")),
                {"blob"},
            ),
            (lambda c, n: renamed(c, n, "archive/other"), {"blob", "timeline"}),
            (
                lambda c, n: c.world.blobs.blobs.update({n: b"x"}),
                {"blob", "timeline"},
            ),
            (lambda c, _: forge_timeline(c), {"alert"}),
            (lambda c, _: forge_row(c), {"alert"}),
        ],
        ids=[
            "gone",
            "changed",
            "received at another time of the day",
            "received on another day",
            "of another source",
            "of no name",
            "broken",
            "not in the timeline",
            "not in the row",
        ],
    )
    def test_what_was_done_to_it_shows(
        self,
        command: Command,
        harm: Callable[[Command, str], object],
        said: set[str],
    ) -> None:
        """To blob, row or timeline: two of the three tell of the third."""
        feed(command, defender_alert())
        (name,) = command.world.blobs.blobs

        harm(command, name)

        found = verified(command)
        assert {m["what"] for m in found["misfits"]} == said
        assert command("verify").exit_code == int(bool(said))

    def test_a_broken_chain_shows(self, command: Command) -> None:
        """As `incidents verify` shows it."""
        feed(command, defender_alert())
        world = command.world
        (place,) = (p for p in world.table._rows if p[1].endswith("|000001"))
        row = world.table._rows[place]
        world.table._rows[place] = row._replace(
            doc=row.doc.replace(b"ingest", b"nobody")
        )

        (misfit, *_) = verified(command)["misfits"]

        assert misfit["what"] == "timeline"

    def test_what_is_deleted_by_its_age_is_no_misfit(self, command: Command) -> None:
        """Where the deployment says so, and no younger than that."""
        feed(command, defender_alert())
        command.world.blobs.blobs.clear()
        command.world.clock.step(timedelta(days=200))

        assert verified(command, "--kept-days", "100")["misfits"] == []
        assert verified(command, "--kept-days", "300")["misfits"] != []
        assert "is not there" in command("verify").stdout
