"""How long tables of Log Analytics are to keep their rows, as the policy says it.

What a table may keep: log-analytics.md 3.
"""

from __future__ import annotations

import msgspec

LEAST_DAYS = 4
# The most that stays queryable in place, and from where on it is years.
MOST_INTERACTIVE = 730
MOST_TOTAL = 4383
# Two years to twelve, as Azure counts them.
YEARS = (1095, 1460, 1826, 2191, 2556, 2922, 3288, 3653, 4018, MOST_TOTAL)


class Keep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many days a table keeps its rows: where queries find them, and in all.

    What is None stays as it is, or is what the default says.
    """

    interactive_days: int | None = None
    total_days: int | None = None


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tables by name, and ``default`` for every other that the pack reads."""

    default: Keep | None = None
    tables: dict[str, Keep] = {}

    def wanted(self, table: str) -> Keep:
        """What a table that is named is to keep; what it leaves out is the default's."""
        own, usual = self.tables.get(table, Keep()), self.default or Keep()
        return Keep(
            interactive_days=usual.interactive_days
            if own.interactive_days is None
            else own.interactive_days,
            total_days=usual.total_days if own.total_days is None else own.total_days,
        )


def interactive(days: int) -> None:
    """Raise ValueError for what no table can be set to, with the nearest that it can."""
    if not LEAST_DAYS <= days <= MOST_INTERACTIVE:
        nearest = min(max(days, LEAST_DAYS), MOST_INTERACTIVE)
        raise ValueError(
            f"expected {LEAST_DAYS} to {MOST_INTERACTIVE} days, the nearest is {nearest}"
        )


def total(days: int) -> None:
    """Raise ValueError for what no table can be set to, with the nearest that it can."""
    if LEAST_DAYS <= days <= MOST_INTERACTIVE or days in YEARS:
        return
    nearest = min((LEAST_DAYS, MOST_INTERACTIVE, *YEARS), key=lambda n: abs(n - days))
    raise ValueError(
        f"expected {LEAST_DAYS} to {MOST_INTERACTIVE} days, or"
        f" {', '.join(map(str, YEARS[:-1]))} or {MOST_TOTAL}; the nearest is {nearest}"
    )
