"""Types that nobody changes here: what says where logs go, and who hears of alerts.

(remote-apis-azure.md 19)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devhost.outside.azure.kinds import Asked, Readable
from devhost.outside.azure.resources import type_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devhost.outside.azure.resources import Document, Resources

SUBSCRIPTIONS_VERSION = "2022-12-01"

# Of the providers that have nothing here that anybody changes.
VERSIONS: Mapping[str, str] = {
    "microsoft.insights/actiongroups": "2023-01-01",
    "microsoft.insights/activitylogalerts": "2020-10-01",
    "microsoft.insights/datacollectionruleassociations": "2023-03-11",
    "microsoft.insights/datacollectionrules": "2023-03-11",
    "microsoft.insights/diagnosticsettings": "2021-05-01-preview",
    "microsoft.insights/metricalerts": "2018-03-01",
    "microsoft.insights/scheduledqueryrules": "2023-12-01",
    "microsoft.operationalinsights/workspaces": "2022-10-01",
    "microsoft.operationalinsights/workspaces/dataexports": "2020-08-01",
}

# What hangs on a subscription or a resource, and is no part of what is below that.
ATTACHED = frozenset(
    {
        "microsoft.insights/datacollectionruleassociations",
        "microsoft.insights/diagnosticsettings",
        "microsoft.security/pricings",
    }
)


class Attached(Readable):
    """A type that is listed where it hangs, and not from above."""

    def listed(self, asked: Asked) -> list[Document]:
        return listed(asked.resources, f"{asked.id}/providers/{self.type}")


# Of the providers that have others too.
KINDS = (
    Attached("Microsoft.Security/pricings", "2024-01-01"),
    Readable("Microsoft.Security/automations", "2019-01-01-preview"),
    Readable("Microsoft.Security/securityContacts", "2023-12-01-preview"),
    Readable("Microsoft.SecurityInsights/dataConnectors", "2024-03-01"),
    Readable("Microsoft.SecurityInsights/onboardingStates", "2024-03-01"),
    Readable("Microsoft.Storage/storageAccounts/blobServices", "2023-05-01"),
    Readable("Microsoft.Storage/storageAccounts/managementPolicies", "2023-05-01"),
)


def listed(resources: Resources, path: str) -> list[Document]:
    """What a list shows, by its path, which ends with a type."""
    kind = type_of(path)
    above, _, below = path.rpartition("/providers/")
    scope = above if below.count("/") == 1 else path.rpartition("/")[0]
    found = [*resources.of_type(kind, below=f"{scope}/")]
    if kind in ATTACHED:
        depth = path.count("/") + 1
        found = [each for each in found if str(each["id"]).count("/") == depth]
    return found


def is_list(path: str) -> bool:
    """Whether a path ends with a type, and not with a name."""
    return path.rpartition("/providers/")[2].count("/") % 2 == 1


def subscriptions(resources: Resources) -> list[Document]:
    """The subscriptions that there is something in."""
    found = (str(each["id"]) for each in resources.of_type("", "/subscriptions/"))
    names = sorted(
        {each.rpartition("/")[2].lower() for each in found if each.count("/") == 2}
    )
    return [
        {
            "id": f"/subscriptions/{name}",
            "subscriptionId": name,
            "displayName": name,
            "state": "Enabled",
        }
        for name in names
    ]
