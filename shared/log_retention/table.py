"""A table of a workspace as Resource Manager shows it.

(log-analytics.md 3, remote-apis-azure.md 19.5)
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from shared.model.errors import FailureReason, PermanentFailure
from shared.model.rest import is_settled

if TYPE_CHECKING:
    from collections.abc import Mapping

# What sets a value back to what the workspace says.
INHERITED = -1

INTERACTIVE, TOTAL = "retentionInDays", "totalRetentionInDays"


class TablePlan(StrEnum):
    """What a table is paid for by. Only the first has a retention to choose in place."""

    ANALYTICS = "Analytics"
    BASIC = "Basic"
    AUXILIARY = "Auxiliary"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """How many days a table keeps its rows: where queries find them, and in all.

    ``of_workspace``: the first is the workspace's own, and changes with it.
    ``as_interactive``: in all is as many as that, and changes with it.
    """

    interactive: int
    total: int
    of_workspace: bool = False
    as_interactive: bool = False

    @property
    def said(self) -> str:
        """For people: days where queries find them, and in all."""
        mark = "*" if self.of_workspace else ""
        return f"{self.interactive}{mark} / {self.total}"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table; ``plan`` is Azure's word, whether or not it is known here.

    One that is not ``is_settled`` is being changed, and takes no other change.
    """

    name: str
    plan: str
    kept: Kept
    is_settled: bool = True

    def keeps(self, wanted: Kept) -> bool:
        """Whether it is so. Who inherits is as the other one, however many days it is.

        Interactive days that the plan does not let one choose are not looked at.
        """
        has = self.kept
        in_all = (
            has.as_interactive if wanted.as_interactive else has.total == wanted.total
        )
        if self.plan != TablePlan.ANALYTICS:
            return in_all
        if wanted.of_workspace:
            return in_all and has.of_workspace
        return in_all and has.interactive == wanted.interactive


def of(content: Mapping[str, Any]) -> Table:
    """The table of a document. Raises PermanentFailure for what is none."""
    try:
        properties = content["properties"]
        kept = Kept(
            interactive=_days(properties[INTERACTIVE]),
            total=_days(properties[TOTAL]),
            of_workspace=bool(properties.get(f"{INTERACTIVE}AsDefault")),
            as_interactive=bool(properties.get(f"{TOTAL}AsDefault")),
        )
        return Table(
            name=str(content["name"]),
            plan=str(properties.get("plan") or TablePlan.ANALYTICS),
            kept=kept,
            is_settled=is_settled(dict(content)),
        )
    except (LookupError, TypeError, AttributeError):
        raise PermanentFailure(
            FailureReason.INVALID,
            "Azure Resource Manager shows a table without its retention",
        ) from None


def _days(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("no number of days")
    return value
