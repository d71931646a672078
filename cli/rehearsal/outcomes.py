"""What deeds of a rehearsal came to, and how two policies differ. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from shared.actions.deed_words import why
from shared.containment.judging import UNWANTED
from shared.model.deed import Says
from shared.model.deed_status import DeedStatus
from shared.model.guards import Mode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cli.rehearsal.playing import Played
    from shared.model.deed import DeedRow

NOTHING = "nothing"


class Outcome(StrEnum):
    """What a policy would have come to about a deed."""

    DONE = "done"
    ASKED = "asked"
    REFUSED = "refused"
    SHADOW = "shadow"
    FAILED = "failed"
    WAITED = "waited"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One deed: when, about what, what it would have come to, and why.

    ``why`` is what guards said; of a deed in shadow, what people would have been asked.
    """

    at: datetime
    incident: str
    title: str
    responder: str
    target: str
    says: str
    outcome: Outcome
    why: str
    rules: tuple[str, ...]
    lasts_s: int | None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A deed that two policies come to otherwise; ``nothing`` where it is not planned."""

    incident: str
    title: str
    target: str
    says: str
    before: str
    after: str


def lines(played: Played) -> list[Line]:
    """Every deed that the policy wants, the first planned first."""
    found = []
    for row in played.deeds:
        if row.status is DeedStatus.LAPSED and row.detail == UNWANTED:
            continue
        head = played.incidents.get(row.incident)
        outcome = _outcome(row)
        found.append(
            Line(
                at=row.planned_at,
                incident=row.incident,
                title=head.title if head else "",
                responder=row.deed.responder,
                target=row.deed.target,
                says=row.deed.says,
                outcome=outcome,
                why=_why(row, outcome),
                rules=row.rules,
                lasts_s=int(row.lasts.total_seconds()) if row.lasts else None,
            )
        )
    return sorted(found, key=lambda line: (line.at, line.incident, line.target))


def differences(before: Sequence[Line], after: Sequence[Line]) -> list[Difference]:
    """What comes out otherwise, in the order of what is planned."""
    was, now = _by_deed(before), _by_deed(after)
    found = []
    for key in dict.fromkeys((*was, *now)):
        old, new = was.get(key), now.get(key)
        one = new or old
        said = [NOTHING if each is None else each.outcome for each in (old, new)]
        if one is not None and said[0] != said[1]:
            found.append(
                Difference(
                    incident=one.incident,
                    title=one.title,
                    target=one.target,
                    says=one.says,
                    before=said[0],
                    after=said[1],
                )
            )
    return found


def _by_deed(found: Iterable[Line]) -> Mapping[tuple[str, ...], Line]:
    """By what is done and to what: the responder's name is the policy's own."""
    return {(line.incident, line.says, line.target): line for line in found}


def _outcome(row: DeedRow) -> Outcome:
    says = {finding.says for finding in row.findings}
    if row.status is DeedStatus.FAILED:
        return Outcome.FAILED
    if row.applied_at is not None:
        return Outcome.DONE
    if row.status is DeedStatus.REFUSED or Says.REFUSE in says:
        return Outcome.REFUSED
    if row.mode is Mode.SHADOW:
        return Outcome.SHADOW
    return Outcome.ASKED if Says.ASK in says else Outcome.WAITED


def _why(row: DeedRow, outcome: Outcome) -> str:
    match outcome:
        case Outcome.DONE:
            return ""
        case Outcome.FAILED:
            return row.detail or row.reason
        case Outcome.REFUSED:
            return why(row.findings, Says.REFUSE) or row.detail
        case Outcome.SHADOW | Outcome.ASKED | Outcome.WAITED:
            return why(row.findings, Says.ASK, Says.WAIT)
