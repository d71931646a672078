"""Log lines."""

from __future__ import annotations

import logging

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import telemetry


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log, from its quietest line on."""
    caplog.set_level(logging.DEBUG, logger="firewatch")
    return caplog


def test_a_line_is_a_name_and_its_fields(lines: pytest.LogCaptureFixture) -> None:
    """Text is quoted, numbers are not, none is null."""
    telemetry.emit(telemetry.TICK_DONE, due=3, source="a b", reason=None)

    (record,) = lines.records
    assert record.getMessage() == 'tick.done due=3 source="a b" reason=null'
    assert record.levelno == logging.INFO
    assert vars(record)["firewatch_event"] == "tick.done"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(), max_size=400))
def test_hostile_text_stays_inside_its_quotes(
    lines: pytest.LogCaptureFixture, text: str
) -> None:
    """No line of its own, no terminal's command, no end of the field."""
    lines.clear()

    telemetry.emit(telemetry.UNIT_REJECTED, problem=text, count=1)

    message = lines.records[0].getMessage()
    assert message.isprintable()
    quoted = message.removeprefix("unit.rejected problem=").removesuffix(" count=1")
    assert len(msgspec.json.decode(quoted, type=str)) <= telemetry.LONGEST_VALUE


def test_an_error_of_ours_comes_with_its_traceback(
    lines: pytest.LogCaptureFixture,
) -> None:
    """Given by the caller, since other errors may quote what they were given."""
    error = RuntimeError("x")

    telemetry.emit(telemetry.UNIT_BROKE_US, error=error, place="1")

    assert lines.records[0].exc_info is not None
    assert lines.records[0].exc_info[1] is error


def test_names_are_of_one_form_and_unique() -> None:
    """A dashboard can rely on them."""
    events = [e for e in vars(telemetry).values() if isinstance(e, telemetry.LogEvent)]
    names = [event.name for event in events]

    assert len(set(names)) == len(names) > 5
    assert all(name.replace("_", "").replace(".", "").isalpha() for name in names)
    assert all(name.count(".") == 1 and name.islower() for name in names)


def test_a_line_nobody_wants_is_not_made(lines: pytest.LogCaptureFixture) -> None:
    """Levels are the logging module's own."""
    lines.set_level(logging.ERROR, logger="firewatch")

    telemetry.emit(telemetry.TICK_DONE, due=3)

    assert lines.records == []
