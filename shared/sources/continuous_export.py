"""The straight road for what comes most: one alert as continuous export spells it.

The hub's body is one object with names of one spelling and values of one type each
(wire-formats.md 1.1). Such bytes are decoded into types at once; ``defender`` reads
everything else, and gives the same for these. A property test holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import field

from shared.model.alert import Road
from shared.sources import defender, sentinel
from shared.sources.building import LONGEST_ID, LONGEST_TYPE, Found, build
from shared.sources.entities import straight
from shared.sources.entities.shapes import AnyShape, Scalar
from shared.sources.fields import parse_stamp, parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.model.entity import Entity


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

    system_alert_id: str
    alert_type: str
    alert_display_name: str | None = None
    description: str | None = None
    severity: str | None = None
    status: str | None = None
    start_time_utc: str | None = None
    end_time_utc: str | None = None
    processing_end_time: str | None = None
    time_generated: str | None = None
    azure_resource_id: str | None = None
    azure_resource_subscription_id: str | None = None
    resource_identifiers: list[Identifier] | None = None
    compromised_entity: str | None = None
    product_name: str | None = None
    intent: str | None = None
    techniques: list[str] | None = None
    alert_uri: str | None = None
    entities: list[AnyShape] | None = None
    extended_properties: dict[str, Any] | None = None
    is_incident: bool | None = None
    vendor_name: Scalar = None
    product_component_name: Scalar = None
    provider_alert_status: Scalar = None
    confidence_level: Scalar = None
    confidence_score: Scalar = None
    confidence_reasons: Any = None
    correlation_key: Scalar = None
    agent_id: Scalar = None
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
        export = _DECODER.decode(body)
        if export.is_incident or not _is_defender(export):
            return None
        listed = straight.read(export.entities or ())
    except (ValueError, KeyError, RecursionError):
        return None
    return build(_found(export, listed), received_at=received_at, path="$")


def _is_defender(export: Export) -> bool:
    """Whether row 4 of wire-formats.md 0 is the first that fits, and nothing is missing."""
    alert_type = export.alert_type.strip()
    return (
        0 < len(export.system_alert_id.strip()) <= LONGEST_ID
        and 0 < len(alert_type) <= LONGEST_TYPE
        and not sentinel.is_own(alert_type, _text(export.product_name))
    )


def _found(export: Export, listed: list[Entity]) -> Found:
    identifiers = export.resource_identifiers or ()
    return Found(
        kind=defender.KIND,
        id=export.system_alert_id,
        alert_type=export.alert_type,
        road=Road.HUB,
        title=_text(export.alert_display_name),
        description=_text(export.description),
        severity=_text(export.severity),
        status=_text(export.status),
        started_at=_time(export.start_time_utc),
        ended_at=_time(export.end_time_utc),
        at=_time(export.processing_end_time) or _time(export.time_generated),
        resource_ids=(
            _text(export.azure_resource_id),
            *[_text(each.azure_resource_id) for each in identifiers],
        ),
        subscription=_text(export.azure_resource_subscription_id),
        compromised_entity=_text(export.compromised_entity),
        product=_text(export.product_name),
        tactics=export.intent,
        techniques=export.techniques,
        uri=_text(export.alert_uri),
        listed=listed,
        extended=export.extended_properties,
    )


def _text(given: str | None) -> str:
    return given.strip() if given else ""


def _time(given: str | None) -> datetime | None:
    return parse_stamp(given) or parse_time(given) if given else None
