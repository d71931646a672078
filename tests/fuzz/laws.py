"""What holds of ``sources.read`` for any bytes at all."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from shared import sources
from shared.model.alert import Alert
from shared.sources import NAMES, Ignored, Rejected

RECEIVED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

# Ten times what the slowest input takes on a slow machine, and that under the fuzzer's
# instrumentation: what is not linear is far beyond.
SECONDS = 1.0
SECONDS_PER_BYTE = 40e-6


def hold(body: bytes) -> None:
    """Raise AssertionError, or whatever the reader raised, where a law is broken."""
    before = time.process_time()
    found = sources.read(body, received_at=RECEIVED)
    taken = time.process_time() - before

    assert taken < SECONDS + SECONDS_PER_BYTE * len(body), f"took {taken:.2f} s"
    expected = _units(body)
    assert expected in {None, len(found)}, f"{len(found)} results of {expected} units"
    for unit in found:
        _is_whole(unit)
    assert found == sources.read(body, received_at=RECEIVED)
    # The straight road is a shorter one to the same place (decision 0008).
    assert found == sources.read_generally(body, received_at=RECEIVED)


def _is_whole(unit: object) -> None:
    """A result that every later stage can take."""
    if isinstance(unit, Alert):
        again = msgspec.json.decode(msgspec.json.encode(unit), type=Alert)
        assert again == unit
        assert unit.kind in NAMES
        assert unit.id == unit.id.strip() != ""
        assert unit.alert_type.strip()
        assert unit.title == " ".join(unit.title.split())
        assert unit.started_at <= unit.ended_at
        assert unit.point <= RECEIVED + timedelta(minutes=5)
        return
    assert isinstance(unit, Ignored | Rejected)
    said = unit.reason if isinstance(unit, Ignored) else unit.problem
    assert said
    assert len(said) < 1_000
    assert said.isprintable()
    assert unit.path
    msgspec.json.encode(unit)


def _units(body: bytes) -> int | None:
    """How many results there must be, where another decoder can tell."""
    try:
        text = body.removeprefix(b"\xef\xbb\xbf").decode()
        value = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None
    items = value if isinstance(value, list) else [value]
    if any(isinstance(i, dict) and {"records", "value"} & i.keys() for i in items):
        return None
    return len(items)


def _refused(constant: str) -> Any:  # noqa: ANN401
    raise ValueError(constant)
