"""Every sample of ours as `firewatch parse --json` reads it, beside what was reviewed.

`make golden` writes the expected lines anew; the difference is to be reviewed.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.parse import encoded, lines
from shared.sources import NAMES

SAMPLES = Path(__file__).parents[1] / "samples"
GOLDEN = Path(__file__).parent / "sources"
IS_WRITING = os.environ.get("FIREWATCH_GOLDEN") == "write"

RECEIVED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FILES = sorted(path for path in SAMPLES.rglob("*") if path.is_file())


def _name(sample: Path) -> str:
    return sample.relative_to(SAMPLES).as_posix()


def _golden(sample: Path) -> Path:
    return (GOLDEN / _name(sample)).with_suffix(".jsonl")


@pytest.mark.parametrize("sample", FILES, ids=_name)
def test_a_sample_is_read_as_reviewed(sample: Path) -> None:
    """Kind, outcome and facts of every unit, line by line."""
    found = [
        encoded(line).decode()
        for line in lines(sample, _name(sample), received_at=RECEIVED)
    ]
    golden = _golden(sample)

    if IS_WRITING:
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text("".join(f"{line}\n" for line in found), "utf-8")
    assert found == golden.read_text("utf-8").splitlines()


def test_every_golden_file_has_its_sample() -> None:
    """Whoever renames a sample takes its lines along; no two samples share them."""
    expected = [_golden(sample) for sample in FILES]
    orphans = {*GOLDEN.rglob("*.jsonl")} - {*expected}

    if IS_WRITING:
        for orphan in orphans:
            orphan.unlink()
        orphans = set()
    assert orphans == set()
    assert len(expected) == len({*expected})


def test_every_format_has_samples() -> None:
    """A new format comes with at least one, in a folder of its name."""
    assert {path.name for path in SAMPLES.iterdir()} >= {*NAMES}
