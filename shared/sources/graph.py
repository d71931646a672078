"""Alerts of Microsoft Graph, alerts_v2: Defender XDR's own, whole and with a status.

Where Defender for Cloud found it, ``providerAlertId`` is its SystemAlertId, so it is the
hub's alert; every other product's has the id that XDR's streaming uses for it. Only the
former name their Azure resource as the alert's: a scope that came with later evidence
would put later versions elsewhere. For the others the resource is the host entity's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.alert import Road
from shared.sources import terms, xdr
from shared.sources.building import Found, build
from shared.sources.graph_evidence import entities, is_compromised, odata_type

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.sources.fields import Fields

KIND = "graph"

_ALERT = "#microsoft.graph.security.alert"


def recognises(fields: Fields) -> bool:
    """Row 9 of wire-formats.md 0, and what forwarders leave of it."""
    if odata_type(fields) == _ALERT:
        return True
    return "serviceSource" in fields and (
        "alertWebUrl" in fields
        or "evidence" in fields
        or ("title" in fields and "createdDateTime" in fields)
    )


def read(fields: Fields, *, received_at: datetime) -> Alert:
    """The alert. Raises AlertRejected where it has no id."""
    product = fields.text("productName", "serviceSource")
    is_cloud = terms.is_defender_for_cloud(product, fields.text("serviceSource"))
    items = fields.objects("evidence")
    alert_id = (is_cloud and fields.text("providerAlertId")) or fields.required("id")
    by_title = xdr.alert_type(fields.text("title"), alert_id)
    found = Found(
        kind=KIND,
        id=alert_id,
        alert_type=(is_cloud and fields.text("detectorId")) or by_title,
        road=Road.HUB,
        title=fields.text("title"),
        description=fields.text("description"),
        severity=fields.text("severity"),
        status=fields.text("status"),
        started_at=fields.time("firstActivityDateTime", "createdDateTime"),
        ended_at=fields.time("lastActivityDateTime"),
        at=fields.time("lastUpdateDateTime", "createdDateTime"),
        resource_ids=tuple(_resource_ids(items)) if is_cloud else (),
        compromised_entity=_compromised(items),
        product=product,
        tactics=terms.known_tactics(fields.get("category")),
        techniques=fields.get("mitreTechniques"),
        uri=fields.text("alertWebUrl"),
        entities=[made for item in items for made in entities(item)],
    )
    return build(found, received_at=received_at, path=fields.path)


def _resource_ids(items: list[Fields]) -> list[str]:
    named = [item.text("resourceId") for item in items]
    named += [item.child("vmMetadata").text("resourceId") for item in items]
    return [resource_id for resource_id in named if resource_id]


def _compromised(items: list[Fields]) -> str:
    """The first device or user that Graph calls compromised, else the first of all."""
    named: dict[bool, str] = {}
    for item in items:
        who = item.text("deviceDnsName", "hostName") or item.child("userAccount").text(
            "userPrincipalName", "accountName"
        )
        if who:
            named.setdefault(is_compromised(item), who)
    return named.get(True) or named.get(False) or ""
