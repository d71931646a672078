"""The records that a forward sends: the same at every sink, all text harmless. Pure.

Four kinds: the incident as it is, what was done about it, its audit trail, and what
logs say of it. Each has a key that is its own for ever, by which readers tell repeats.
A text is one line in NFC, without invisible characters and with defanged URLs, cut with
a visible mark (``shared.model.text.plain``).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from shared.model.text import instant, is_link, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.model.action import Action, ActionRow
    from shared.model.deed import DeedRow
    from shared.model.dossier import Dossier
    from shared.model.evidence import Evidence
    from shared.model.incident import Entry, Incident, Mark

LINE = 512
TITLE = 300
# No record is over 80 KB: Log Analytics cuts a field at 64 KB, and a hub of the
# smallest tier takes 256 KB (remote-apis-sinks.md 11 and 16). In bytes of JSON.
LIST_SIZE = 4_000
PROBLEMS_SIZE = 12_000
ROWS_SIZE = 24_000
CELL = 256
# What a storm put on an incident is counted; so many of its alerts are named.
MOST_ALERTS = 20


class Sort(StrEnum):
    """Which of the four a record is."""

    INCIDENT = "incident"
    ACTION = "action"
    AUDIT = "audit"
    EVIDENCE = "evidence"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to forward. ``at`` is when it was so, ``forward`` the action's key.

    ``is_first`` says that nothing of its incident was forwarded before.
    """

    sort: Sort
    key: str
    at: datetime
    forward: str
    incident: str
    dedup_key: str
    data: dict[str, Any]
    is_first: bool = False

    @property
    def flat(self) -> dict[str, Any]:
        """All of it as one object, for sinks of JSON."""
        return {
            "key": self.key,
            "kind": self.sort.value,
            "time": instant(self.at),
            "incident": self.incident,
            "dedup_key": self.dedup_key,
            "forward": self.forward,
            **self.data,
        }


def records(action: Action, dossier: Dossier) -> list[Record]:
    """Everything that a forward sends, the incident first."""
    incident = dossier.incident
    name = plain(incident.id, LINE)
    found = [
        (
            Sort.INCIDENT,
            f"{name}-{dossier.through}",
            incident.changed_at,
            incident_data(incident),
        ),
        *(
            (
                Sort.ACTION,
                f"{row.key}-{row.status}-{row.attempts}",
                row.changed_at,
                _action(row),
            )
            for row in dossier.actions
        ),
        *(
            (
                Sort.ACTION,
                f"{row.key}-{row.status.replace(' ', '-')}-{row.attempts}",
                row.changed_at,
                _deed(row),
            )
            for row in dossier.deeds
        ),
        *(each for entry in dossier.entries for each in _audit(name, entry)),
        *(
            (
                Sort.EVIDENCE,
                _evidence_key(name, each),
                each.asked_at,
                _evidence(each),
            )
            for each in dossier.evidence
        ),
    ]
    return [
        Record(
            sort=sort,
            key=key,
            at=at,
            forward=action.key,
            incident=name,
            dedup_key=action.dedup_key,
            data=data,
            is_first=dossier.is_first,
        )
        for sort, key, at, data in found
    ]


def incident_data(incident: Incident) -> dict[str, Any]:
    """The incident as it is."""
    risk, verdict = incident.risk, incident.verdict
    return {
        "title": plain(incident.title, TITLE) or "alert without a title",
        "severity": incident.severity.value,
        "status": incident.status.value,
        "sample": incident.is_sample,
        "scope": plain(incident.scope, LINE),
        "resources": fitting(incident.resources),
        "tactics": fitting(incident.tactics),
        "techniques": fitting(incident.techniques),
        "alerts": incident.alerts,
        "problems": _problems(incident),
        "accounts": fitting(incident.accounts),
        "addresses": fitting(incident.addresses),
        "hosts": fitting(incident.hosts),
        "products": fitting(incident.products),
        "score": None if risk is None else risk.total,
        "because": [] if risk is None else fitting(risk.because),
        "first_seen": instant(incident.first_seen),
        "last_seen": instant(incident.last_seen),
        "opened_at": instant(incident.opened_at),
        "changed_at": instant(incident.changed_at),
        "paged_at": _time(incident.paged_at),
        "epoch": incident.epoch,
        "predecessor": _optional(incident.predecessor),
        "successor": _optional(incident.successor),
        "merged_into": _optional(incident.merged_into),
        "absorbed": fitting(incident.absorbed),
        **_mark("acknowledged", incident.acknowledged),
        **_mark("resolved", incident.resolved),
        "classification": verdict.classification.value if verdict else None,
        "reason": verdict.reason.value if verdict and verdict.reason else None,
        "links": [link for link in incident.links if is_link(link)][:3],
    }


def fitting(texts: Iterable[str], size: int = LIST_SIZE) -> list[str]:
    """As many of the texts, from the first, as fit into the bytes as JSON."""
    found = []
    for text in texts:
        shown = plain(text, LINE)
        size -= len(msgspec.json.encode(shown)) + 1
        if size < 0:
            break
        found.append(shown)
    return found


def _problems(incident: Incident) -> list[dict[str, Any]]:
    """What happened, the worst first: each is told once and its alerts are counted."""
    found: list[dict[str, Any]] = []
    names = {id(problem): name for name, problem in incident.problems.items()}
    size = PROBLEMS_SIZE
    for problem in incident.worst_first:
        line = {
            "problem": plain(names[id(problem)], 32),
            "title": plain(problem.title, TITLE) or "alert without a title",
            "alert_type": plain(problem.alert_type, LINE),
            "severity": problem.severity.value,
            "count": problem.count,
            "first_seen": instant(problem.first_seen),
            "last_seen": instant(problem.last_seen),
        }
        size -= len(msgspec.json.encode(line)) + 1
        if size < 0:
            break
        found.append(line)
    return found


def _action(row: ActionRow) -> dict[str, Any]:
    return {
        "action": row.key,
        "responder": plain(row.responder, LINE),
        "responder_kind": row.kind.value,
        "verb": row.verb.value,
        "target": plain(row.target, LINE),
        "occasion": row.occasion.value,
        "status": row.status.value,
        "attempts": row.attempts,
        "planned_at": instant(row.planned_at),
        "changed_at": instant(row.changed_at),
        "reason": plain(row.reason, LINE),
        "detail": plain(row.detail, LINE),
        "reference": plain(row.reference, LINE),
        "policy": plain(row.policy, LINE),
        "epoch": row.epoch,
    }


def _deed(row: DeedRow) -> dict[str, Any]:
    """What was changed, or would be, in the words that notices have."""
    return {
        "action": row.key,
        "responder": plain(row.deed.responder, LINE),
        "responder_kind": row.deed.kind.value,
        "verb": plain(row.deed.use, LINE),
        "target": plain(row.deed.target, LINE),
        "occasion": row.mode.value,
        "status": row.status.value,
        "attempts": row.attempts,
        "planned_at": instant(row.planned_at),
        "changed_at": instant(row.changed_at),
        "reason": plain(row.reason, LINE),
        "detail": plain(row.detail or row.deed.says, LINE),
        "reference": plain(row.reference, LINE),
        "policy": plain(row.policy, LINE),
        "epoch": row.epoch,
    }


def _audit(incident: str, entry: Entry) -> Iterator[tuple[Sort, str, datetime, Any]]:
    """A record for each kind of thing that an entry says: a thousand alerts are one."""
    for place, kind in enumerate(dict.fromkeys(fact.kind for fact in entry.facts)):
        facts = [fact for fact in entry.facts if fact.kind == kind]
        alerts = dict.fromkeys(fact.alert for fact in facts if fact.alert)
        details = dict.fromkeys(fact.detail for fact in facts if fact.detail)
        data = {
            "sequence": entry.sequence,
            "by": plain(entry.by, LINE),
            "what": plain(kind, LINE),
            "count": len(facts),
            "alerts_named": fitting([*alerts][:MOST_ALERTS]),
            "details": fitting([*details][:MOST_ALERTS]),
            "previous": plain(entry.previous, LINE),
        }
        yield Sort.AUDIT, f"{incident}-{entry.sequence}-{place}", entry.at, data


def _evidence_key(incident: str, evidence: Evidence) -> str:
    said = f"{evidence.query}|{evidence.subject}|{evidence.workspace}"
    digest = hashlib.sha256(said.encode(errors="replace")).hexdigest()[:16]
    return f"{incident}-{digest}-{int(evidence.asked_at.timestamp())}"


def _evidence(evidence: Evidence) -> dict[str, Any]:
    cells = [[plain(cell, CELL) for cell in row] for row in evidence.rows]
    shown, size = [], ROWS_SIZE
    for row in cells:
        size -= len(msgspec.json.encode(row)) + 1
        if size < 0:
            break
        shown.append(row)
    return {
        "query": plain(evidence.query, LINE),
        "question": plain(evidence.question, LINE),
        "subject": plain(evidence.subject, LINE),
        "workspace": plain(evidence.workspace, LINE),
        "since": instant(evidence.since),
        "until": instant(evidence.until),
        "asked_at": instant(evidence.asked_at),
        "status": evidence.status.value,
        "reason": plain(evidence.reason, LINE),
        "reading": plain(evidence.reading, LINE),
        "columns": fitting(evidence.columns),
        "rows": shown,
        "row_count": evidence.row_count,
        "truncated": evidence.is_truncated or len(shown) < len(evidence.rows),
    }


def _mark(name: str, mark: Mark | None) -> dict[str, str | None]:
    return {
        f"{name}_by": plain(mark.by, LINE) if mark else None,
        f"{name}_at": instant(mark.at) if mark else None,
        f"{name}_note": plain(mark.note, LINE) if mark else None,
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else instant(at)


def _optional(text: str | None) -> str | None:
    return None if text is None else plain(text, LINE)
