"""The operation on the posture audit: what it found last, and what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from shared.api.wire import Answer
from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.posture import store
from shared.posture.audited import Layout
from shared.posture.finding import Finding

if TYPE_CHECKING:
    from shared.api.operation import Call


class FindingStatus(StrEnum):
    """How a finding stands: to be mended, let be by the policy, or mended."""

    OPEN = "open"
    LET_BE = "let_be"
    MENDED = "mended"


class PostureQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which findings; each of these may be repeated. Open ones, if no status is given.

    ``severity`` is the least that is wanted.
    """

    status: tuple[FindingStatus, ...] = ()
    check: tuple[CheckName, ...] = ()
    severity: Severity = Severity.INFORMATIONAL


class PostureView(msgspec.Struct, frozen=True, kw_only=True):
    """The last audit; ``at`` is null before the first, and where there is to be none.

    ``open`` counts all open findings by severity, ``unknown`` those of them that could
    not be read. ``findings`` are the ones that were asked for, the worst first.
    """

    at: datetime | None
    subscriptions: tuple[str, ...]
    resources: int
    layout: Layout | None
    open: dict[Severity, int]
    unknown: int
    findings: tuple[Finding, ...]


async def get_posture(call: Call) -> Answer:
    """The findings of the last audit."""
    query: PostureQuery = call.query
    found = await store.load((await call.app.storage()).blobs)
    if found is None:
        nothing = PostureView(
            at=None,
            subscriptions=(),
            resources=0,
            layout=None,
            open={},
            unknown=0,
            findings=(),
        )
        return Answer(HTTPStatus.OK, nothing)
    view = PostureView(
        at=found.at,
        subscriptions=found.subscriptions,
        resources=found.resources,
        layout=found.layout,
        open=found.open,
        unknown=found.unknown,
        findings=tuple(each for each in found.findings if _is_wanted(each, query)),
    )
    return Answer(HTTPStatus.OK, view)


def _is_wanted(found: Finding, query: PostureQuery) -> bool:
    return (
        _status(found) in (query.status or {FindingStatus.OPEN})
        and found.check in (query.check or {found.check})
        and found.severity.rank >= query.severity.rank
    )


def _status(found: Finding) -> FindingStatus:
    if found.closed_at is not None:
        return FindingStatus.MENDED
    return FindingStatus.LET_BE if found.excused else FindingStatus.OPEN
