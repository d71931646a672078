"""Tables of Log Analytics workspaces, and how long each keeps its rows.

(log-analytics.md 3, remote-apis-azure.md 19.5)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devhost.outside.azure.kinds import (
    Asked,
    Change,
    How,
    Kind,
    bad,
    existing,
    properties_of,
)
from devhost.outside.azure.resources import name_of, parent_of

if TYPE_CHECKING:
    from devhost.outside.azure.resources import Document

VERSION = "2025-07-01"

# A workspace's own, where nobody says another.
USUAL = 30
# What these keep at least, for nothing.
FLOORS = {"usage": 90, "azureactivity": 90}
YEARS = (1095, 1460, 1826, 2191, 2556, 2922, 3288, 3653, 4018, 4383)
FIXED = {"Basic": 30}

_NAMES = ("retentionInDays", "totalRetentionInDays")
# Goes back to what it would be if nobody had said anything.
_AS_DEFAULT = -1


class Table(Kind):
    """A table. What it does not say itself, it has from its workspace."""

    type = "Microsoft.OperationalInsights/workspaces/tables"
    version = VERSION

    def shown(self, asked: Asked, document: Document) -> Document:
        own = document["properties"]
        interactive, total = _kept(asked, document)
        properties = {
            "plan": "Analytics",
            "schema": {"name": name_of(document["id"])},
            "provisioningState": "Succeeded",
            **own,
            "retentionInDays": interactive,
            "totalRetentionInDays": total,
            "archiveRetentionInDays": total - interactive,
            "retentionInDaysAsDefault": "retentionInDays" not in own,
            "totalRetentionInDaysAsDefault": "totalRetentionInDays" not in own,
        }
        return {**document, "properties": properties}

    def patch(self, asked: Asked) -> Change:
        old, given = existing(asked), properties_of(asked.body)
        if not given or set(given) - {*_NAMES}:
            raise bad("only retention can be patched here")
        own = {**old["properties"]}
        plan = own.get("plan", "Analytics")
        if plan != "Analytics" and "retentionInDays" in given:
            raise bad(
                f"retentionInDays is read-only in plan {plan}", "InvalidParameter"
            )
        for name, value in given.items():
            _demand_days(name, value)
            own.pop(name, None)
            if value != _AS_DEFAULT:
                own[name] = value
        after = {**old, "properties": own}
        interactive, total = _kept(asked, after)
        if total < interactive:
            raise bad("totalRetentionInDays is less than retentionInDays")
        least = FLOORS.get(name_of(asked.id).lower(), 0)
        if given.get("retentionInDays") != _AS_DEFAULT and interactive < least:
            raise bad(f"at least {least} days")
        return Change(after, How.BY_OPERATION, 202)


def _kept(asked: Asked, document: Document) -> tuple[int, int]:
    """The days of a table: interactive, and in all."""
    own: dict[str, Any] = document["properties"]
    plan = own.get("plan", "Analytics")
    workspace = asked.resources.find(parent_of(document["id"])) or {}
    usual = workspace.get("properties", {}).get("retentionInDays", USUAL)
    usual = max(usual, FLOORS.get(name_of(document["id"]).lower(), 0))
    if plan == "Auxiliary":
        total = own.get("totalRetentionInDays", USUAL)
        return total, total
    interactive = FIXED.get(plan) or own.get("retentionInDays", usual)
    return interactive, own.get("totalRetentionInDays", interactive)


def _demand_days(name: str, value: object) -> None:
    most = 730
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole and value == _AS_DEFAULT:
        return
    is_known = is_whole and isinstance(value, int) and 4 <= value <= most
    if not is_known and not (name == "totalRetentionInDays" and value in YEARS):
        raise bad(f"{name} is not one that there is", "InvalidParameter")
