"""The policy's `retention`, and every way it can be wrong."""

from __future__ import annotations

import pytest

from shared.model.errors import SettingsError
from shared.model.retention import Keep
from shared.triage.policy import Policy, load

ABOVE = "responders: {}\nroutes: [{to: []}]\nretention: "


def loaded(section: str) -> Policy:
    return load((ABOVE + section).encode())


def test_a_table_has_its_own_days_and_else_the_default() -> None:
    """Field by field."""
    found = loaded(
        "{default: {interactive_days: 90, total_days: 730},"
        " tables: {SecurityEvent: {total_days: 1095}}}"
    ).retention

    assert found.wanted("SecurityEvent") == Keep(interactive_days=90, total_days=1095)
    assert found.wanted("Syslog") == Keep(interactive_days=90, total_days=730)


@pytest.mark.parametrize("days", [4, 730, 1095, 1826, 4383])
def test_documented_days_are_taken(days: int) -> None:
    """Days to two years, then years to twelve."""
    assert loaded(f"{{default: {{total_days: {days}}}}}").retention.default == Keep(
        total_days=days
    )


@pytest.mark.parametrize(
    ("section", "path", "said"),
    [
        (
            "{default: {interactive_days: 3}}",
            "default.interactive_days",
            "nearest is 4",
        ),
        (
            "{default: {interactive_days: 1095}}",
            "default.interactive_days",
            "expected 4 to 730 days, the nearest is 730",
        ),
        ("{default: {total_days: 731}}", "default.total_days", "nearest is 730"),
        ("{default: {total_days: 1000}}", "default.total_days", "nearest is 1095"),
        ("{default: {total_days: 9999}}", "default.total_days", "nearest is 4383"),
        ("{default: {total_days: 90d}}", "default.total_days", "a whole number"),
        ("{default: {}}", "default.interactive_days", "or total_days, or both"),
        (
            "{default: {interactive_days: 90, total_days: 30}}",
            "default.total_days",
            "expected no fewer than interactive_days",
        ),
        (
            "{default: {total_days: 60}, tables: {Syslog: {interactive_days: 90}}}",
            "tables.Syslog.total_days",
            "with what the default says",
        ),
        ("{tables: {Syslog: {days: 90}}}", "tables.Syslog.days", "unknown field days"),
        ("{tables: {'a/../b': {total_days: 90}}}", "tables.<key 1>", "name of a table"),
        ("{tables: [Syslog]}", "tables", "expected a mapping"),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(
    section: str, path: str, said: str
) -> None:
    """By its path; of days the nearest that there are."""
    with pytest.raises(SettingsError) as caught:
        loaded(section)

    found = [p for p in caught.value.problems if f"$.retention.{path}: " in p]
    assert len(found) == 1, caught.value.problems
    assert said in found[0]
