"""`firewatch permissions`: exactly what a policy needs, and where."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli import grants, permissions
from cli.main import app
from responders import DOERS
from shared.containment.groups import PERMISSIONS as READ_GROUPS
from shared.containment.needs import ANYWHERE, NETWORKS, unarmed
from shared.model.permission import Api
from shared.triage import policy as policies

if TYPE_CHECKING:
    from pathlib import Path

SHOP = "5d6ac3b1-6f0e-4a7f-9f3c-0b1d5f9a7c01"
GROUP = f"/subscriptions/{SHOP}/resourcegroups/rg-net"
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/quarantine"
WEB = f"/subscriptions/{SHOP}/resourcegroups/rg-web"
POLICY = f"""
responders:
  on-call: {{use: pagerduty, routing_key: {{setting: KEY}}}}
  quarantine: {{use: vm-quarantine, groups: ["{NSG}"]}}
  deny: {{use: nsg-deny}}
routes:
  - to: [on-call]
"""
RULES = f"""
contain:
  - {{match: [subscription={SHOP}, resource_group=RG-web], do: [quarantine]}}
  - {{match: [severity=high], do: [deny], mode: approve}}
"""


@pytest.fixture(autouse=True)
def wide_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is folded, however narrow the terminal that runs the tests."""
    monkeypatch.setattr(permissions.console, "width", 250)


def asked(folder: Path, text: str, *options: str) -> str:
    """What the command prints of a policy."""
    path = folder / "policy.yaml"
    path.write_text(text, "utf-8")
    arguments = ["permissions", "--policy", str(path), *options]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def needs(folder: Path, text: str) -> dict[str, dict[str, Any]]:
    """The same as values, by action."""
    found = json.loads(asked(folder, text, "--json"))
    return {each["action"]: each for each in found["permissions"]}


def test_a_policy_that_only_tells_needs_nothing(tmp_path: Path) -> None:
    """Beyond what every app needs."""
    assert needs(tmp_path, POLICY) == {}
    assert "0 permissions" in asked(tmp_path, POLICY)


def test_each_permission_has_who_wants_it_and_where(tmp_path: Path) -> None:
    """As far as rules and settings say where."""
    found = needs(tmp_path, POLICY + RULES)

    write = found["Microsoft.Network/networkInterfaces/write"]
    assert write["api"] == "Azure Resource Manager"
    assert write["by"] == ["quarantine"]
    assert write["scopes"] == [WEB, NSG.lower()]
    shared = found["Microsoft.Network/networkSecurityGroups/read"]
    assert shared["by"] == ["quarantine", "deny"]
    assert shared["scopes"] == [WEB, NSG.lower(), ANYWHERE]
    for action in (
        "Microsoft.Security/locations/alerts/read",
        "Microsoft.Resources/tags/read",
        "Microsoft.Authorization/permissions/read",
    ):
        assert found[action]["by"] == ["guards"]
        assert found[action]["scopes"] == [WEB, ANYWHERE]


def test_all_that_doers_declare_is_there_and_nothing_else(tmp_path: Path) -> None:
    """What is not named by a rule needs nothing yet it is named."""
    found = needs(tmp_path, POLICY + RULES)

    declared = {
        p.action
        for use in ("vm-quarantine", "nsg-deny")
        for p in DOERS[use].permissions
    }
    of_guards = {a for a, each in found.items() if each["by"] == ["guards"]}
    optional = {a for a, each in found.items() if each["by"] == ["tags, optional"]}
    assert optional == {"Microsoft.Resources/tags/write"}
    assert found.keys() - of_guards - optional == declared


def test_a_share_needs_to_read_what_it_is_of(tmp_path: Path) -> None:
    """Where rules reach; a subnet may lie elsewhere."""
    without = needs(tmp_path, POLICY + RULES)
    found = needs(tmp_path, f"{POLICY}{RULES}guards: {{budgets: [{{share: 20}}]}}")

    by_guards = {a: each for a, each in found.items() if "guards" in each["by"]}
    assert {each.action for each in READ_GROUPS} <= by_guards.keys()
    assert found.keys() - without.keys() == {
        "Microsoft.Compute/virtualMachineScaleSets/read",
        "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read",
    }
    subnets = by_guards["Microsoft.Network/virtualNetworks/subnets/read"]
    assert subnets["scopes"] == [ANYWHERE, WEB, NETWORKS]


def test_what_reads_needs_rights_as_well(tmp_path: Path) -> None:
    """Lists of alerts, logs, tags."""
    found = needs(
        tmp_path,
        f"""{POLICY}    match: [tag.env=prod]
reconcile: {{subscriptions: [{SHOP}]}}
workspaces: {{central: [{SHOP}]}}
""",
    )

    assert {action: each["scopes"] for action, each in found.items()} == {
        "Microsoft.Security/alerts/read": [f"/subscriptions/{SHOP}"],
        "Microsoft.OperationalInsights/workspaces/query/*/read": [f"workspace {SHOP}"],
        "*/read": ["the resources of alerts"],
    }


def test_the_table_names_each_place_once(tmp_path: Path) -> None:
    """By a letter, and what is armed."""
    shown = asked(
        tmp_path, f"{POLICY}{RULES}guards: {{mode: act, approvers: [{SHOP}]}}"
    )

    lines = [" ".join(line.split()) for line in shown.splitlines()]
    letters = {line[2:]: line[0] for line in lines if line[1:2] == " "}
    where = f"{letters[WEB]} {letters[NSG.lower()]}"
    assert any(line.endswith(f" {ANYWHERE}") for line in lines)
    assert "quarantine yes -" in lines
    assert "deny no people are asked about each deed" in lines
    assert (
        "Azure Resource Manager Microsoft.Network/networkInterfaces/write"
        f" {where} quarantine"
    ) in lines


@pytest.mark.parametrize(
    ("guards", "can", "why"),
    [
        ("mode: shadow", (True, True), "its mode is shadow"),
        ("mode: act", (True, True), "guards.approvers is empty"),
        (f"mode: act, approvers: [{SHOP}]", (True, True), ""),
        (f"mode: act, approvers: [{SHOP}]", (False, True), "nobody can sign in"),
        (f"mode: act, approvers: [{SHOP}]", (True, False), "cannot be signed"),
        (
            f"mode: act, approvers: [{SHOP}], responders: {{quarantine: approve}}",
            (True, True),
            "people are asked",
        ),
        (
            f"mode: act, approvers: [{SHOP}], responders: {{quarantine: shadow}}",
            (True, True),
            "its mode is shadow",
        ),
    ],
)
def test_what_is_not_armed_says_why(
    guards: str, can: tuple[bool, bool], why: str
) -> None:
    """The first of what keeps it from acting by itself."""
    found = policies.load(f"{POLICY}{RULES}guards: {{{guards}}}".encode())

    said = unarmed(found, "quarantine", can_sign_in=can[0], can_sign=can[1])

    assert said == why or (why and why in said)


def test_mistakes_are_named(tmp_path: Path) -> None:
    """A policy that does not load needs nothing."""
    path = tmp_path / "policy.yaml"
    path.write_text("routes: [", "utf-8")

    done = CliRunner().invoke(app, ["permissions", "--policy", str(path)])

    assert done.exit_code == 1
    assert "policy.yaml: line" in done.output


def test_grants_are_printed_and_not_run(tmp_path: Path) -> None:
    """A shell takes them; what Azure itself wants is a role, and not among them."""
    text = POLICY + (
        "contain:\n  - {match: [severity=high], do: [disable, isolate, deny]}\n"
    )
    text = text.replace(
        "routes:",
        "  disable: {use: user-disable}\n  isolate: {use: endpoint-isolate}\nroutes:",
    )

    printed = asked(tmp_path, text, "--grant", SHOP)

    given = [line.split("  #")[0] for line in printed.splitlines() if "  # " in line]
    assert given == [
        f"grant {grants.APPS[api]} {action}"
        for api, action in (
            (Api.ENDPOINT, "Machine.Isolate"),
            (Api.ENDPOINT, "Machine.Read.All"),
            (Api.GRAPH, "GroupMember.Read.All"),
            (Api.GRAPH, "User.EnableDisableAccount.All"),
            (Api.GRAPH, "User.Read.All"),
        )
    ]
    subprocess.run(["sh", "-n"], input=printed, text=True, check=True)
    assert "Microsoft.Network" not in printed


def test_an_identity_is_an_object_id(tmp_path: Path) -> None:
    """Whatever else it is, it does not reach a shell."""
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY, "utf-8")

    done = CliRunner().invoke(
        app, ["permissions", "--policy", str(path), "--grant", "$(reboot)"]
    )

    assert done.exit_code == 1
    assert "expected the object id" in done.output
