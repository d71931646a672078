"""What a query said about something in an incident, with all that one needs to doubt it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

# Questions about an incident that no workspace answers, by the names of their evidence.
VERDICTS = "own-verdicts"
TAGS = "resource-tags"
OWN_QUESTIONS = frozenset({VERDICTS, TAGS})


class Cost(StrEnum):
    """How much a query asks of a workspace, by the author of the query."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class EvidenceStatus(StrEnum):
    """How far an answer can be trusted to be all there is.

    A query that found nothing is COMPLETE: that nothing is there is an answer.
    """

    COMPLETE = "complete"
    PARTIAL = "partial"
    UNAVAILABLE = "unavailable"


class Lack(StrEnum):
    """Why evidence is not complete: the closed list that pages, logs and rows use."""

    # Some of the answer came; the workspace says that not all did.
    PARTIAL = "partial result"
    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    FORBIDDEN = "forbidden"
    MISSING_TABLE = "missing table"
    BAD_QUERY = "bad query"
    UNREACHABLE = "unreachable"
    NO_WORKSPACE = "no workspace"
    # Asking broke: a fault of ours.
    DEFECT = "a defect of Firewatch"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one query about one subject, or why there is none.

    ``subject`` is what it was asked about, for people, such as ``account
    jdoe@contoso.com``; ``since`` and ``until`` bound what was asked, ``asked_at`` is
    when the workspace was. ``workspace`` is the workspaces of the rows, comma-separated;
    its id is a GUID, or the ARM id of the resource whose logs were asked for.

    ``row_count`` counts what the workspace gave. ``rows`` are the first of them, each
    cell as a text, both bounded so that the whole fits a table row; ``is_truncated``
    says that rows or ends of cells are left out, here or by the query's own limit.
    Cells, subject and reading hold text of attackers. Of ``OWN_QUESTIONS`` ``query`` is
    the name, and ``workspace`` is empty.

    ``reason`` is the word of a ``Lack`` where the status is not COMPLETE, else empty.
    ``took_ms`` is how long the workspace took, 0 where it was not asked for this.
    ``reading`` is one sentence that says what the rows mean.
    """

    query: str
    question: str
    subject: str
    workspace: str
    since: datetime
    until: datetime
    asked_at: datetime
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    row_count: int
    is_truncated: bool
    took_ms: int
    cost: Cost
    status: EvidenceStatus
    reason: str = ""
    reading: str = ""


class EvidenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence as it is kept with an incident: the newest answer to one question.

    ``about`` stands for the subject in its key. ``place`` orders them, the most telling
    first. ``at`` is when a look asked, by the
    store's clock, and ``tries`` how often it did since the incident last had news.
    ``lag`` is how late rows of this query arrive in a workspace.
    """

    incident: str
    about: str
    place: int
    at: datetime
    tries: int
    lag: timedelta
    evidence: Evidence


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """What the head of an incident knows of its evidence.

    It was last asked for ``at``, when the incident had so many ``alerts``. Of all that
    was ``asked``, ``answered`` is how much was, ``found`` how much has rows. ``again``
    is when some of it is to be asked for once more.
    """

    at: datetime
    alerts: int
    asked: int = 0
    answered: int = 0
    found: int = 0
    again: datetime | None = None


def answered(evidence: Sequence[Evidence]) -> list[Evidence]:
    """What has something to say, in order."""
    return [e for e in evidence if e.status is not EvidenceStatus.UNAVAILABLE]


def missing(evidence: Sequence[Evidence]) -> list[Evidence]:
    """What could not be had, in order; its ``reason`` says why."""
    return [e for e in evidence if e.status is EvidenceStatus.UNAVAILABLE]
