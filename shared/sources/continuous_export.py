"""The straight road for what comes most: one alert as continuous export spells it.

The hub's body is one object with names of one spelling and values of one type each
(wire-formats.md 1.1). Such bytes are decoded into types at once; ``defender`` reads
everything else, and gives the same for these. A property test holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

from shared.model import resource
from shared.model.alert import ROAD_RANK, Alert, Road, Version
from shared.model.text import clean, cut, one_line
from shared.sources import defender, terms
from shared.sources.building import (
    LONGEST_DESCRIPTION,
    LONGEST_ID,
    LONGEST_LINK,
    LONGEST_NAME,
    LONGEST_TITLE,
    LONGEST_TYPE,
    NEWEST_POINT,
    digest_of,
    is_sample,
    name,
    point,
    sample_hints,
)
from shared.sources.entities import straight, with_lifted
from shared.sources.entities.problems import Problems
from shared.sources.entities.shapes import AnyShape, Scalar
from shared.sources.fields import parse_stamp
from shared.sources.sentinel import LENGTH_OF_RULE_TYPE, SENTINEL

if TYPE_CHECKING:
    from datetime import datetime


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


Name = Annotated[str, Meta(max_length=LONGEST_NAME)]


class Export(msgspec.Struct, forbid_unknown_fields=True, rename="pascal", gc=False):
    """The alert; what has no default must be there, and what is Any is not read."""

    system_alert_id: Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
    alert_type: Annotated[str, Meta(min_length=1, max_length=LONGEST_TYPE)]
    azure_resource_id: str
    start_time_utc: str
    end_time_utc: str
    processing_end_time: str
    alert_display_name: Annotated[str, Meta(max_length=LONGEST_TITLE)] = ""
    description: Annotated[str, Meta(max_length=LONGEST_DESCRIPTION)] = ""
    severity: Name = ""
    status: Name = ""
    compromised_entity: Name | None = None
    product_name: Name | None = None
    intent: str | None = None
    techniques: list[str] | None = None
    alert_uri: Annotated[str, Meta(max_length=LONGEST_LINK)] | None = None
    resource_identifiers: list[Identifier] | None = None
    entities: list[AnyShape] | None = None
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
    azure_resource_subscription_id: Scalar = None
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
        return _alert(_DECODER.decode(body), received_at)
    except (ValueError, KeyError, RecursionError):
        return None


def _alert(export: Export, received_at: datetime) -> Alert:
    """What ``building.build`` makes of it; ValueError or KeyError where it is odd."""
    alert_id, alert_type = export.system_alert_id.strip(), one_line(export.alert_type)
    product = export.product_name or ""
    located = resource.located(export.azure_resource_id)
    started_at = parse_stamp(export.start_time_utc)
    ended_at = parse_stamp(export.end_time_utc)
    at = parse_stamp(export.processing_end_time)
    may_be_sentinel = (
        len(alert_type) == LENGTH_OF_RULE_TYPE or SENTINEL in product.lower()
    )
    if not (alert_id and alert_type and located) or may_be_sentinel:
        raise ValueError
    if started_at is None or ended_at is None or at is None:
        raise ValueError
    arm_id, subscription = located
    ended_at = max(ended_at, started_at)
    given_title, given = export.alert_display_name.strip(), export.description.strip()
    title, description = one_line(given_title) or alert_type, clean(given)
    compromised = export.compromised_entity or ""
    severity, status = terms.severity(export.severity), terms.status(export.status)
    tactics = terms.tactics(export.intent)
    techniques = terms.techniques(export.techniques)
    entities, warnings = with_lifted(
        straight.read(export.entities or ()), export.extended_properties, Problems()
    )
    digest = digest_of(
        entities,
        alert_type.lower(),
        title,
        description,
        severity,
        status,
        started_at,
        ended_at,
        at,
        arm_id,
        tactics,
        techniques,
        (),
    )
    uri = (export.alert_uri or "").strip()
    return Alert(
        id=alert_id,
        version=Version(
            at=min(at, received_at + NEWEST_POINT),
            rank=ROAD_RANK[Road.HUB],
            digest=digest,
        ),
        scope=subscription,
        alert_type=alert_type,
        title=cut(title, LONGEST_TITLE),
        description=cut(description, LONGEST_DESCRIPTION),
        severity=severity,
        status=status,
        started_at=started_at,
        ended_at=ended_at,
        point=point(started_at, received_at),
        resource=arm_id,
        compromised_entity=name(compromised),
        product=name(product),
        tactics=tactics,
        uri=uri if uri[:8] == "https://" else "",
        is_sample=is_sample(alert_type, title),
        kind=defender.KIND,
        techniques=techniques,
        entities=entities,
        reported_severity=name(export.severity),
        reported_status=name(export.status),
        sample_hints=sample_hints(
            given_title, given, compromised.strip(), *_places(export)
        ),
        warnings=warnings,
    )


def _places(export: Export) -> list[str]:
    more = export.resource_identifiers or ()
    places = [export.azure_resource_id, *[i.azure_resource_id or "" for i in more]]
    return [place.strip() for place in places]
