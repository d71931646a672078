"""What is planned to contain an incident, and what it comes to before it is begun. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.actions.deeds import LOOK_AGAIN
from shared.model.deed import DeedRow, Says, key_of
from shared.model.deed_status import DeedStatus
from shared.model.guards import Mode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from shared.model.deed import Deed, Finding
    from shared.model.incident import Incident

# Of one incident: each has a row, and a line in its head.
MOST_OF_ONE = 50

_UNBEGUN = frozenset(
    {
        DeedStatus.PLANNED,
        DeedStatus.REFUSED,
        DeedStatus.AWAITING,
        DeedStatus.GUARDED,
    }
)


def planned(
    head: Incident,
    deed: Deed,
    *,
    now: datetime,
    policy: str,
) -> DeedRow:
    """The row of a deed that nobody has judged yet."""
    return DeedRow(
        key=key_of(head, deed),
        incident=head.id,
        epoch=head.epoch,
        deed=deed,
        status=DeedStatus.PLANNED,
        mode=Mode.SHADOW,
        planned_at=now,
        changed_at=now,
        policy=policy,
    )


class Renewed(NamedTuple):
    """The rows of what doers plan now, and of what they plan no more.

    ``beyond`` is how many there would have been beside.
    """

    planned: dict[str, DeedRow]
    dropped: tuple[DeedRow, ...] = ()
    beyond: int = 0


def renewed(
    head: Incident,
    known: Mapping[str, DeedRow],
    fresh: Iterable[DeedRow],
    now: datetime,
    *,
    is_all: bool,
) -> Renewed:
    """Compare what is planned with the rows of the incident and of all it absorbed.

    What was begun, or a person denied, is left alone. What nobody approved in time is
    asked for again where more alerts speak for it. ``is_all`` says that nothing else is
    planned.
    """
    mine = {
        _same(row): row
        for row in known.values()
        if row.epoch == head.epoch or row.incident != head.id
    }
    planned: dict[str, DeedRow] = {}
    beyond = 0
    for row in fresh:
        before = mine.get(_same(row))
        if before is None:
            if len(known) + len(planned) < MOST_OF_ONE:
                planned.setdefault(row.key, row)
            else:
                beyond += 1
        elif before.status in _UNBEGUN or _is_asked_again(before, row):
            planned[before.key] = _planned_again(before, row)
    dropped = (
        lapsed(row, "nothing speaks for it any more", now)
        for row in known.values()
        if is_all and row.status in _UNBEGUN and row.key not in planned
    )
    return Renewed(planned, tuple(dropped), beyond)


def _same(row: DeedRow) -> tuple[str, ...]:
    return row.deed.responder, row.deed.use, row.deed.target


def _is_asked_again(before: DeedRow, row: DeedRow) -> bool:
    is_news = {*row.deed.alerts} - {*before.deed.alerts}
    return before.status is DeedStatus.LAPSED and bool(is_news)


def _planned_again(row: DeedRow, fresh: DeedRow) -> DeedRow:
    """A row that was not begun, with the plan of now; another plan is not approved."""
    is_same = row.deed.digest == fresh.deed.digest
    return replace(
        row,
        deed=fresh.deed,
        policy=fresh.policy,
        approval=row.approval if is_same else None,
    )


class Judgement(NamedTuple):
    """What rules and guards say of a deed that was not begun, and what it comes to."""

    status: DeedStatus
    findings: tuple[Finding, ...]
    mode: Mode
    rules: tuple[str, ...]
    lasts: timedelta | None


def judged(
    row: DeedRow, said: Judgement, now: datetime, *, lapses_at: datetime
) -> DeedRow:
    """The row with what guards say; ``lapses_at`` is when nobody is asked any more."""
    status, findings = said.status, said.findings
    is_same = row.status is status
    not_before = row.not_before if is_same else None
    if status is DeedStatus.AWAITING and not is_same:
        not_before = lapses_at
    if status is DeedStatus.GUARDED and waits(findings):
        not_before = now + LOOK_AGAIN
    return replace(
        row,
        findings=findings,
        mode=said.mode,
        rules=said.rules,
        lasts=said.lasts if row.deed.reversible else None,
        status=status,
        changed_at=row.changed_at if is_same else now,
        not_before=not_before,
        reason="",
        detail="",
    )


def lapsed(row: DeedRow, why: str, now: datetime) -> DeedRow:
    """A row that was not begun and never will be."""
    return replace(
        row,
        status=DeedStatus.LAPSED,
        changed_at=now,
        not_before=None,
        detail=why,
        approval=None,
    )


def waits(findings: Iterable[Finding]) -> bool:
    """Whether a guard has the deed wait."""
    return any(finding.says is Says.WAIT for finding in findings)
