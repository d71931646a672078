"""Alerts that come as several records: one row, the union of all that was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from shared.model.alert import UNTITLED

if TYPE_CHECKING:
    from shared.model.alert import Alert, AlertRow, Severity
    from shared.model.entity import Entity

# What a row holds of an alert's entities; the archive has them all.
MOST_ENTITIES = 100


def union(row: AlertRow, part: Alert) -> AlertRow:
    """The row with what one more record says; equal where it says nothing new."""
    names_it = row.alert_type.startswith(UNTITLED) and not part.alert_type.startswith(
        UNTITLED
    )
    return replace(
        row,
        alert_type=part.alert_type if names_it else row.alert_type,
        title=part.title if names_it else row.title,
        severity=_severity(row, part),
        reported_severity=row.reported_severity or part.reported_severity,
        started_at=min(row.started_at, part.started_at),
        ended_at=max(row.ended_at, part.ended_at),
        tactics=tuple(sorted({*row.tactics, *part.tactics})),
        techniques=tuple(sorted({*row.techniques, *part.techniques})),
        entities=_entities(row.entities, part.entities),
        product=row.product or part.product,
    )


def _severity(row: AlertRow, part: Alert) -> Severity:
    """The highest that was reported; a record without one has no say."""
    if not part.reported_severity:
        return row.severity
    if not row.reported_severity:
        return part.severity
    return max(row.severity, part.severity, key=lambda severity: severity.rank)


def _entities(
    known: tuple[Entity, ...], more: tuple[Entity, ...]
) -> tuple[Entity, ...]:
    found = {_text(entity): entity for entity in (*known, *more)}
    return tuple(found[text] for text in sorted(found))[:MOST_ENTITIES]


def _text(entity: Entity) -> bytes:
    return msgspec.json.encode(entity, order="deterministic")
