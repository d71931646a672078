"""Who is given which role on what."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cli.release.roles import needs
from tests.infra import cases
from tests.infra.bicep import FOLDER
from tests.infra.cases import NAMES, NEEDS, OTHER, all_of, deployed, one_of
from tests.infra.values import SUBSCRIPTION, Made
from tests.meta.documents import read, section

ROLES: dict[str, str] = json.loads((FOLDER / "roles.json").read_text("utf-8"))
ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
DEFINITION = "Microsoft.Authorization/roleDefinitions"

every = pytest.mark.parametrize("name", NAMES)


def role(made: Made) -> str:
    """The name of the role that is given; its id, where it is none of Azure's."""
    found: str = made.body["properties"]["roleDefinitionId"]
    names = {value: name for name, value in ROLES.items()}
    last = found.rpartition("/")[2]
    return names.get(last, last)


def rights(name: str, principal: str) -> dict[str, set[str]]:
    """What each role of a principal is on: the last part of the id."""
    found: dict[str, set[str]] = {}
    for made in all_of(name, ASSIGNMENT):
        if made.body["properties"]["principalId"] == principal:
            found.setdefault(role(made), set()).add(made.scope.rpartition("/")[2])
    return found


def named(name: str) -> dict[str, str]:
    """The names of what roles are given on."""
    return {
        "component": one_of(name, "Microsoft.Insights/components").name,
        "data": one_of(name, "Microsoft.Storage/storageAccounts", "data.bicep").name,
        "vault": one_of(name, "Microsoft.KeyVault/vaults").name,
    }


def app(name: str, which: str) -> str:
    """The principal of an app."""
    return f"principal of id-firewatch-{_environment(name)}-{which}"


def _environment(name: str) -> str:
    return {"least": "dev", "most": "production"}.get(name, name)


@every
def test_the_web_app_has_the_least(name: str) -> None:
    """What the internet reaches keeps incidents, asks for looks at them, reads secrets."""
    on = named(name)
    policy = {"Storage Blob Data Reader": {"policy"}} if name == "most" else {}

    assert rights(name, app(name, "web")) == {
        "Key Vault Secrets User": {on["vault"]},
        "Monitoring Metrics Publisher": {on["component"]},
        "Storage Blob Data Contributor": {"package-web"},
        "Storage Blob Data Owner": {on["data"]},
        "Storage Queue Data Message Sender": {on["data"]},
        "Storage Table Data Contributor": {on["data"]},
        **policy,
    }


def test_the_worker_has_what_its_work_needs() -> None:
    """And what the parameters give it elsewhere."""
    on = named("most")
    found = rights("most", app("most", "worker"))
    custom = {each.name for each in all_of("most", DEFINITION)}

    given = {name: scopes for name, scopes in found.items() if name not in custom}
    assert given == {
        "Azure Event Hubs Data Receiver": {"defender-alerts"},
        "Communication and Email Service Owner": {"acs-soc"},
        "Key Vault Secrets User": {on["vault"]},
        "Log Analytics Reader": {"log-central"},
        "Monitoring Metrics Publisher": {on["component"], "dcr-firewatch-production"},
        "Monitoring Reader": {OTHER},
        "Reader": {OTHER},
        "Security Reader": {SUBSCRIPTION},
        "Storage Blob Data Contributor": {"package-worker"},
        "Storage Blob Data Owner": {on["data"]},
        "Storage Blob Data Reader": {"policy"},
        "Storage Queue Data Contributor": {on["data"]},
        "Storage Table Data Contributor": {on["data"]},
    }


def test_a_role_of_ones_own_holds_what_is_given_and_no_more() -> None:
    """It is given where it is to be, and nowhere else."""
    lists, locks = (m for m in all_of("most", DEFINITION) if not of_responder(m))
    found = rights("most", app("most", "worker"))

    assert lists.body["properties"]["permissions"] == [
        {
            "actions": ["Microsoft.Security/alerts/read"],
            "notActions": [],
            "dataActions": [],
            "notDataActions": [],
        }
    ]
    assert lists.scope == locks.scope == f"/subscriptions/{OTHER}"
    assert found[lists.name] == {"rg-a", "rg-b"}
    assert found[locks.name] == {OTHER}


def of_responder(made: Made) -> str:
    """The responder that a role was made for; empty where it is another's."""
    found = re.fullmatch(
        r"What ([a-z-]+) of Firewatch needs, and no more\.", about(made)
    )
    return found[1] if found else ""


def about(made: Made) -> str:
    """The description of a role."""
    found: str = made.body["properties"]["description"]
    return found


def test_the_table_of_roles_is_that_of_the_responders() -> None:
    """Every permission that a responder declares of Azure is in a role, and no other."""
    assert needs() == NEEDS


@pytest.mark.parametrize("responder", NEEDS)
def test_a_responder_has_a_role_with_what_it_needs_and_no_more(responder: str) -> None:
    """In each subscription where it is to act, and nothing is left out of it."""
    made = [m for m in all_of("most", DEFINITION) if of_responder(m) == responder]

    assert f"/subscriptions/{SUBSCRIPTION}" in {m.scope for m in made}
    for role_made in made:
        (allowed,) = role_made.body["properties"]["permissions"]
        assert allowed == {**NEEDS[responder], "notActions": [], "notDataActions": []}


def test_responders_act_where_they_are_let() -> None:
    """In the groups that are named, or in all; what guards read is in all of them."""
    found = rights("most", app("most", "worker"))
    where = {
        (of_responder(m), m.scope.rpartition("/")[2]): found[m.name]
        for m in all_of("most", DEFINITION)
        if of_responder(m)
    }

    assert {n for n, s in where if s == SUBSCRIPTION} == {*NEEDS}
    assert all(
        on == {SUBSCRIPTION} for (_, s), on in where.items() if s == SUBSCRIPTION
    )
    assert {name: on for (name, s), on in where.items() if s == OTHER} == {
        "guards": {OTHER},
        "nsg-deny": {"rg-a", "rg-b"},
        "vm-quarantine": {"rg-a", "rg-b"},
    }


@pytest.mark.parametrize("responder", NEEDS)
def test_no_role_lets_more_than_single_actions(responder: str) -> None:
    """Nothing with a wildcard, and nobody who contains can give roles to itself."""
    every = [*NEEDS[responder]["actions"], *NEEDS[responder]["dataActions"]]

    assert every
    assert not [action for action in every if "*" in action]
    assert "Microsoft.Authorization/roleAssignments/write" not in every or (
        responder == "role-remove"
    )


def test_nobody_can_act_on_azure_by_the_web_app() -> None:
    """All that it has is on data, in the group of the deployment."""
    for made in all_of("most", ASSIGNMENT):
        if made.body["properties"]["principalId"] == app("most", "web"):
            assert made.scope.startswith(deployed("most").made[0].id)
            assert made.scope != deployed("most").made[0].id


@every
def test_no_app_writes_what_another_runs_or_goes_by(name: str) -> None:
    """Each writes its own package; the policy is read only; no right is on the account."""
    account = one_of(name, "Microsoft.Storage/storageAccounts", "deliveries.bicep").id
    writers: dict[str, set[str]] = {}
    for made in all_of(name, ASSIGNMENT):
        if made.scope.startswith(account):
            assert made.scope != account
            if role(made) != "Storage Blob Data Reader":
                container = made.scope.rpartition("/")[2]
                principal = made.body["properties"]["principalId"]
                writers.setdefault(container, set()).add(principal)

    operator = {"policy": {"operator"}} if name == "most" else {}
    assert writers == {
        "package-web": {app(name, "web")},
        "package-worker": {app(name, "worker")},
        **operator,
    }


def test_others_have_one_right_each() -> None:
    """Whoever sets secrets, Defender's export, and Sentinel."""
    on = named("most")

    assert rights("most", "exporter") == {
        "Azure Event Hubs Data Sender": {"defender-alerts"}
    }
    assert rights("most", "operator") == {
        "Key Vault Secrets Officer": {on["vault"]},
        "Storage Blob Data Contributor": {"policy"},
    }
    assert rights("most", "sentinel") == {
        "Microsoft Sentinel Automation Contributor": {"rg-firewatch-production"}
    }
    assert rights("most", app("most", "playbook")) == {}


def test_without_parameters_only_the_apps_have_rights() -> None:
    """And none outside of the group."""
    group = deployed("least").made[0].id
    found = all_of("least", ASSIGNMENT)

    assert all(made.scope.startswith(f"{group}/") for made in found)
    assert {made.body["properties"]["principalId"] for made in found} == {
        app("least", "web"),
        app("least", "worker"),
    }


@every
def test_nobody_is_made_an_owner(name: str) -> None:
    """Contributor is for the policy of a management group alone, which says so."""
    given = {role(made) for made in all_of(name, ASSIGNMENT)}
    policy = {
        role(made)
        for made in cases.management_group().everything()
        if made.type == ASSIGNMENT
    }

    assert "Owner" not in ROLES
    assert "Contributor" not in given
    assert policy == {"Contributor"}


def test_every_role_is_given_to_somebody() -> None:
    """The table has no line that nobody needs."""
    made = [*all_of("most", ASSIGNMENT), *cases.management_group().everything()]
    given = {role(each) for each in made if each.type == ASSIGNMENT}

    assert given & {*ROLES} == {*ROLES}


def test_the_document_lists_the_roles_of_the_worker() -> None:
    """configuration.md tells those who do it by hand what the templates do."""
    text = section(read("configuration.md"), "## Storage and hub by identity")
    documented = set(re.findall(r"^\| (\w[\w ]+?) \| ", text, re.MULTILINE)) - {"role"}
    found = rights("most", app("most", "worker")).keys() & ROLES.keys()

    # Of the platform, or documented with the responder.
    elsewhere = {
        "Communication and Email Service Owner",
        "Monitoring Metrics Publisher",
        "Storage Blob Data Contributor",
    }
    assert found - elsewhere == documented


def test_names_of_assignments_tell_them_apart() -> None:
    """The same right twice would be refused, and two of one name would be one."""
    found: list[Any] = [
        (m.scope, m.body["properties"]["principalId"], role(m))
        for m in all_of("most", ASSIGNMENT)
    ]

    assert (
        len({*found}) == len(found) == len({m.id for m in all_of("most", ASSIGNMENT)})
    )
