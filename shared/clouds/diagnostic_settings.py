"""Where a resource sends its logs, by Azure Resource Manager.

What a resource logs of itself is in its diagnostic settings; what an agent on a machine
sends is in the data collection rules that the machine is associated with. Resource
Graph holds neither [unverified]. (remote-apis-azure.md 19.4, 19.5, 19.7)
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from shared.model import resource
from shared.model.errors import FailureReason, PermanentFailure
from shared.model.rest import inner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.clouds.arm import Arm

SETTINGS_VERSION = "2021-05-01-preview"
RULES_VERSION = "2023-03-11"
WORKSPACE_VERSION = "2022-10-01"

PERMISSION = (
    "Microsoft.Insights/diagnosticSettings/read,"
    " Microsoft.Insights/dataCollectionRuleAssociations/read,"
    " Microsoft.Insights/dataCollectionRules/read and"
    " Microsoft.OperationalInsights/workspaces/read (role Monitoring Reader)"
)

# A resource has five settings at most; a machine rarely has more rules.
MOST_RULES = 10
MOST_WORKSPACES = 5

_INSIGHTS = "/providers/microsoft.insights"
_MACHINES = frozenset(
    {
        "microsoft.compute/virtualmachines",
        "microsoft.compute/virtualmachinescalesets",
        "microsoft.hybridcompute/machines",
    }
)
# The logs of a storage account are set on its services, its own setting has metrics.
_SERVICES = ("blobservices", "fileservices", "queueservices", "tableservices")
_STORAGE = "microsoft.storage/storageaccounts"

# What a path is made of came out of a document; it may be part of no other.
_WORKSPACE = re.compile(
    r"/subscriptions/[0-9a-f-]{36}/resourcegroups/[a-z0-9._()-]{1,90}"
    r"/providers/microsoft\.operationalinsights/workspaces/[a-z0-9-]{4,63}"
)
_RULE = re.compile(
    r"/subscriptions/[0-9a-f-]{36}/resourcegroups/[a-z0-9._()-]{1,90}"
    r"/providers/microsoft\.insights/datacollectionrules/[a-z0-9._-]{1,260}"
)
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

# A type that has no diagnostic settings, or a service that the account does not have,
# is answered with one of these [unverified].
_NONE_THERE = frozenset({FailureReason.NOT_FOUND, FailureReason.INVALID})


class DiagnosticSettings:
    """``workspaces.WorkspacesOf``'s way to find where a resource sends its logs."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm

    async def __call__(self, canonical_id: str) -> tuple[str, ...]:
        """The ids (GUIDs) of the workspaces that the resource's logs go to.

        Raises TransientFailure and PermanentFailure, the latter with reason AUTH where
        the identity may not look.
        """
        reads = [self._of_settings(scope) for scope in _scopes(canonical_id)]
        if resource.type_of(canonical_id) in _MACHINES:
            reads.append(self._of_rules(canonical_id))
        ids = [each for listed in await asyncio.gather(*reads) for each in listed]
        different = list(dict.fromkeys(ids))[:MOST_WORKSPACES]
        found = await asyncio.gather(*map(self._workspace_id, different))
        return tuple(dict.fromkeys(each for each in found if each))

    async def _of_settings(self, scope: str) -> list[str]:
        content = await self._read(
            f"{scope}{_INSIGHTS}/diagnosticsettings", SETTINGS_VERSION
        )
        return [
            workspace
            for properties in _listed(content)
            if _sends_logs(properties)
            for workspace in _ids(_WORKSPACE, properties.get("workspaceId"))
        ]

    async def _of_rules(self, machine: str) -> list[str]:
        content = await self._read(
            f"{machine}{_INSIGHTS}/datacollectionruleassociations", RULES_VERSION
        )
        rules = [
            rule
            for properties in _listed(content)
            for rule in _ids(_RULE, properties.get("dataCollectionRuleId"))
        ]
        found: list[str] = []
        for rule in dict.fromkeys(rules[:MOST_RULES]):
            properties = inner(await self._read(rule, RULES_VERSION), "properties")
            destinations = properties.get("destinations")
            given = (
                destinations.get("logAnalytics")
                if isinstance(destinations, dict)
                else None
            )
            for each in given if isinstance(given, list) else ():
                if isinstance(each, dict):
                    found += _ids(_WORKSPACE, each.get("workspaceResourceId"))
        return found

    async def _workspace_id(self, workspace: str) -> str:
        """What the query API calls a workspace; empty where it is not there any more."""
        properties = inner(await self._read(workspace, WORKSPACE_VERSION), "properties")
        customer = properties.get("customerId")
        known = customer.lower() if isinstance(customer, str) else ""
        return known if _GUID.fullmatch(known) else ""

    async def _read(self, path: str, version: str) -> dict[str, Any]:
        try:
            return await self._arm.document(path, version, permission=PERMISSION)
        except PermanentFailure as error:
            if error.reason in _NONE_THERE:
                return {}
            raise


def _scopes(canonical_id: str) -> list[str]:
    if resource.type_of(canonical_id) == _STORAGE:
        return [f"{canonical_id}/{service}/default" for service in _SERVICES]
    return [canonical_id]


def _listed(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The properties of each item of a list of ARM's."""
    items = content.get("value")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield inner(item, "properties")


def _sends_logs(properties: dict[str, Any]) -> bool:
    """Whether a setting has a category of logs that is on, and not metrics alone."""
    logs = properties.get("logs")
    return isinstance(logs, list) and any(
        isinstance(each, dict) and each.get("enabled") is True for each in logs
    )


def _ids(pattern: re.Pattern[str], value: object) -> list[str]:
    """The canonical id, where the value is one of this kind."""
    known = resource.canonical(value) if isinstance(value, str) else None
    return [known] if known and pattern.fullmatch(known) else []
