"""Section `posture` of a policy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from shared.audit_posture import wanted_of
from shared.model.errors import SettingsError
from shared.model.posture import CheckName, Posture
from shared.model.retention import Keep
from shared.triage import policy as policies
from tests.estates import CUSTOMER, HUB_ID, sub

NOW = datetime(2026, 11, 25, tzinfo=UTC)
EXCUSE = {
    "check": "cap-set",
    "reason": "it may stop",
    "until": "2026-11-01T00:00:00Z",
}


def load(**sections: Any) -> policies.Policy:  # noqa: ANN401  JSON
    """A policy with these sections."""
    whole = {"responders": {}, "routes": [{"to": []}], **sections}
    return policies.load(msgspec.json.encode(whole))


def test_nothing_is_looked_at_unless_the_policy_says_so() -> None:
    """An update of the app tells nobody of things that nobody asked about."""
    assert load().posture is None
    assert load(posture={}).posture == Posture()


@pytest.mark.parametrize(
    ("given", "path", "said"),
    [
        ({"subscriptions": ["mine"]}, "subscriptions[0]", "GUID"),
        ({"hub": "alerts"}, "hub", "the ARM id of an event hub"),
        ({"hub": sub(0)}, "hub", "the ARM id of an event hub"),
        ({"plans": [" "]}, "plans[0]", "must not be empty"),
        (
            {"exceptions": [EXCUSE | {"check": "caps"}]},
            "exceptions[0].check",
            "cap-set",
        ),
        ({"exceptions": [EXCUSE | {"reason": ""}]}, "exceptions[0].reason", "empty"),
        ({"exceptions": [EXCUSE | {"resource": "x"}]}, "exceptions[0].resource", "id"),
        ({"exceptions": [{"check": "cap-set"}]}, "exceptions[0].until", "required"),
        ({"days": 90}, "", "unknown field days"),
    ],
)
def test_mistakes_are_named(given: dict[str, Any], path: str, said: str) -> None:
    """Where each is, and what was expected."""
    with pytest.raises(SettingsError) as caught:
        load(posture=given)

    assert any(
        f"$.posture{path and '.'}{path}" in problem and said in problem
        for problem in caught.value.problems
    ), caught.value.problems


def test_an_exception_that_is_over_is_said_to_be() -> None:
    """Its findings count, which is hardly what its author thinks."""
    [doubt] = [
        each
        for each in policies.warnings(load(posture={"exceptions": [EXCUSE]}), NOW)
        if "posture" in each
    ]

    assert doubt == (
        "$.posture.exceptions[0] (cap-set): is over since 2026-11-01T00:00:00.000Z;"
        " its findings count"
    )


def test_what_is_wanted_follows_from_the_whole_policy() -> None:
    """The hub by its id, tables by `retention`, and whom evidence is asked of."""
    found = wanted_of(
        load(
            posture={"hub": HUB_ID, "exceptions": [EXCUSE]},
            retention={"tables": {"Syslog": {"total_days": 730}}},
            workspaces={"central": [CUSTOMER.upper()]},
        ),
        hub="other/hub",
        now=NOW,
    )

    assert found.hub == "evhns-firewatch/alerts"
    assert found.home == sub(0)
    assert found.is_hub(HUB_ID.upper())
    assert found.kept == {"Syslog"}
    assert found.archive_days == 730
    assert found.asked == {CUSTOMER}
    assert found.posture.exceptions[0].check is CheckName.CAP_SET


def test_without_any_of_it_there_are_defaults() -> None:
    """A year for each table that queries read; the hub of the app itself."""
    found = wanted_of(load(), hub="ns/hub", now=NOW)

    assert (found.hub, found.home, found.archive_days) == ("ns/hub", "", 365)
    assert {"SecurityEvent", "SigninLogs", "AzureActivity"} <= found.kept
    assert found.retention.default == Keep(interactive_days=90, total_days=365)
    assert found.asked == frozenset()


def test_each_resource_s_own_workspace_is_asked_or_not_known() -> None:
    """Where it is not the central ones alone that are asked."""
    found = wanted_of(
        load(workspaces={"topology": "hybrid", "central": [CUSTOMER]}),
        hub="",
        now=NOW,
    )

    assert found.asked == frozenset()
