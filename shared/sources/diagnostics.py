"""Records of diagnostic settings: resource logs, and the activity log among them.

The activity log's Security records are copies of Defender's alerts. Their category says
so, or properties.eventCategory while the category is Administrative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.sources import activity_log, terms
from shared.sources.building import build

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.sources.fields import Fields

KIND = "diagnostics"
PROVIDER = "microsoft.security/"


def recognises(fields: Fields) -> bool:
    """Row 15 of wire-formats.md 0."""
    return all(
        name in fields for name in ("category", "resourceId", "operationName", "time")
    )


def read(fields: Fields, *, received_at: datetime) -> Alert | str:
    """The alert of a Security record, or why another is ignored.

    Raises AlertRejected where a Security record has no id.
    """
    about = fields.child("properties")
    category = about.text("eventCategory") or fields.text("category")
    if category.lower() != activity_log.SECURITY:
        return _ignored(category)
    if not _is_defenders(fields):
        return _ignored(f"{category} of another provider")
    details = about.child("eventProperties") if "eventProperties" in about else about
    found = activity_log.security_alert((fields, about), details, kind=KIND)
    return build(found, received_at=received_at, path=fields.path)


def _is_defenders(fields: Fields) -> bool:
    """Other resources have a log category of that name too."""
    operation = activity_log.named(fields, "operationName").lower()
    return (
        operation.startswith(PROVIDER)
        or f"/providers/{PROVIDER}" in fields.text("resourceId").lower()
    )


def _ignored(category: str) -> str:
    return f"diagnostic-settings record ({terms.plain_name(category)}), not an alert"
