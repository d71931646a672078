"""What makes two alerts the same problem."""

from __future__ import annotations

from typing import Any

import pytest

from shared.triage.fingerprint import Strategy, fingerprint
from shared.triage.keys import keys
from tests.alerts import read_alert, vm


def test_recurrence_has_the_same_fingerprint() -> None:
    """Times, severity, status and texts are not what makes a problem."""
    one = read_alert()
    other = read_alert(
        SystemAlertId="other",
        Severity="Low",
        Status="Resolved",
        StartTimeUtc="2026-11-22T00:00:00Z",
        AlertDisplayName="other words",
        AlertType="vm_webshelldetected",
        AzureResourceId=vm().lower() + "/",
    )

    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    "changes",
    [
        {"AlertType": "Other"},
        {"AzureResourceId": vm("other")},
        {"AzureResourceId": vm() + "/extensions/x"},
        {"AzureResourceId": "", "ResourceIdentifiers": []},
    ],
)
def test_another_type_or_resource_is_another_problem(changes: dict[str, Any]) -> None:
    """Scope, type and resource each count."""
    assert fingerprint(read_alert()) != fingerprint(read_alert(**changes))


def test_absent_is_not_empty_and_parts_do_not_run_together() -> None:
    """Text cannot be moved from one part into another."""
    nowhere: dict[str, Any] = {"AzureResourceId": "", "ResourceIdentifiers": []}

    one = read_alert(AlertType="a8:resource1:b", **nowhere)
    other = read_alert(AlertType="a", **nowhere)

    assert fingerprint(one) != fingerprint(other)


def test_problems_of_one_machine_share_a_key() -> None:
    """A child, a scale set's instance and the thing itself are one resource."""
    scale_set = vm("x").lower().replace("virtualmachines", "virtualmachinescalesets")
    pairs = [
        (vm(), vm() + "/extensions/agent"),
        (scale_set + "/virtualmachines/0", scale_set + "/virtualmachines/1"),
    ]

    for one, other in pairs:
        mine = keys(read_alert(AlertType="a", AzureResourceId=one))
        theirs = keys(read_alert(AlertType="b", AzureResourceId=other))
        assert [k.strategy for k in mine] == [Strategy.FINGERPRINT, Strategy.RESOURCE]
        assert mine[0] != theirs[0]
        assert mine[1] == theirs[1]


@pytest.mark.parametrize("suffix", ["", "/resourceGroups/web"])
def test_a_subscription_or_group_is_not_one_thing(suffix: str) -> None:
    """What happens in it shares no key but that of the problem itself."""
    scope = "/".join(vm().split("/")[:3]) + suffix

    found = keys(read_alert(AzureResourceId=scope))

    assert [key.strategy for key in found] == [Strategy.FINGERPRINT]
