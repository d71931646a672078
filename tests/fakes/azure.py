"""Azure's stand-ins, the app's clients of them, and a clock that steps."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from devhost.outside import Outside
from shared.clouds.credentials import Credentials
from shared.clouds.http import HttpClient
from shared.clouds.remotes import remotes
from shared.model.rest import Pending
from shared.settings import from_environment
from tests.factories import NOON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devhost.outside.azure.inventory import Inventory
    from shared.model.rest import Done

SHOP = "/subscriptions/5d6ac3b1-6f0e-4a7f-9f3c-0b1d5f9a7c01"
RG_SHOP = f"{SHOP}/resourceGroups/rg-shop"
WEB01 = f"{RG_SHOP}/providers/Microsoft.Compute/virtualMachines/web01"
NIC = f"{RG_SHOP}/providers/Microsoft.Network/networkInterfaces/web01-nic"
NSG = f"{RG_SHOP}/providers/Microsoft.Network/networkSecurityGroups/nsg-web"
QUARANTINE = (
    f"{SHOP}/resourceGroups/rg-firewatch"
    "/providers/Microsoft.Network/networkSecurityGroups/nsg-quarantine"
)

WEBER = "7c1f0f0e-3a52-4f0b-9a54-1d2e6b7a9c10"
SYNCED = "aa0c0de0-0000-4000-8000-000000000003"
GUEST = "aa0c0de0-0000-4000-8000-000000000004"
BREAK_GLASS = "aa0c0de0-0000-4000-8000-000000000005"
LOADER = "aa0c0de0-0000-4000-8000-000000000302"

# Machines of Defender for Endpoint: two records of web01, of which one is old; and one
# whose name only begins like it.
MDE_WEB01 = "ffffff0000000000000000000000000000000001"
MDE_WEB10 = "ffffff000000000000000000000000000000000a"
MDE_LAPTOP = "ffffff000000000000000000000000000000001e"
LAPTOP_ENTRA = "c0ffee00-0000-4000-8000-000000000030"

DISK = f"{RG_SHOP}/providers/Microsoft.Compute/disks/web01-os"
DC01 = f"{RG_SHOP}/providers/Microsoft.Compute/virtualMachines/dc01"

LAKE = (
    "/subscriptions/c2b8e7d4-91a5-4e0b-8c66-7a40e3f5bd02/resourceGroups/rg-lake"
    "/providers/Microsoft.Storage/storageAccounts/lake7"
)
EXPORTS = f"{LAKE}/blobServices/default/containers/exports"
VAULT = (
    "/subscriptions/9e3f1a60-2c7d-4b58-a1f4-d85e6b2c4403/resourceGroups/rg-core"
    "/providers/Microsoft.KeyVault/vaults/kv-core"
)

DATA = "/subscriptions/c2b8e7d4-91a5-4e0b-8c66-7a40e3f5bd02/resourceGroups"
SQL = f"{DATA}/rg-sql/providers/Microsoft.Sql/servers/sql-crm"
SITE = f"{RG_SHOP}/providers/Microsoft.Web/sites/shop-web"
REGISTRY = f"{RG_SHOP}/providers/Microsoft.ContainerRegistry/registries/crshop"
WORKERS = f"{RG_SHOP}/providers/Microsoft.Compute/virtualMachineScaleSets/shop-workers"
SOC = (
    "/subscriptions/9e3f1a60-2c7d-4b58-a1f4-d85e6b2c4403/resourceGroups/rg-core"
    "/providers/Microsoft.OperationalInsights/workspaces/law-soc"
)


class Azure:
    """The stand-ins of Azure, and a client for each; ``step`` lets time pass."""

    def __init__(self, outside: Outside, http: HttpClient) -> None:
        self.outside = outside
        settings = from_environment(
            {
                "AzureWebJobsStorage": "none",
                "FIREWATCH_ARM_URL": f"{outside.url}/arm",
                "FIREWATCH_GRAPH_URL": f"{outside.url}/graph",
                "FIREWATCH_ENDPOINT_URL": f"{outside.url}/defender-endpoint",
                "FIREWATCH_VAULT_URL": f"{outside.url}/vault",
                "FIREWATCH_BLOB_URL": f"{outside.url}/blob",
            }
        )
        self.remotes = remotes(settings, http=http, token=Credentials("").token)
        self.arm = self.remotes.arm
        self.graph = self.remotes.graph
        self.endpoint = self.remotes.endpoint
        self.now = NOON

    def step(self, by: timedelta = timedelta(seconds=3)) -> None:
        """Let time pass: by more than what any operation takes."""
        self.now += by

    async def ended(self, found: Done | Pending) -> Done:
        """What came of a change, looked at until it is done."""
        for _ in range(5):
            if not isinstance(found, Pending):
                return found
            self.step()
            found = await self.arm.look(found)
        raise AssertionError("it never ends")


@asynccontextmanager
async def azure(inventory: Inventory | None = None) -> AsyncIterator[Azure]:
    """Azure at noon, with the resources of the attack unless others are given."""
    http = HttpClient()
    made: list[Azure] = []

    def clock() -> datetime:
        return made[0].now if made else NOON

    async with Outside.start(clock=clock, inventory=inventory) as outside:
        made.append(Azure(outside, http))
        try:
            yield made[0]
        finally:
            await http.close()
