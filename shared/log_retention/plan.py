"""From what tables keep and what the policy wants to what is to be changed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shared.log_retention import saying
from shared.log_retention.table import INTERACTIVE, TOTAL, Kept, Table, TablePlan

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from shared.model.retention import Keep, Retention

# These keep so many days for nothing, and never fewer.
FLOORS = {"Usage": 90, "AzureActivity": 90}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one table.

    ``properties`` are what a PATCH says, empty where nothing is to be changed;
    ``refused`` is what the policy wants and the table cannot, and why. ``cost`` says in
    words what the change comes to, ``warnings`` what is lost or no longer found by it.
    """

    table: str
    plan: str
    before: Kept
    after: Kept
    properties: dict[str, int] = {}
    refused: str = ""
    cost: str = ""
    warnings: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of one workspace, and the tables of the policy that it does not have."""

    workspace: str
    lines: tuple[Line, ...]
    absent: tuple[str, ...] = ()

    @property
    def changes(self) -> list[Line]:
        """The lines that change something."""
        return [line for line in self.lines if line.properties]


def planned(
    workspace: str,
    tables: Mapping[str, Table],
    retention: Retention,
    reaches: Mapping[str, int],
) -> Plan:
    """What is to become of the tables that the policy names or its default is for.

    ``reaches`` are the tables that the pack reads, and how many days back its queries
    look there. Names are Azure's, whose case matters.
    """
    covered = covered_by(retention, reaches)
    return Plan(
        workspace=workspace,
        lines=tuple(
            _line(tables[name], retention.wanted(name), reaches.get(name, 0))
            for name in sorted(covered & {*tables})
        ),
        # Nobody has all the tables of the pack.
        absent=tuple(sorted({*retention.tables} - {*tables})),
    )


def covered_by(retention: Retention, pack: Collection[str]) -> set[str]:
    """The tables that a policy says something of."""
    return {*retention.tables, *(pack if retention.default else ())}


def _line(table: Table, wanted: Keep, reach: int) -> Line:
    before = table.kept
    interactive, refused = _interactive(table, wanted.interactive_days)
    after = _after(table, interactive, wanted.total_days)
    properties = _properties(before, interactive, wanted.total_days)
    if wrong := _impossible(table, after):
        properties, refused = {}, wrong
    if not properties:
        return Line(
            table=table.name,
            plan=table.plan,
            before=before,
            after=before,
            refused=refused,
        )
    in_place = table.plan == TablePlan.ANALYTICS
    return Line(
        table=table.name,
        plan=table.plan,
        before=before,
        after=after,
        properties=properties,
        refused=refused,
        cost=saying.cost(before, after, in_place=in_place),
        warnings=saying.warnings(before, after, reach if in_place else 0),
    )


def _interactive(table: Table, wanted: int | None) -> tuple[int | None, str]:
    """The interactive days to ask for, and why those that are wanted cannot be had."""
    if wanted is None or wanted == table.kept.interactive:
        return None, ""
    if table.plan in {TablePlan.BASIC, TablePlan.AUXILIARY}:
        has = table.kept.interactive
        return None, f"plan {table.plan}: its {has} interactive days cannot be set"
    if table.plan != TablePlan.ANALYTICS:
        return None, "its plan is not one that is known here"
    floor = FLOORS.get(table.name, 0)
    if wanted < floor:
        return None, f"keeps {floor} days at least, for nothing"
    return wanted, ""


def _after(table: Table, interactive: int | None, total: int | None) -> Kept:
    before = table.kept
    days = before.interactive if interactive is None else interactive
    follows = total is None and before.as_interactive
    whole = before.total if total is None else total
    if table.plan == TablePlan.AUXILIARY:
        # Queries find all there is.
        days = min(days, whole)
    return Kept(
        interactive=days,
        total=days if follows else whole,
        of_workspace=before.of_workspace and days == before.interactive,
        as_interactive=follows,
    )


def _impossible(table: Table, after: Kept) -> str:
    if table.plan not in {*TablePlan}:
        return "its plan is not one that is known here"
    if after.total < after.interactive:
        return (
            f"{after.total} days in all would be fewer than the {after.interactive}"
            " interactive ones that are part of them"
        )
    return ""


def _properties(
    before: Kept, interactive: int | None, total: int | None
) -> dict[str, int]:
    """What differs, and no more.

    Days in all that are not its own would follow the interactive ones: where those
    change, they are said too.
    """
    found = {}
    if interactive is not None:
        found[INTERACTIVE] = interactive
    if total is not None and (
        total != before.total or (before.as_interactive and found)
    ):
        found[TOTAL] = total
    return found
