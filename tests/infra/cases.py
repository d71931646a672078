"""Deployments that the tests look at."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.infra import deploying
from tests.infra.bicep import FOLDER, MAIN
from tests.infra.parameters import given_by
from tests.infra.values import SUBSCRIPTION, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.deploying import Deployment
    from tests.infra.values import Made

OTHER = "c2b8e7d4-91a5-4e0b-8c66-7a40e3f5bd02"
MANAGEMENT_GROUP = FOLDER / "management-group.bicep"
FILES = sorted((FOLDER / "parameters").glob("*.json"))
AZD = FOLDER / "main.parameters.json"

# The least that anybody can give.
LEAST: dict[str, Any] = {"environmentName": "dev"}


def _workspace(name: str) -> str:
    kind = "Microsoft.OperationalInsights/workspaces"
    return f"/subscriptions/{OTHER}/resourceGroups/rg-logs/providers/{kind}/{name}"


# Those that a role of Azure can be made for.
NEEDS: dict[str, Any] = json.loads((FOLDER / "responders.json").read_text("utf-8"))
ALL = sorted(NEEDS.keys() - {"guards"})

# Whatever can be switched on is.
MOST: dict[str, Any] = {
    "environmentName": "production",
    "tags": {"owner": "soc"},
    "archiveDeleteAfterDays": 400,
    "archiveImmutableDays": 365,
    "policyReloads": True,
    "policyFile": "policies/production.yaml",
    "endpointUrl": "https://eu.api.security.microsoft.com",
    "offersLinks": True,
    "hasPreviousLinkKey": True,
    "signInClientId": "11111111-1bf0-4dda-aec3-cb9272f09590",
    "signInGroups": ["22222222-1bf0-4dda-aec3-cb9272f09590"],
    "signInPrograms": ["33333333-1bf0-4dda-aec3-cb9272f09590"],
    "webAlwaysReady": 1,
    "workerAlwaysReady": 1,
    "isPrivate": True,
    "allowedAddresses": ["203.0.113.7"],
    "hasFixedAddress": True,
    "isLocked": True,
    "operatorPrincipalId": "operator",
    "operatorPrincipalType": "Group",
    "subscriptionRights": [
        {
            "subscription": SUBSCRIPTION,
            "builtIn": ["Security Reader"],
            "responders": ALL,
        },
        {
            "subscription": OTHER,
            "builtIn": ["Reader", "Monitoring Reader"],
            "responders": ["nsg-deny", "vm-quarantine"],
            "resourceGroups": ["rg-a", "rg-b"],
            "custom": [
                {
                    "name": "Firewatch lists alerts",
                    "description": "Reads alerts of Defender for Cloud.",
                    "actions": ["Microsoft.Security/alerts/read"],
                    "resourceGroups": ["rg-a", "rg-b"],
                },
                {
                    "name": "Firewatch reads locks",
                    "description": "Reads locks.",
                    "actions": ["Microsoft.Authorization/locks/read"],
                },
            ],
        },
    ],
    "evidenceWorkspaceIds": [_workspace("log-central")],
    "emailServiceId": (
        f"/subscriptions/{OTHER}/resourceGroups/rg-mail/providers"
        "/Microsoft.Communication/communicationServices/acs-soc"
    ),
    "exporterPrincipalId": "exporter",
    "exportSubscriptions": [SUBSCRIPTION, OTHER],
    "activityLogSubscriptions": [SUBSCRIPTION],
    "webhookAppObjectId": "webhook",
    "webhookAudience": "api://firewatch",
    "sentinelWorkspaceId": _workspace("log-sentinel"),
    "sentinelPrincipalId": "sentinel",
    "forwardWorkspaceId": _workspace("log-sentinel"),
    "alertEmails": ["soc@example.com"],
    "alertActionGroupIds": [],
}


@cache
def deployed(name: str) -> Deployment:
    """A deployment by its name: ``least``, ``most``, or a file of parameters."""
    given = {"least": LEAST, "most": MOST}.get(name)
    if given is None:
        given = given_by(FOLDER / "parameters" / f"{name}.json")
    return deploying.deploy(MAIN, given)


NAMES = ("least", "most", *(path.stem for path in FILES))


def management_group() -> Deployment:
    """The policy of a management group, deployed."""
    given = {"hubId": "/subscriptions/x/eventhubs/y", "location": "westeurope"}
    place = Place("", management_group="mg-root")
    return deploying.deploy(MANAGEMENT_GROUP, given, place)


def everything_on() -> Iterator[Made]:
    """Every resource that any parameter brings."""
    yield from deployed("most").everything()
    yield from management_group().everything()


def all_of(name: str, kind: str, source: str = "") -> list[Made]:
    """Resources of a type that a deployment makes, by that file where one is named."""
    return [
        made
        for made in deployed(name).everything()
        if made.type == kind and made.source.name.endswith(source)
    ]


def one_of(name: str, kind: str, source: str = "") -> Made:
    """The only one."""
    (found,) = all_of(name, kind, source)
    return found


def app_settings(name: str, app: str) -> dict[str, str]:
    """The settings of an app: ``web`` or ``worker``."""
    (found,) = (
        made
        for made in all_of(name, "Microsoft.Web/sites/config")
        if f"-{app}-" in made.name and made.name.endswith("/appsettings")
    )
    properties: dict[str, str] = found.body["properties"]
    return properties
