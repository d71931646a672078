"""Laws of the reader of Graph's alerts: nothing but a rejection is ever raised."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.alert import Alert
from shared.model.errors import AlertRejected
from shared.sources import graph
from shared.sources.fields import Fields
from tests.property.shapes import objects, outcome

_KINDS = (
    *("user", "device", "ip", "url", "file", "process", "registryKey"),
    *("registryValue", "mailbox", "analyzedMessage", "cloudLogonSession"),
    *("container", "kubernetesPod", "kubernetesNamespace", "kubernetesCluster"),
    *("azureResource", "cloudApplication", "oauthApplication", "dns", "new", ""),
)
_TYPES = st.sampled_from([f"#microsoft.graph.security.{k}Evidence" for k in _KINDS])
_INNER = objects(
    ("userPrincipalName", "accountName", "fileName", "sha1", "resourceId", "name")
)
_EVIDENCE = objects(
    (
        *("@odata.type", "at_sign_odata_type", "roles", "userAccount", "fileDetails"),
        *("imageFile", "parentProcessImageFile", "processId", "vmMetadata", "url"),
        *("loggedOnUsers", "deviceDnsName", "mdeDeviceId", "ipAddress", "resourceId"),
        *("image", "pod", "namespace", "cluster", "urls", "p2Sender", "appId", "name"),
    ),
    {
        "@odata.type": _TYPES,
        "userAccount": _INNER,
        "fileDetails": _INNER,
        "imageFile": _INNER,
        "vmMetadata": _INNER,
        "namespace": _INNER,
        "roles": st.just(["compromised"]),
    },
)
_ALERTS = objects(
    (
        *("id", "providerAlertId", "serviceSource", "productName", "detectorId"),
        *("title", "description", "severity", "status", "category"),
        *("mitreTechniques", "createdDateTime", "lastUpdateDateTime", "alertWebUrl"),
        *("firstActivityDateTime", "lastActivityDateTime", "evidence", "@odata.type"),
    ),
    {
        "id": st.just("da1_-2"),
        "@odata.type": st.just("#microsoft.graph.security.alert"),
        "serviceSource": st.sampled_from(["microsoftDefenderForCloud", "unknown"]),
        "evidence": st.lists(_EVIDENCE, max_size=3),
    },
)


@given(unit=_ALERTS)
@settings(deadline=None, max_examples=80)
def test_any_alert_is_read_or_rejected(unit: dict[str, Any]) -> None:
    """Whatever the fields hold, a unit is an alert or a typed rejection."""
    graph.recognises(Fields(unit, "$"))

    found = outcome(graph.read, unit)

    assert isinstance(found, Alert | AlertRejected)
