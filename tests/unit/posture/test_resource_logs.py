"""Logs of resources that others speak for, or that nobody needs."""

from __future__ import annotations

import pytest

from shared.model.posture import CheckName, Posture
from tests.estates import at
from tests.faults import Case, audited

SERVER = at("Microsoft.Sql/servers", "sql-crm")


async def found(case: Case) -> list[tuple[CheckName, str]]:
    return [(each.check, each.resource) for each in await audited(case)]


def with_database() -> Case:
    """A server with a database of which nobody set anything."""
    case = Case()
    case.estate.add(SERVER)
    case.estate.add(f"{SERVER}/databases/master")
    case.estate.add(f"{SERVER}/databases/crm")
    return case


async def test_a_database_that_nobody_audits_is_found_and_master_is_not() -> None:
    """What is in master is the server's own."""
    assert await found(with_database()) == [
        (CheckName.LOGS_NOT_KEPT, f"{SERVER}/databases/crm".lower())
    ]


@pytest.mark.parametrize("name", ["master", "crm"])
async def test_a_server_audits_its_databases_by_master(name: str) -> None:
    """One setting there is enough, and so is one of its own."""
    case = with_database()
    case.estate.setting(f"{SERVER}/databases/{name}", "SQLSecurityAuditEvents")

    assert await found(case) == []


async def test_a_function_app_is_left_out() -> None:
    """What it logs is its owner's affair."""
    case = Case()
    case.estate.add(at("Microsoft.Web/sites", "fn"), kind="functionapp,linux")

    assert await found(case) == []


@pytest.mark.parametrize(
    ("groups", "checks"),
    [
        (("allLogs",), []),
        (("audit",), [CheckName.LOGS_NARROW]),
        ((), [CheckName.LOGS_NOT_KEPT]),
    ],
)
async def test_groups_of_categories_stand_for_what_is_in_them(
    groups: tuple[str, ...], checks: list[CheckName]
) -> None:
    """Requests to a site are no audit."""
    case = Case()
    site = case.estate.add(at("Microsoft.Web/sites", "shop"))
    setting = case.estate.setting(site)
    case.estate.of(setting)["logs"] = [
        {"categoryGroup": each, "enabled": True} for each in groups
    ]

    assert [check for check, _ in await found(case)] == checks


async def test_the_policy_says_what_matters() -> None:
    """Other types as well, and of some nothing."""
    case = Case()
    group = case.estate.add(at("Microsoft.Network/networkSecurityGroups", "nsg"))
    case.estate.add(at("Microsoft.KeyVault/vaults", "kv-new"))
    logs = {
        "Microsoft.KeyVault/vaults": (),
        "Microsoft.Network/networkSecurityGroups": ("NetworkSecurityGroupEvent",),
    }
    case.wanted = case.wanted._replace(posture=Posture(logs=logs))

    now = await found(case)

    assert (CheckName.LOGS_NOT_KEPT, group.lower()) in now
    assert not any("/vaults/" in resource for _, resource in now)
