"""The tables of one workspace by Resource Manager: read, and changed by PATCH.

A PUT would set back what it leaves out, and the schema of a custom table with it.
(log-analytics.md 3)
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from shared.log_retention import table
from shared.model import resource
from shared.model.errors import FailureReason, PermanentFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.log_retention.table import Table
    from shared.model.rest import Done, Pending, Rest

API_VERSION = "2025-07-01"
WORKSPACES_VERSION = "2022-10-01"
SUBSCRIPTIONS_VERSION = "2022-12-01"  # [unverified]

READ = "Microsoft.OperationalInsights/workspaces/tables/read"
WRITE = "Microsoft.OperationalInsights/workspaces/tables/write"
LIST = "Microsoft.OperationalInsights/workspaces/read"

_KIND = "microsoft.operationalinsights/workspaces"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,62}")


class Workspace:
    """One workspace, by its ARM id.

    Raises PermanentFailure, INVALID, for an id that is none, and for tables whose names
    are none; everything else as ``Rest`` does.
    """

    def __init__(self, arm: Rest, workspace_id: str) -> None:
        known = resource.whole_id(workspace_id)
        if known is None or resource.type_of(known) != _KIND:
            raise PermanentFailure(
                FailureReason.INVALID,
                "expected the ARM id of a workspace, such as /subscriptions/GUID/"
                "resourceGroups/NAME/providers/Microsoft.OperationalInsights/"
                "workspaces/NAME",
            )
        self.id = f"/{workspace_id.strip('/')}"
        self._arm = arm

    async def tables(self) -> dict[str, Table]:
        """Every table that the workspace shows with its retention, by its name."""
        path = f"{self.id}/tables?api-version={API_VERSION}"
        found: dict[str, Table] = {}
        for each in await self._arm.list_all(path, permission=READ):
            # One of another kind than is known here hides none of the others.
            with contextlib.suppress(PermanentFailure):
                known = table.of(each)
                found[known.name] = known
        return found

    async def table(self, name: str) -> Table:
        """One table as it is now."""
        found = await self._arm.read(self._at(name), permission=READ)
        return table.of(found.content)

    async def change(self, name: str, properties: Mapping[str, int]) -> Done | Pending:
        """Ask for other days; whoever asks reads the table again to know."""
        return await self._arm.change(
            "PATCH", self._at(name), {"properties": {**properties}}, permission=WRITE
        )

    async def look(self, pending: Pending) -> Done | Pending:
        """How far a change is; one that failed is raised."""
        return await self._arm.look(pending)

    def _at(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise PermanentFailure(FailureReason.INVALID, "not the name of a table")
        return f"{self.id}/tables/{name}?api-version={API_VERSION}"


async def find(arm: Rest, guids: frozenset[str]) -> dict[str, str]:
    """The ARM ids of workspaces by what queries call them, among all that one sees."""
    listed = await arm.list_all(f"/subscriptions?api-version={SUBSCRIPTIONS_VERSION}")
    found: dict[str, str] = {}
    for each in listed:
        path = f"/subscriptions/{each.get('subscriptionId')}/providers/{_KIND}"
        for one in await arm.list_all(
            f"{path}?api-version={WORKSPACES_VERSION}", permission=LIST
        ):
            properties = one.get("properties")
            guid = properties.get("customerId") if isinstance(properties, dict) else ""
            if isinstance(guid, str) and guid.lower() in guids:
                found[guid.lower()] = str(one.get("id"))
    return found
