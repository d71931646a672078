"""Workspaces: whether all comes in, and how long it can be asked and is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.log_retention.table import TablePlan
from shared.model import resource
from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.model.retention import MOST_INTERACTIVE, MOST_TOTAL, YEARS
from shared.posture.checks import clauses
from shared.posture.estate import Part
from shared.posture.finding import Check, Found
from shared.posture.fixes import logs as fixes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.log_retention.table import Table
    from shared.posture.estate import Estate
    from shared.posture.finding import Fix
    from shared.posture.wanted import Wanted

# What a workspace says where nothing comes in any more.
STOPPED = frozenset({"overquota", "forceoff"})

_NEEDS = frozenset({Part.WORKSPACES, Part.TABLES})


def capped(estate: Estate, _: Wanted) -> Iterator[Found]:
    """Workspaces that stop taking logs at a cap."""
    for each in estate.all_workspaces:
        if each.quota is not None and each.status.lower() not in STOPPED:
            name = resource.display_name(each.id)
            title = f"{name} takes no more than {each.quota:g} GB a day"
            yield Found(each.id, title, fixes.uncapped(each.id))


def stopped(estate: Estate, _: Wanted) -> Iterator[Found]:
    """Workspaces that take no logs now."""
    for each in estate.all_workspaces:
        if each.status.lower() in STOPPED:
            name = resource.display_name(each.id)
            title = f"{name} TAKES NO LOGS NOW ({each.status}): nothing is seen there"
            yield Found(each.id, title, fixes.uncapped(each.id))


def short_interactive(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Tables that cannot be asked for as long as they should."""
    for workspace, table in _tables(estate, wanted):
        days = wanted.retention.wanted(table.name).interactive_days or 0
        # Of other plans that is no choice.
        if table.plan == TablePlan.ANALYTICS and table.kept.interactive < days:
            has = table.kept.interactive
            yield Found(
                workspace,
                f"{table.name} can be asked for {has} days, not {days}",
                _fix(workspace, table, wanted),
                table.name,
            )


def short_total(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Tables that are not kept for as long as they should be."""
    for workspace, table in _tables(estate, wanted):
        days = wanted.retention.wanted(table.name).total_days or 0
        if table.kept.total < days:
            yield Found(
                workspace,
                f"{table.name} is kept for {table.kept.total} days, not {days}",
                _fix(workspace, table, wanted),
                table.name,
            )


def longer(days: int) -> int:
    """The least number of days that a table may be kept for, and that is no less."""
    if days <= MOST_INTERACTIVE:
        return days
    return next((each for each in YEARS if each >= days), MOST_TOTAL)


def _tables(estate: Estate, wanted: Wanted) -> Iterator[tuple[str, Table]]:
    names = wanted.kept
    for workspace, tables in estate.tables.items():
        for table in tables:
            if table.name in names:
                yield workspace, table


def _fix(workspace: str, table: Table, wanted: Wanted) -> Fix:
    keep = wanted.retention.wanted(table.name)
    interactive = max(table.kept.interactive, keep.interactive_days or 0)
    total = longer(max(table.kept.total, keep.total_days or 0, interactive))
    return fixes.table(workspace, table.name, interactive, total)


CHECKS = (
    Check(
        CheckName.CAP_SET,
        Severity.MEDIUM,
        clauses.KEEP,
        "Whoever floods the workspace blinds it for the rest of the day.",
        frozenset({Part.WORKSPACES}),
        capped,
    ),
    Check(
        CheckName.CAP_REACHED,
        Severity.HIGH,
        clauses.KEEP,
        "Rules find nothing, and pages come without evidence, until somebody lifts it.",
        frozenset({Part.WORKSPACES}),
        stopped,
    ),
    Check(
        CheckName.RETENTION_INTERACTIVE,
        Severity.LOW,
        clauses.KEEP,
        "What is older takes a search job or a restore, and pages do not have it.",
        _NEEDS,
        short_interactive,
    ),
    Check(
        CheckName.RETENTION_TOTAL,
        Severity.MEDIUM,
        clauses.KEEP,
        "Intruders stay for months before they are seen: by then their traces are gone.",
        _NEEDS,
        short_total,
    ),
)
