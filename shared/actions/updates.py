"""What is told again of an incident that somebody knows of, and when. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.actions import notices
from shared.actions.follow_ups import reminding, updating
from shared.actions.told import deeds_of, told_of
from shared.model.action import OF_DEEDS, Change, Occasion
from shared.model.deed_status import DeedStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from shared.actions.routing import Route
    from shared.model.action import Action, ActionRow, Told
    from shared.model.deed_status import Gist
    from shared.model.incident import Incident


# What does not wait until the route's time is over.
_URGENT = frozenset({Change.SEVERITY_RAISED, Change.EVIDENCE, *OF_DEEDS})

# By what a deed came to; all else that is told of one is that it was done, or undone.
_OF_STATUS = {
    DeedStatus.FAILED: Change.ACTION_FAILED,
    DeedStatus.STRANDED: Change.ACTION_FAILED,
    DeedStatus.AWAITING: Change.APPROVAL_NEEDED,
}


class Update(NamedTuple):
    """A notice to send on, and when; None is at once."""

    action: Action
    at: datetime | None


def of(
    incident: Incident,
    trigger: Action,
    notice: ActionRow,
    rows: Sequence[ActionRow],
    route: Route,
) -> Iterator[Update]:
    """What is new since the notice, and a reminder while nobody answers.

    ``trigger`` is what would be sent now. A raised severity goes out at once, and so do
    what was done and evidence that came late; all else waits until the route's time
    between two notices is over, and then is one notice.
    """
    heard = [
        row
        for row in rows
        if row.dedup_key == notice.dedup_key
        and row.told is not None
        and notices.has_arrived(row)
    ]
    rung = [row for row in heard if row.occasion is not Occasion.EVIDENCE]
    last = max((row.changed_at for row in rung), default=notice.changed_at)
    now_so = told_of(incident)
    change = _first_change(incident, now_so, heard, route.again)
    if change is not None:
        told = [row.told for row in heard if row.told is not None]
        news = (*_done(incident, told), *_news(now_so, told))
        is_urgent = change in _URGENT
        at = None if is_urgent else last + route.every
        yield Update(updating(trigger, notice, change, now_so, news), at)
        if at is not None and _is_more(now_so, heard, route.again):
            # What came late does not wait for what is not told yet.
            late = updating(trigger, notice, Change.EVIDENCE, now_so, news)
            yield Update(late, None)
    if route.repeat is not None and incident.acknowledged is None:
        yield Update(reminding(trigger, notice, len(rung)), last + route.repeat)


def _first_change(
    incident: Incident,
    now_so: Told,
    heard: Sequence[ActionRow],
    again: Sequence[Change],
) -> Change | None:
    """The weightiest thing that nobody was told of yet, of those that are told again."""
    told = [row.told for row in heard if row.told is not None]
    if not told:
        # A row of an older version does not say what was told.
        return None
    changed = {_OF_STATUS.get(g.status, Change.DEED) for g in _untold(incident, told)}
    is_new = {
        **{change: change in changed for change in OF_DEEDS},
        Change.SEVERITY_RAISED: all(
            now_so.severity.rank > one.severity.rank for one in told
        ),
        Change.NEW_TACTIC: bool(_added(now_so.tactics, [t.tactics for t in told])),
        Change.NEW_RESOURCE: bool(
            _added(now_so.resources, [t.resources for t in told])
        ),
        Change.EVIDENCE: _is_more(now_so, heard, again),
    }
    return next(
        (change for change in Change if change in again and is_new[change]), None
    )


def _is_more(now_so: Told, heard: Sequence[ActionRow], again: Sequence[Change]) -> bool:
    """Whether more evidence is there than any notice had."""
    told = [row.told for row in heard if row.told is not None]
    return Change.EVIDENCE in again and (
        now_so.answered > max(one.answered for one in told)
        or now_so.found > max(one.found for one in told)
    )


def _news(now_so: Told, told: Sequence[Told]) -> tuple[str, ...]:
    """The difference, a line for each thing."""
    lines = []
    worst = max((one.severity for one in told), key=lambda severity: severity.rank)
    if now_so.severity.rank > worst.rank:
        lines.append(f"Severity raised from {worst} to {now_so.severity}")
    tactics = _added(now_so.tactics, [one.tactics for one in told])
    lines += [f"New tactic: {tactic}" for tactic in tactics]
    resources = _added(now_so.resources, [one.resources for one in told])
    lines += [f"New resource: {resource}" for resource in resources]
    answered = now_so.answered - max(one.answered for one in told)
    if answered > 0:
        s = "" if answered == 1 else "s"
        lines.append(f"Logs answered {answered} more question{s}")
    found = now_so.found - max(one.found for one in told)
    if found > 0:
        lines.append(f"{found} more of them found something")
    return tuple(lines)


def _done(incident: Incident, told: Sequence[Told]) -> tuple[str, ...]:
    """What became of deeds that nobody was told of yet."""
    return tuple(gist.line for gist in _untold(incident, told))


def _untold(incident: Incident, told: Sequence[Told]) -> list[Gist]:
    known = {name for one in told for name in one.deeds}
    return [g for name, g in deeds_of(incident).items() if name not in known]


def _added(now: Sequence[str], before: Sequence[Sequence[str]]) -> list[str]:
    known = {text for texts in before for text in texts}
    return [text for text in now if text not in known]
