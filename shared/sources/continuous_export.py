"""The straight road for what comes most: one alert as continuous export spells it.

The hub's body is one object with names of one spelling and values of one type each
(wire-formats.md 1.1). Such bytes are decoded into types at once; ``defender`` reads
everything else, and gives the same for these. A property test holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

from shared.model.alert import Road
from shared.sources import defender, sentinel
from shared.sources.building import LONGEST_ID, LONGEST_TYPE, Found, build
from shared.sources.entities import straight
from shared.sources.entities.shapes import AnyShape, Scalar
from shared.sources.fields import parse_stamp

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.alert import Alert


class Identifier(msgspec.Struct, forbid_unknown_fields=True, rename="pascal", gc=False):
    """One of the ids of what was attacked; only those of resources are read."""

    azure_resource_id: str | None = None
    id: Scalar = field(default=None, name="$id")
    type: Scalar = None
    azure_resource_tenant_id: Scalar = None
    aad_tenant_id: Scalar = None
    workspace_id: Scalar = None
    workspace_subscription_id: Scalar = None
    workspace_resource_group: Scalar = None
    agent_id: Scalar = None


class Export(msgspec.Struct, forbid_unknown_fields=True, rename="pascal", gc=False):
    """The alert; what has no default must be there, and what is Any is not read."""

    system_alert_id: Annotated[str, Meta(max_length=LONGEST_ID)]
    alert_type: Annotated[str, Meta(max_length=LONGEST_TYPE)]
    start_time_utc: str
    end_time_utc: str
    processing_end_time: str
    azure_resource_id: str = ""
    alert_display_name: str = ""
    description: str = ""
    severity: str = ""
    status: str = ""
    compromised_entity: str = ""
    product_name: str = ""
    intent: str | None = None
    techniques: list[str] | None = None
    alert_uri: str = ""
    resource_identifiers: list[Identifier] | None = None
    entities: list[AnyShape] = []
    extended_properties: dict[str, Any] | None = None
    is_incident: Literal[False] | None = None
    time_generated: Scalar = None
    vendor_name: Scalar = None
    product_component_name: Scalar = None
    provider_alert_status: Scalar = None
    confidence_level: Scalar = None
    confidence_score: Scalar = None
    confidence_reasons: Any = None
    correlation_key: Scalar = None
    agent_id: Scalar = None
    azure_resource_subscription_id: str = ""
    workspace_id: Scalar = None
    workspace_subscription_id: Scalar = None
    workspace_resource_group: Scalar = None
    extended_links: Any = None
    remediation_steps: Any = None
    sub_techniques: Any = None


_DECODER = msgspec.json.Decoder(Export)


def read(body: bytes, *, received_at: datetime) -> Alert | None:
    """The alert that the body is; None where the general reader has to look."""
    try:
        found = _found(_DECODER.decode(body))
    except (ValueError, KeyError, RecursionError):
        return None
    return build(found, received_at=received_at, path="$")


def _found(export: Export) -> Found:
    """What ``defender`` finds; ValueError or KeyError where something is odd."""
    started_at = parse_stamp(export.start_time_utc)
    ended_at = parse_stamp(export.end_time_utc)
    at = parse_stamp(export.processing_end_time)
    if started_at is None or ended_at is None or at is None:
        raise ValueError
    alert_id, alert_type = export.system_alert_id.strip(), export.alert_type.strip()
    product = export.product_name.strip()
    if not (alert_id and alert_type) or sentinel.is_own(alert_type, product):
        raise ValueError
    more = export.resource_identifiers or ()
    places = [export.azure_resource_id, *[i.azure_resource_id or "" for i in more]]
    return Found(
        kind=defender.KIND,
        id=alert_id,
        alert_type=alert_type,
        road=Road.HUB,
        title=export.alert_display_name.strip(),
        description=export.description.strip(),
        severity=export.severity.strip(),
        status=export.status.strip(),
        started_at=started_at,
        ended_at=ended_at,
        at=at,
        resource_ids=tuple([place.strip() for place in places]),
        subscription=export.azure_resource_subscription_id.strip(),
        compromised_entity=export.compromised_entity.strip(),
        product=product,
        tactics=export.intent,
        techniques=export.techniques,
        uri=export.alert_uri.strip(),
        listed=straight.read(export.entities),
        extended=export.extended_properties,
    )
