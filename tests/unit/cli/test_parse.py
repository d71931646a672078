from __future__ import annotations

import json
import os
import unicodedata
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from typer.testing import CliRunner

from cli import parse
from cli.main import app
from tests.alerts import alert_id, defender_alert, vm

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

POSTURE = {"type": "Microsoft.Security/assessments"}
FIELDS = [
    *("file", "unit", "kind", "outcome", "alert_id", "alert_type", "severity"),
    *("status", "tactics", "techniques", "started_at", "resource_id", "entities"),
    *("sample", "reason"),
]


def run(*arguments: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["parse", *map(str, arguments)])


def units(*arguments: object) -> list[dict[str, Any]]:
    """The lines of `parse --json`."""
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def write(path: Path, *values: object) -> Path:
    """Write values as lines of JSON, bytes as they are."""
    lines = [v if isinstance(v, bytes) else msgspec.json.encode(v) for v in values]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(lines))
    return path


def test_an_alert_is_one_line_of_facts(tmp_path: Path) -> None:
    """Every field is there, in the one order, times in UTC with Z."""
    file = write(tmp_path / "a.json", defender_alert())

    (line,) = units(file)

    assert list(line) == FIELDS
    assert line == {
        "file": str(file),
        "unit": 0,
        "kind": "defender",
        "outcome": "alert",
        "alert_id": alert_id().lower(),
        "alert_type": "VM_WebShellDetected",
        "severity": "high",
        "status": "open",
        "tactics": ["Persistence"],
        "techniques": [],
        "started_at": "2026-11-23T12:00:00Z",
        "resource_id": vm().lower(),
        "entities": [
            {"type": "host", "identifier": "vm-web-01"},
            {"type": "process", "identifier": "(944)"},
        ],
        "sample": False,
        "reason": "",
    }


def test_what_is_no_alert_says_why(tmp_path: Path) -> None:
    """Ignored and rejected units have the same fields, empty, and a reason."""
    file = write(tmp_path / "a.json", [POSTURE, {"a": 1}])

    ignored, rejected = units(file)

    assert list(ignored) == list(rejected) == FIELDS
    assert (ignored["kind"], ignored["outcome"]) == ("posture", "ignored")
    assert ignored["reason"] == "posture record (assessments), not an alert"
    assert (rejected["kind"], rejected["outcome"]) == ("", "rejected")
    assert rejected["reason"] == "$[1]: no known alert format"
    assert [unit["unit"] for unit in (ignored, rejected)] == [0, 1]
    assert rejected["started_at"] is None


def test_an_ndjson_file_is_an_event_per_line(tmp_path: Path) -> None:
    """Units are counted over the whole file, and a bad line is told by its number."""
    file = write(
        tmp_path / "a.ndjson", [POSTURE, POSTURE], b"", b"{broken", {"records": [7]}
    )

    found = units(file)

    assert [unit["unit"] for unit in found] == [0, 1, 2, 3]
    assert found[2]["reason"].startswith("line 3: $: not JSON")
    assert found[3]["reason"].startswith("line 4: $.records[0]: expected an object")


def test_folders_are_walked_in_the_order_of_names(tmp_path: Path) -> None:
    """At every depth, whatever a file is called; each path in the order given."""
    for name in ("b/2.json", "b/1.txt", "a.json", "b/0/x.json", "c"):
        write(tmp_path / name, POSTURE)

    found = [unit["file"] for unit in units(tmp_path / "c", tmp_path)]

    names = [os.path.relpath(file, tmp_path) for file in found]
    assert names == ["c", "a.json", "b/0/x.json", "b/1.txt", "b/2.json", "c"]


def test_the_table_counts_and_lists_what_was_rejected(tmp_path: Path) -> None:
    """Units by kind and outcome, unknown ones last, then each rejected with reason."""
    file = write(tmp_path / "a.json", [POSTURE, POSTURE, {"a": 1}, defender_alert()])

    done = run(file)

    assert done.exit_code == 0
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert rows[0] == ["4", "units"]
    assert rows[3:6] == [
        ["defender", "alert", "1"],
        ["posture", "ignored", "2"],
        ["unknown", "rejected", "1"],
    ]
    assert rows[6] == ["1", "rejected"]
    assert f"  {file} unit 2: $[2]: no known alert format\n" in done.stdout


def test_a_long_list_of_rejected_units_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first are shown and kept; all are counted."""
    monkeypatch.setattr(parse, "MOST_SHOWN", 2)
    file = write(tmp_path / "a.json", [1, 2, 3])

    done = run(file)

    assert "3 rejected, the first 2; --json shows all" in done.stdout
    assert done.stdout.count("expected an object") == 2


def test_a_path_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """It keeps no other file from being read, and the exit code is 1."""
    file = write(tmp_path / "a.json", POSTURE)

    done = run(tmp_path / "none", file, "--json")

    assert done.exit_code == 1
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == [
        str(file)
    ]
    assert "none: No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    """What is in it is not silently nothing."""
    problems: list[str] = []

    found = [*parse._inside(tmp_path / "gone", problems)]

    assert found == []
    assert problems == [f"{tmp_path / 'gone'}: No such file or directory"]


def test_a_file_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    """Controls in a name or a text have no effect; in JSON none is lost."""
    hostile = "\x1b]0;x\x07\x9b31m\u202e\x7f\U000e0041[bold]"
    file = write(
        tmp_path / "a\x1b[31m.json",
        [defender_alert(AlertType=f"VM_{hostile}"), {"eventType": hostile}],
    )

    for done in (run(file), run(file, "--json"), run(tmp_path / "\x1b[2J")):
        seen = done.stdout + done.stderr
        assert not [
            c for c in seen if unicodedata.category(c) in {"Cc", "Cf"} and c != "\n"
        ]

    assert units(file)[0]["file"] == str(file)


def test_a_name_that_is_no_unicode_is_shown_as_far_as_it_is(tmp_path: Path) -> None:
    """A file name is bytes on Linux."""
    name = os.fsencode(tmp_path) + b"/\xff.json"
    try:
        with open(name, "wb") as file:  # noqa: PTH123  bytes are the point
            file.write(b"{}")
    except OSError:
        pytest.skip("this file system takes no such name")

    (line,) = units(tmp_path)

    assert line["file"].endswith("/\ufffd.json")


def test_the_catalogue_fills_in_what_the_alert_does_not_say(tmp_path: Path) -> None:
    """As the app does: the documented severity and tactics of its type."""
    unit = defender_alert(
        AlertType="VM_LoginBruteForceSuccess", Severity=..., Intent=...
    )

    (line,) = units(write(tmp_path / "a.json", unit))

    assert line["severity"] == "high"
    assert line["tactics"] != []
