"""Which plans, categories and events there should be, where the policy says nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.log_retention.plan import covered_by
from shared.model.posture import Posture
from shared.model.retention import Keep, Retention

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

# Where the policy says nothing of it.
RETENTION = Retention(default=Keep(interactive_days=90, total_days=365))

BLOBS = "microsoft.storage/storageaccounts"
MACHINES = frozenset(
    {"microsoft.compute/virtualmachines", "microsoft.hybridcompute/machines"}
)

# Facilities of syslog that say who signed in and who became whom.
FACILITIES = frozenset({"auth", "authpriv"})


class PlanOf(NamedTuple):
    """A plan: as the catalogue of alert types calls it, and what it is for."""

    title: str
    types: frozenset[str]


def _plan(title: str, *types: str) -> PlanOf:
    return PlanOf(f"Defender for {title}", frozenset(types))


# The names are [unverified] (remote-apis-azure.md 19.2). One without types is for the
# subscription itself.
PLANS: Mapping[str, PlanOf] = {
    "VirtualMachines": _plan(
        "Servers", *MACHINES, "microsoft.compute/virtualmachinescalesets"
    ),
    "StorageAccounts": _plan("Storage", BLOBS),
    "KeyVaults": _plan("Key Vault", "microsoft.keyvault/vaults"),
    "Arm": _plan("Resource Manager"),
    "SqlServers": _plan(
        "SQL", "microsoft.sql/servers", "microsoft.sql/managedinstances"
    ),
    "SqlServerVirtualMachines": _plan(
        "SQL", "microsoft.sqlvirtualmachine/sqlvirtualmachines"
    ),
    "AppServices": _plan("App Service", "microsoft.web/sites"),
    "Containers": _plan(
        "Containers",
        "microsoft.containerservice/managedclusters",
        "microsoft.containerregistry/registries",
    ),
    "OpenSourceRelationalDatabases": _plan(
        "open-source relational databases",
        "microsoft.dbforpostgresql/flexibleservers",
        "microsoft.dbformysql/flexibleservers",
    ),
    "CosmosDbs": _plan("Azure Cosmos DB", "microsoft.documentdb/databaseaccounts"),
    "Api": _plan("APIs", "microsoft.apimanagement/service"),
    "AI": _plan("AI Services", "microsoft.cognitiveservices/accounts"),
}

# What each type is to log (log-analytics.md 2); any of those with a bar between will do.
LOGS: Mapping[str, tuple[str, ...]] = {
    "microsoft.containerregistry/registries": (
        "ContainerRegistryLoginEvents",
        "ContainerRegistryRepositoryEvents",
    ),
    "microsoft.containerservice/managedclusters": (
        "guard",
        "kube-audit|kube-audit-admin",
    ),
    "microsoft.documentdb/databaseaccounts": ("DataPlaneRequests",),
    "microsoft.keyvault/vaults": ("AuditEvent",),
    "microsoft.network/azurefirewalls": (
        "AZFWApplicationRule|AzureFirewallApplicationRule",
        "AZFWNetworkRule|AzureFirewallNetworkRule",
    ),
    "microsoft.operationalinsights/workspaces": ("Audit",),
    "microsoft.sql/servers/databases": ("SQLSecurityAuditEvents",),
    BLOBS: ("StorageDelete", "StorageRead", "StorageWrite"),
    "microsoft.web/sites": ("AppServiceAuditLogs", "AppServiceHTTPLogs"),
}

ALL_LOGS, AUDIT = "alllogs", "audit"
# What the group `audit` leaves out [unverified].
_NO_AUDIT = frozenset({"AppServiceHTTPLogs", *LOGS["microsoft.network/azurefirewalls"]})


class Wanted(NamedTuple):
    """What the checks go by besides what was read.

    ``hub`` is the event hub that this app reads, as ``namespace/hub``, and empty where
    that is not known; ``home`` the path of the subscription that it is in. ``asked`` are
    the ids of workspaces that are asked about incidents; none, where that is not known.
    ``tables`` are those that queries about incidents read: what ``retention`` says by
    default is for them.
    """

    now: datetime
    posture: Posture = Posture()
    retention: Retention = RETENTION
    tables: frozenset[str] = frozenset()
    hub: str = ""
    home: str = ""
    asked: frozenset[str] = frozenset()

    @property
    def logs(self) -> dict[str, tuple[str, ...]]:
        """The categories of each type that is to log; the policy's word goes first."""
        own = {name.lower(): each for name, each in self.posture.logs.items()}
        return {name: each for name, each in {**LOGS, **own}.items() if each}

    @property
    def types(self) -> frozenset[str]:
        """Every type that a check looks at."""
        of_plans = (each.types for each in PLANS.values())
        return MACHINES.union(self.logs, *of_plans)

    @property
    def kept(self) -> frozenset[str]:
        """The tables that are to be kept for some time."""
        return frozenset(covered_by(self.retention, self.tables))

    @property
    def archive_days(self) -> int:
        """For how long an archive is to keep logs: as long as any table is kept."""
        keeps = (self.retention.default, *self.retention.tables.values())
        found = [each.total_days or 0 for each in keeps if each is not None]
        return max(found, default=0) or (RETENTION.wanted("").total_days or 0)

    def is_hub(self, hub_id: str) -> bool:
        """Whether the ARM id of an event hub is that of the one that this app reads.

        Names of namespaces are unique in the world.
        """
        _, _, rest = hub_id.lower().partition("/microsoft.eventhub/namespaces/")
        return bool(self.hub) and rest.replace("/eventhubs/", "/") == self.hub.lower()


def is_covered(
    category: str, categories: frozenset[str], groups: frozenset[str]
) -> bool:
    """Whether settings send a category, by its name or by a group that it is in."""
    known = {each.lower() for each in categories}
    if ALL_LOGS in groups or any(e.lower() in known for e in category.split("|")):
        return True
    return AUDIT in groups and category not in _NO_AUDIT
