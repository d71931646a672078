"""The one id of an alert, and the members of an incident."""

from __future__ import annotations

import pytest

from shared.sources.fields import Fields
from shared.sources.membership import alert_id, distinct, members_of

DEFENDER_ID = "2516086898698765439_00000000-0000-4000-8000-00000000000a"
OWN = "7A3E9B02-6b51-4c2f-a5f4-93f0d9e0c822"
ORIGINAL = "D5C1A1F0-2b58-4a0e-9c6b-b6d2c9a4e713"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"SystemAlertId": OWN}, OWN),
        ({"SystemAlertId": OWN, "VendorOriginalId": DEFENDER_ID}, DEFENDER_ID),
        ({"SystemAlertId": OWN, "ProviderAlertId": DEFENDER_ID}, DEFENDER_ID),
        ({"SystemAlertId": OWN, "VendorOriginalId": ORIGINAL}, OWN),
        (
            {
                "SystemAlertId": OWN,
                "VendorOriginalId": ORIGINAL,
                "ProductName": "Microsoft Defender for Cloud",
            },
            ORIGINAL,
        ),
        (
            {
                "SystemAlertId": OWN,
                "ProviderAlertId": ORIGINAL,
                "ProviderName": "Azure Security Center",
            },
            ORIGINAL,
        ),
        # The rows of 2019: the id is Defender's already, ProviderAlertId its end.
        (
            {
                "SystemAlertId": DEFENDER_ID,
                "ProviderAlertId": ORIGINAL,
                "ProductName": "Azure Security Center",
            },
            DEFENDER_ID,
        ),
        ({"SystemAlertId": OWN, "VendorOriginalId": 7, "ProductName": []}, OWN),
        ({"VendorOriginalId": DEFENDER_ID}, DEFENDER_ID),
        ({}, ""),
    ],
)
def test_an_alert_has_one_id_on_every_road(
    raw: dict[str, object], expected: str
) -> None:
    """Defender for Cloud's own, wherever it stands; else SystemAlertId."""
    fields = Fields({name.upper(): value for name, value in raw.items()}, "$")

    assert alert_id(fields) == expected.lower()


def test_members_are_what_security_alert_entities_name() -> None:
    """Defender's lists and Sentinel's objects; other entities name nobody."""
    entities: list[object] = [
        {"Type": "security-alert", "SystemAlertIds": [DEFENDER_ID.upper(), 7, "  "]},
        {"type": "security-alert", "systemAlertIds": DEFENDER_ID},
        {
            "type": "Microsoft.SecurityInsights/Entities",
            "kind": "SecurityAlert",
            "properties": {"systemAlertId": OWN},
        },
        {"Type": "host", "SystemAlertIds": [ORIGINAL]},
        {"$ref": "4"},
        {"Type": "security-alert"},
        "security-alert",
    ]

    assert members_of(entities) == (DEFENDER_ID, OWN.lower())


@pytest.mark.parametrize("entities", [None, "[", {}, 7, {"host": {}}, [[[]]]])
def test_what_is_no_list_has_no_members(entities: object) -> None:
    """Entities are whatever the sender put there."""
    assert members_of(entities) == ()


def test_distinct_ids_keep_their_order() -> None:
    """Lower case, without empty ones, the first of each."""
    assert distinct(["B", " a ", "", "b"]) == ("b", "a")
