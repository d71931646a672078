"""Risk that Entra ID Protection sees, as diagnostic settings send it.

A detection (``UserRiskEvents``) and a risky user (``RiskyUsers``) are sent again under
the same id whenever their state changes: ``atRisk`` opens, ``remediated``, ``dismissed``
and ``confirmedSafe`` close. The id of a risky user or service principal is its object
id, so its alert opens again with the next risk, however long after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.model.alert import Road
from shared.sources import evidence
from shared.sources.building import Found, build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.sources.evidence import Raw
    from shared.sources.fields import Fields

KIND = "entra-risk"
PRODUCT = "Microsoft Entra ID Protection"

# What a record is called that has no riskEventType, by category.
_CATEGORIES = {
    "userriskevents": "UserRisk",
    "riskyusers": "RiskyUser",
    "serviceprincipalriskevents": "ServicePrincipalRisk",
    "riskyserviceprincipals": "RiskyServicePrincipal",
}


def recognises(fields: Fields) -> bool:
    """Row 11 of wire-formats.md 0."""
    if fields.text("category").lower() in _CATEGORIES:
        return True
    risk = fields.get("properties")
    return isinstance(risk, dict) and any(n.lower() == "riskeventtype" for n in risk)


def read(fields: Fields, *, received_at: datetime) -> Alert | str:
    """The alert, or the reason why a record of no risk is none.

    Raises AlertRejected where it has no id.
    """
    risk = fields.child("properties")
    state, level = risk.text("riskState"), risk.text("riskLevel")
    if state.lower() == "none" and level.lower() in {"", "none"}:
        return "Entra record of no risk, not an alert"
    named = _CATEGORIES.get(fields.text("category").lower(), "Risk")
    kind = risk.text("riskEventType", "riskType") or named
    details = _details(risk)
    changed_at = risk.time("lastUpdatedDateTime", "riskLastUpdatedDateTime")
    at = changed_at or fields.time("time")
    found = Found(
        kind=KIND,
        id=risk.required("id"),
        alert_type=f"EntraRisk_{kind}",
        road=Road.HUB,
        title=f"{fields.text('operationName') or 'Entra risk'}: {kind}",
        description=f"Risk state {state or '?'}, level {level or '?'},"
        f" detail {risk.text('riskDetail') or 'none'}",
        severity=level,
        status=state,
        started_at=risk.time("activityDateTime", "detectedDateTime") or at,
        at=at,
        compromised_entity=risk.text(
            "userPrincipalName",
            "userDisplayName",
            "servicePrincipalDisplayName",
            "displayName",
        ),
        product=PRODUCT,
        techniques=details.get("mitretechniques"),
        uri=str(details.get("alerturl") or ""),
        entities=list(_entities(risk, named)),
    )
    return build(found, received_at=received_at, path=fields.path)


def _details(risk: Fields) -> dict[str, Any]:
    """The pairs of ``additionalInfo``, a list of Key and Value as JSON in a text."""
    pairs = risk.decoded("additionalInfo")
    if not isinstance(pairs, list):
        return {}
    return {
        pair["Key"].lower(): pair.get("Value")
        for pair in pairs
        if isinstance(pair, dict) and isinstance(pair.get("Key"), str)
    }


def _entities(risk: Fields, named: str) -> Iterator[Raw]:
    own = risk.text("id") if named.startswith("Risky") else ""
    yield from evidence.account(
        name=risk.text("userDisplayName", "servicePrincipalDisplayName", "displayName"),
        upn=risk.text("userPrincipalName"),
        object_id=risk.text("userId", "servicePrincipalId") or own,
    )
    yield from evidence.entity("oauth-application", AppId=risk.text("appId"))
    yield from evidence.ip(
        risk.text("ipAddress"), risk.child("location").text("countryOrRegion")
    )
