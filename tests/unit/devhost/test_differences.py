"""What people are shown of a change: values before and after."""

from __future__ import annotations

import pytest

from devhost.outside.azure.differences import differences

NIC = {
    "id": "/nic",
    "etag": "1",
    "properties": {
        "provisioningState": "Succeeded",
        "networkSecurityGroup": {"id": "/nsg"},
        "ports": [1, 2],
    },
}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (NIC, []),
        (NIC | {"etag": "2"}, []),
        (
            NIC
            | {
                "properties": {
                    "provisioningState": "Updating",
                    "networkSecurityGroup": {"id": "/other"},
                    "ports": [1, 2],
                }
            },
            [("properties.networkSecurityGroup.id", "/nsg", "/other")],
        ),
        (
            NIC | {"properties": {"ports": [1], "isOn": True}},
            [
                ("properties.networkSecurityGroup.id", "/nsg", ""),
                ("properties.ports", "[1, 2]", "[1]"),
                ("properties.isOn", "", "true"),
            ],
        ),
        (None, [("", "there", "")]),
    ],
)
def test_each_value_is_named_with_its_place(
    after: dict[str, object] | None, expected: list[tuple[str, str, str]]
) -> None:
    """But for what changes with everything."""
    found = differences(NIC, after)

    assert [(e["what"], e["before"], e["after"]) for e in found] == expected


def test_what_comes_is_one_difference() -> None:
    """And nothing at all is none."""
    assert differences(None, NIC) == [{"what": "", "before": "", "after": "there"}]
    assert differences(None, None) == []
