"""What a query said about something in an incident, with all that one needs to doubt it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


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


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one query about one subject, or why there is none.

    ``subject`` is what it was asked about, for people, such as ``account
    jdoe@contoso.com``; ``since`` and ``until`` bound what was asked, ``asked_at`` is
    when the workspace was. ``workspace`` is the workspaces of the rows, comma-separated;
    its id is a GUID, or the ARM id of the resource whose logs were asked for.

    ``row_count`` counts what the workspace gave. ``rows`` are the first of them, each
    cell as a text, both bounded so that the whole fits a table row; ``is_truncated``
    says that rows or ends of cells are left out, here or by the query's own limit.
    Cells, subject and reading hold text of attackers.

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
