"""Which tables the rules of Microsoft Sentinel and Azure Monitor read.

(remote-apis-azure.md 19.8; the path of Sentinel's rules is [unverified])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.enrichment.header import identifiers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from shared.log_retention.workspace import Workspace
    from shared.model.rest import Rest

SENTINEL_VERSION = "2024-03-01"
MONITOR_VERSION = "2023-12-01"
READ_SENTINEL = "Microsoft.SecurityInsights/alertRules/read"
READ_MONITOR = "Microsoft.Insights/scheduledQueryRules/read"


async def readers(
    arm: Rest, workspaces: Sequence[Workspace], tables: Collection[str]
) -> dict[str, list[str]]:
    """The rules that are on, by the tables that their queries name.

    Raises TransientFailure and PermanentFailure: some rules never look like all.
    """
    found: dict[str, list[str]] = {}
    known = {*tables}
    for name, text in await _rules(arm, workspaces):
        for table in known & identifiers(text):
            found.setdefault(table, []).append(name)
    return {table: sorted({*names}) for table, names in found.items()}


async def _rules(arm: Rest, workspaces: Sequence[Workspace]) -> list[tuple[str, str]]:
    found = []
    for workspace in workspaces:
        path = f"{workspace.id}/providers/Microsoft.SecurityInsights/alertRules"
        listed = await arm.list_all(
            f"{path}?api-version={SENTINEL_VERSION}", permission=READ_SENTINEL
        )
        for rule, properties in _on(listed):
            found.append((rule, _text(properties.get("query"))))
    for subscription in sorted({each.id.split("/")[2].lower() for each in workspaces}):
        path = f"/subscriptions/{subscription}/providers/Microsoft.Insights"
        listed = await arm.list_all(
            f"{path}/scheduledQueryRules?api-version={MONITOR_VERSION}",
            permission=READ_MONITOR,
        )
        for rule, properties in _on(listed):
            found.append((rule, " ".join(_criteria(properties))))
    return found


def _on(listed: Sequence[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those that are on, by what people call them."""
    for each in listed:
        properties = each.get("properties")
        if isinstance(properties, dict) and properties.get("enabled") is not False:
            name = properties.get("displayName") or each.get("name")
            yield _text(name), properties


def _criteria(properties: dict[str, Any]) -> Iterator[str]:
    criteria = properties.get("criteria")
    listed = criteria.get("allOf") if isinstance(criteria, dict) else None
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):
            yield _text(each.get("query"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
