"""Recommendations, scores and compliance records that share the export's hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from shared.sources.fields import Fields

# The longest there is, that of an assessment in a compliance standard, has 90.
LONGEST_KIND = 100

_ENRICHMENTS = frozenset(
    {
        "securityeventdataenrichment",
        "assessmenteventdataenrichment",
        "subassessmenteventdataenrichment",
    }
)


def recognises(fields: Fields) -> bool:
    """A posture record by its enrichment or its ARM type (wire-formats.md 0 and 1.4).

    Sub-assessments carry TimeGenerated and Severity and look like alerts otherwise.
    """
    if not fields.names().isdisjoint(_ENRICHMENTS):
        return True
    kind = fields.text("type").lower()
    return kind.startswith("microsoft.security/") and not kind.endswith("/alerts")


def read(fields: Fields, *, received_at: datetime) -> str:
    """The reason to ignore it, naming its kind."""
    del received_at
    kind = fields.text("type").lower().removeprefix("microsoft.security/")
    is_name = kind.replace("/", "").isalpha() and len(kind) <= LONGEST_KIND
    return f"posture record ({kind if is_name else 'unnamed'}), not an alert"
