"""What says where logs go and how long they stay.

(remote-apis-azure.md 19.3 to 19.7)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.model import resource
from shared.posture.documents import (
    arm_id,
    id_of,
    items,
    number,
    part,
    properties,
    text,
    texts,
)
from shared.posture.estate import DataExport, Rule, Setting, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HUBS = "/authorizationrules/"


def settings(documents: Iterable[Mapping[str, Any]]) -> tuple[Setting, ...]:
    """Diagnostic settings, of a subscription or of a resource."""
    return tuple(_setting(each) for each in documents)


def workspaces(documents: Iterable[Mapping[str, Any]]) -> tuple[Workspace, ...]:
    """Workspaces of a subscription."""
    return tuple(_workspace(each) for each in documents)


def data_exports(documents: Iterable[Mapping[str, Any]]) -> tuple[DataExport, ...]:
    """What copies tables out of a workspace."""
    return tuple(
        DataExport(
            id_of(each),
            properties(each).get("enable") is True,
            arm_id(part(each, "properties", "destination", "resourceId")),
        )
        for each in documents
    )


def rules(documents: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Data collection rules of a subscription."""
    return tuple(_rule(each) for each in documents)


def _setting(document: Mapping[str, Any]) -> Setting:
    found = properties(document)
    logs = [each for each in items(found.get("logs")) if each.get("enabled") is True]
    hub = arm_id(found.get("eventHubAuthorizationRuleId"))
    return Setting(
        id=id_of(document),
        workspace=arm_id(found.get("workspaceId")),
        account=arm_id(found.get("storageAccountId")),
        hub=hub.partition(_HUBS)[0],
        is_partner=bool(arm_id(found.get("marketplacePartnerId"))),
        categories=frozenset(filter(None, (text(e.get("category")) for e in logs))),
        groups=frozenset(
            filter(None, (text(e.get("categoryGroup")).lower() for e in logs))
        ),
    )


def _workspace(document: Mapping[str, Any]) -> Workspace:
    found = properties(document)
    capping = part(found, "workspaceCapping")
    quota = number(part(capping, "dailyQuotaGb"))
    return Workspace(
        id=id_of(document),
        customer=text(found.get("customerId")).lower(),
        # -1 is no cap.
        quota=quota if quota is not None and quota >= 0 else None,
        status=text(part(capping, "dataIngestionStatus")),
    )


def _rule(document: Mapping[str, Any]) -> Rule:
    found = properties(document)
    sources = part(found, "dataSources")
    events = [*items(part(sources, "windowsEventLogs"))]
    syslog = [*items(part(sources, "syslog"))]
    destinations = items(part(found, "destinations", "logAnalytics"))
    sent = {
        stream for flow in items(found.get("dataFlows")) for stream in _streams(flow)
    }
    return Rule(
        id=id_of(document),
        has_security_events="microsoft-securityevent" in sent
        and any("microsoft-securityevent" in _streams(each) for each in events),
        facilities=frozenset(
            name.lower()
            for each in syslog
            if sent & _streams(each)
            for name in texts(each.get("facilityNames"))
        ),
        workspaces=tuple(
            known
            for each in destinations
            if (known := arm_id(each.get("workspaceResourceId")))
        ),
    )


def _streams(source: Mapping[str, Any]) -> set[str]:
    return {each.lower() for each in texts(source.get("streams"))}


def machine_of(canonical_id: str) -> str:
    """The machine that an extension or an association hangs on."""
    above, found, _ = canonical_id.partition("/providers/microsoft.insights/")
    return above if found else resource.whole(canonical_id) or ""
