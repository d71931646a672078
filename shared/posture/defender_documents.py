"""What Defender for Cloud says of its plans, exports and contacts.

(remote-apis-azure.md 19.1, 19.2 and 19.11)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.posture.documents import arm_id, id_of, items, part, properties, text
from shared.posture.estate import Contact, Export, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SEVERITIES = ("High", "Medium", "Low", "Informational")

_ALL = frozenset(SEVERITIES)
_NO_SEVERITY: frozenset[str] = frozenset()


def plans(documents: Iterable[Mapping[str, Any]]) -> tuple[Plan, ...]:
    """The plans that there are still."""
    return tuple(
        Plan(
            text(each.get("name")),
            text(part(each, "properties", "pricingTier")),
            text(part(each, "properties", "subPlan")),
            text(part(each, "properties", "resourcesCoverageStatus")),
        )
        for each in documents
        if part(each, "properties", "deprecated") is not True
    )


def exports(
    documents: Iterable[Mapping[str, Any]], subscription: str
) -> tuple[Export, ...]:
    """The automations that hand alerts to an event hub; one that runs a logic app is none."""
    found = (_export(each, subscription) for each in documents)
    return tuple(each for each in found if each is not None)


def contacts(documents: Iterable[Mapping[str, Any]]) -> tuple[Contact, ...]:
    """Whom Defender mails."""
    return tuple(_contact(each) for each in documents)


def _export(document: Mapping[str, Any], subscription: str) -> Export | None:
    found = properties(document)
    sources = [
        each
        for each in items(found.get("sources"))
        if text(each.get("eventSource")).lower() == "alerts"
    ]
    hubs = tuple(
        arm_id(each.get("eventHubResourceId"))
        for each in items(found.get("actions"))
        if text(each.get("actionType")).lower() == "eventhub"
    )
    if not sources or not hubs:
        return None
    scopes = [arm_id(each.get("scopePath")) for each in items(found.get("scopes"))]
    return Export(
        id=id_of(document),
        is_enabled=found.get("isEnabled") is True,
        is_whole=subscription in scopes,
        severities=_NO_SEVERITY.union(*map(_severities, sources)),
        hubs=hubs,
    )


def _severities(source: Mapping[str, Any]) -> frozenset[str]:
    """What a source lets through: any of its sets, each of whose rules must fit."""
    sets = [*items(source.get("ruleSets"))]
    if not sets:
        return _ALL
    return _NO_SEVERITY.union(*(_of_rules([*items(s.get("rules"))]) for s in sets))


def _of_rules(rules: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    left = _ALL
    for rule in rules:
        if text(rule.get("propertyJPath")).lower().rpartition(".")[2] != "severity":
            # It goes by something else: no severity is whole any more.
            return _NO_SEVERITY
        wanted = text(rule.get("expectedValue")).capitalize()
        is_equal = text(rule.get("operator")).lower() in {"equals", "contains"}
        left &= frozenset({wanted}) if is_equal else _ALL - {wanted}
    return left


def _contact(document: Mapping[str, Any]) -> Contact:
    found = properties(document)
    roles = part(found, "notificationsByRole")
    by_role = text(part(roles, "state")).lower() == "on" and bool(part(roles, "roles"))
    is_told = any(
        text(each.get("sourceType")).lower() == "alert"
        for each in items(found.get("notificationsSources"))
    )
    is_on = found.get("isEnabled") is True and is_told
    named = bool(text(found.get("emails"))) or by_role
    return Contact(id_of(document), is_heard=is_on and named)
