"""One page of a list of incidents, and where the next begins. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from shared.actions import matchers
from shared.model.incident import IncidentStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.actions.matchers import Matcher
    from shared.api.bodies import ListQuery
    from shared.model.incident import Incident

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MARK = re.compile(rb"([0-9]{1,17})\.([0-9a-f]{16})")


class Mark(NamedTuple):
    """The incident that a page ended with; pages go by time, and by id where it is one."""

    opened_at: datetime
    id: str


def mark_of(incident: Incident) -> Mark:
    """Where an incident stands in the order of pages, the latest first."""
    return Mark(incident.opened_at, incident.id)


def encode(mark: Mark) -> str:
    """The cursor that stands for a mark; nobody need know how."""
    since = (mark.opened_at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{since}.{mark.id}".encode()).decode().rstrip("=")


def decode(cursor: str) -> Mark | None:
    """The mark of a cursor; None where it is none of ours."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found = _MARK.fullmatch(raw)
        if found is None:
            return None
        at = _EPOCH + timedelta(microseconds=int(found[1]))
    except (binascii.Error, ValueError, OverflowError):
        return None
    return Mark(at, found[2].decode())


def page(
    heads: Iterable[Incident],
    query: ListQuery,
    tests: Sequence[Matcher],
    after: Mark | None,
) -> tuple[list[Incident], Mark | None]:
    """The incidents of a page, and the mark of the next, if there is one."""
    found = sorted(
        (
            head
            for head in heads
            if _is_asked_for(head, query) and matchers.all_fit(tests, head)
        ),
        key=mark_of,
        reverse=True,
    )
    if after is not None:
        found = [head for head in found if mark_of(head) < after]
    shown = found[: query.limit]
    return shown, mark_of(shown[-1]) if len(found) > len(shown) else None


def _is_asked_for(head: Incident, query: ListQuery) -> bool:
    if query.status:
        fits = head.status in query.status
    else:
        fits = head.status is not IncidentStatus.MERGED
    return (
        fits
        and (query.since is None or head.opened_at >= query.since)
        and (query.until is None or head.opened_at < query.until)
    )
