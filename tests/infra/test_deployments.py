"""What is made for the parameters that people give: that it can be, and its names."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
import yaml

from tests.infra import cases, deploying
from tests.infra.bicep import FOLDER, MAIN
from tests.infra.cases import LEAST, MOST, NAMES, all_of, deployed
from tests.infra.parameters import given_by
from tests.infra.values import DeploymentError, Place
from tests.meta.source_tree import ROOT

every = pytest.mark.parametrize("name", NAMES)

_CONTAINER = r"[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]"
# Azure's rules of names ("Naming rules and restrictions for Azure resources").
RULES = {
    "Microsoft.EventHub/namespaces": r"[a-zA-Z][a-zA-Z0-9-]{4,48}[a-zA-Z0-9]",
    "Microsoft.EventHub/namespaces/eventhubs": r"[a-zA-Z0-9][\w.-]{0,254}[a-zA-Z0-9]",
    "Microsoft.EventHub/namespaces/eventhubs/consumergroups": r"[a-zA-Z0-9][\w.-]{0,48}",
    "Microsoft.Insights/actionGroups": r"[^:<>+/&%\\?|]{1,259}[^ .]",
    "Microsoft.Insights/activityLogAlerts": r"[^:<>+/&%\\?|#{}*]{1,259}[^ .]",
    "Microsoft.Insights/components": r"[^%&\\?/]{1,259}[^ .]",
    "Microsoft.Insights/dataCollectionRules": r"[a-zA-Z0-9][\w.-]{1,62}\w",
    "Microsoft.Insights/scheduledQueryRules": r"[^*#&+:<>?@%{}\\/|]{1,259}[^ .]",
    "Microsoft.KeyVault/vaults": r"[a-zA-Z](?!.*--)[a-zA-Z0-9-]{1,22}[a-zA-Z0-9]",
    "Microsoft.Logic/workflows": r"[\w.()-]{1,43}",
    "Microsoft.ManagedIdentity/userAssignedIdentities": r"[a-zA-Z0-9][\w-]{2,127}",
    "Microsoft.Network/natGateways": r"[a-zA-Z0-9][\w.-]{0,78}\w",
    "Microsoft.Network/networkSecurityGroups": r"[a-zA-Z0-9][\w.-]{0,78}\w",
    "Microsoft.Network/privateDnsZones": r"[a-z0-9-]+(\.[a-z0-9-]+)+",
    "Microsoft.Network/privateEndpoints": r"[a-zA-Z0-9][\w.-]{0,62}\w",
    "Microsoft.Network/publicIPAddresses": r"[a-zA-Z0-9][\w.-]{0,78}\w",
    "Microsoft.Network/virtualNetworks": r"[a-zA-Z0-9][\w.-]{0,62}\w",
    "Microsoft.OperationalInsights/workspaces": (
        r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]"
    ),
    "Microsoft.OperationalInsights/workspaces/tables": (
        r"[a-zA-Z][a-zA-Z0-9_]{0,59}_CL"
    ),
    "Microsoft.Resources/resourceGroups": r"[\w.()-]{0,89}[\w()-]",
    # Defender for Cloud knows its export by this name.
    "Microsoft.Security/automations": r"exportToEventHub",
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.Storage/storageAccounts/blobServices/containers": _CONTAINER,
    "Microsoft.Storage/storageAccounts/queueServices/queues": _CONTAINER,
    "Microsoft.Storage/storageAccounts/tableServices/tables": r"[A-Za-z][A-Za-z0-9]{2,62}",
    "Microsoft.Web/connections": r"[\w.()-]{1,80}",
    "Microsoft.Web/serverfarms": r"[a-zA-Z0-9-]{1,40}",
    # The Functions host knows an app by 32 characters of its name.
    "Microsoft.Web/sites": r"[a-zA-Z0-9][a-zA-Z0-9-]{0,30}[a-zA-Z0-9]",
}
GUIDS = {
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Authorization/roleDefinitions",
    "Microsoft.Insights/workbooks",
    "Microsoft.SecurityInsights/automationRules",
}
# Inside of something that has a name.
INSIDE = {
    "Microsoft.Authorization/locks",
    "Microsoft.EventHub/namespaces/networkRuleSets",
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies",
    "Microsoft.Storage/storageAccounts/managementPolicies",
    "Microsoft.Storage/storageAccounts/queueServices",
    "Microsoft.Storage/storageAccounts/tableServices",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies",
    "Microsoft.Web/sites/config",
}
WORLDWIDE = (
    "Microsoft.EventHub/namespaces",
    "Microsoft.KeyVault/vaults",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.Web/sites",
)


@every
def test_it_deploys(name: str) -> None:
    """Each parameter is known, each name is there, each condition comes out."""
    found = deployed(name)

    assert len([*found.everything()]) > 50
    assert found.outputs["AZURE_RESOURCE_GROUP"].startswith("rg-firewatch-")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"environmentName": "much-too-long"}, "not within its bounds"),
        ({"keepDays": 7}, "not within its bounds"),
        ({"keepDays": "37"}, "no int"),
        ({"isPrivate": 1}, "no bool"),
        ({"storageSku": "Premium_LRS"}, "none of"),
        ({"isPrivat": True}, "has no parameters"),
        ({"subscriptionRights": [{"subscription": "x", "builtIn": ["King"]}]}, "King"),
    ],
)
def test_what_azure_refuses_is_refused(change: dict[str, Any], said: str) -> None:
    """The tests here can fail."""
    with pytest.raises(DeploymentError, match=said):
        deploying.deploy(MAIN, LEAST | change)


def test_there_are_parameters_for_each_environment() -> None:
    """Each file names its own."""
    found = {path.stem: given_by(path)["environmentName"] for path in cases.FILES}

    assert found == {name: name for name in ("dev", "test", "production")}


def test_azd_gives_what_is_needed() -> None:
    """With the least that an environment of azd has, and with everything it may have."""
    variables = re.findall(r"\$\{(\w+)", cases.AZD.read_text("utf-8"))
    least = {"AZURE_ENV_NAME": "dev", "AZURE_LOCATION": "westeurope"}
    most = {name: f"given {name}" for name in variables} | least
    most["AZURE_PRINCIPAL_TYPE"] = "ServicePrincipal"

    for environment in (least, most):
        found = deploying.deploy(MAIN, given_by(cases.AZD, environment))
        assert found.outputs["AZURE_RESOURCE_GROUP"] == "rg-firewatch-dev"


def test_azd_deploys_one_package_into_both_apps() -> None:
    """By the commands of the pipelines, once the infrastructure is there."""
    azure = yaml.safe_load((ROOT / "azure.yaml").read_text("utf-8"))
    infra, hook = azure["infra"], azure["hooks"]["postprovision"]
    outputs = deployed("least").outputs

    assert ROOT / infra["path"] / f"{infra['module']}.{infra['provider']}" == MAIN
    # Azure would build what azd calls a service.
    assert "services" not in azure
    assert hook["run"].startswith("make package && .ci/azure publish ")
    assert len(outputs["FUNCTION_APP_IDS"]) == len(
        all_of("least", "Microsoft.Web/sites")
    )


@every
def test_names_are_valid(name: str) -> None:
    """By Azure's rules."""
    _names_are_valid(deployed(name))


def test_names_are_valid_in_a_long_environment() -> None:
    """Ten letters are the most."""
    _names_are_valid(deploying.deploy(MAIN, MOST | {"environmentName": "abcdefghij"}))


def _names_are_valid(deployment: deploying.Deployment) -> None:
    for made in deployment.everything():
        last = made.name.rpartition("/")[2]
        if made.type in GUIDS:
            rule = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
        else:
            rule = r"[A-Za-z0-9-]+" if made.type in INSIDE else RULES[made.type]
        assert re.fullmatch(rule, last), made.id


@every
def test_names_begin_with_what_they_are(name: str) -> None:
    """By the abbreviations of the Cloud Adoption Framework."""
    abbreviations = json.loads((FOLDER / "abbreviations.json").read_text("utf-8"))
    named = [m for m in deployed(name).everything() if m.type in abbreviations]

    assert len({made.type for made in named}) > 8
    for made in named:
        assert made.name.startswith(abbreviations[made.type])


@every
def test_nothing_is_made_twice(name: str) -> None:
    """No id comes twice, not even in another case."""
    ids = Counter(made.id.lower() for made in deployed(name).everything())

    assert [one for one, count in ids.items() if count > 1] == []


def test_two_environments_share_nothing() -> None:
    """They can stand beside each other in one subscription.

    Save the tables of a workspace that both forward to: their names are the product's.
    """
    tables = "Microsoft.OperationalInsights/workspaces/tables"
    here, there = (
        {
            made.id
            for made in deploying.deploy(MAIN, MOST | change).everything()
            if made.type != tables
        }
        for change in ({}, {"environmentName": "test"})
    )

    assert here & there == set()


def test_no_name_is_anybody_elses() -> None:
    """What is unique in the world differs by region and subscription too."""

    def names(place: Place, **change: str) -> set[str]:
        found = deploying.deploy(MAIN, LEAST | change, place).everything()
        return {made.name for made in found if made.type in WORLDWIDE}

    place = Place()
    assert len(names(place)) == 2 + 2 + 1 + 1
    assert names(place) & names(place, location="northeurope") == set()
    assert names(place) & names(Place(cases.OTHER)) == set()


@every
def test_whatever_can_have_tags_has_them(name: str) -> None:
    """Those of every deployment, and those that are given."""
    wanted = {"application", "environment", "azd-env-name"}
    wanted |= {"owner"} if name == "most" else set()
    # Insides of what has tags, and what Azure gives none.
    placed = [m for m in deployed(name).everything() if "location" in m.body]

    assert len(placed) > 20
    for made in placed:
        assert wanted <= made.body["tags"].keys(), made.id
