"""An incident as data: the same fields each time, all text harmless to show. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shared.model.evidence import answered, missing
from shared.model.text import instant, is_link, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.message import Message
    from shared.model.risk import Risk

# remote-apis-sinks.md 5. The lists are kept to bytes so that the whole stays < 20 KB:
# 6,000 + 1,000 + 4,000 for them, 2,000 for what makes the score, 4 bytes for each
# character of the rest; evidence has what is left. What is new and what was done has a
# part of its own, and the envelope the last 500.
TITLE_LIMIT = 300
TEXT_LIMIT = 512
SUBJECT_LIMIT = 128
FIRST = 4
RESOURCES_SIZE = 6_000
EVIDENCE_SIZE = 5_000
DATA_SIZE = 17_400
TACTICS_SIZE = 1_000
LINKS_SIZE = 4_000
RISK_SIZE = 2_000
# Of these one line always fits.
NEWS_SIZE = 1_100
NEWS_LIMIT = 250
DONE_SIZE = 900
DONE_LIMIT = 200


def incident_data(
    incident: Incident, evidence: Sequence[Evidence] = ()
) -> dict[str, Any]:
    """The incident as it is, and what logs say of it as far as there is room."""
    return _with_evidence(_content(incident), evidence)


def told_data(message: Message) -> dict[str, Any]:
    """What is new since the receiver was told, and what was done about it so far."""
    lines = {section.key: section.lines for section in message.sections}
    return {
        "news": _within(lines.get("news", ()), NEWS_SIZE, limit=NEWS_LIMIT),
        "done": _within(lines.get("done", ()), DONE_SIZE, limit=DONE_LIMIT),
    }


def _content(incident: Incident) -> dict[str, Any]:
    resources = _within(incident.resources, RESOURCES_SIZE)
    return {
        "id": plain(incident.id, TEXT_LIMIT),
        "title": plain(incident.title, TITLE_LIMIT) or "alert without a title",
        "severity": incident.severity.value,
        "status": incident.status.value,
        "sample": incident.is_sample,
        "scope": plain(incident.scope, TEXT_LIMIT),
        "resources": resources,
        "resources_left_out": len(incident.resources) - len(resources),
        "tactics": _within(incident.tactics, TACTICS_SIZE),
        "alerts": incident.alerts,
        "risk": _risk(incident.risk),
        "first_seen": instant(incident.first_seen),
        "last_seen": instant(incident.last_seen),
        "predecessor": _optional(incident.predecessor),
        "merged_into": _optional(incident.merged_into),
        "links": _within(filter(is_link, incident.links), LINKS_SIZE, limit=None),
    }


def _risk(risk: Risk | None) -> dict[str, Any] | None:
    """The score and, as far as there is room, what it is the sum of."""
    if risk is None:
        return None
    return {
        "total": risk.total,
        "sum": plain(risk.formula, SUBJECT_LIMIT),
        "because": _within(risk.because, RISK_SIZE),
        "missing": risk.missing,
    }


def _with_evidence(
    content: dict[str, Any], evidence: Sequence[Evidence]
) -> dict[str, Any]:
    """What logs say and what could not be had, as much as fits; nothing if not asked."""
    if not evidence:
        return content
    size = min(EVIDENCE_SIZE, DATA_SIZE - len(msgspec.json.encode(content)))
    fitting = []
    lacking, shown = missing(evidence), answered(evidence)
    # Of both there is something to be seen, however long the other is.
    for each in [*shown[:FIRST], *lacking[:FIRST], *shown[FIRST:], *lacking[FIRST:]]:
        line = {
            "query": plain(each.query, TEXT_LIMIT),
            "subject": plain(each.subject, SUBJECT_LIMIT),
            "status": each.status.value,
            "reason": plain(each.reason, TEXT_LIMIT),
            "rows": each.row_count,
            "reading": plain(each.reading, TEXT_LIMIT),
        }
        size -= len(msgspec.json.encode(line)) + 1
        if size < 0:
            break
        fitting.append(line)
    left_out = len(evidence) - len(fitting)
    return content | {"evidence": fitting, "evidence_left_out": left_out}


def _within(
    texts: Iterable[str], size: int, *, limit: int | None = TEXT_LIMIT
) -> list[str]:
    """As many of the texts, from the first, as fit into the bytes as JSON.

    Without a ``limit`` to each they stay as they are: a link that is cut leads nowhere.
    """
    fitting = []
    for text in texts:
        shown = text if limit is None else plain(text, limit)
        size -= len(msgspec.json.encode(shown)) + 1
        if size < 0:
            break
        fitting.append(shown)
    return fitting


def _optional(text: str | None) -> str | None:
    return None if text is None else plain(text, TEXT_LIMIT)
