"""What people read of a deed: in notices, in lists, and in the timeline. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.actions.deeds import next_at
from shared.model.action import Kind
from shared.model.deed import Says
from shared.model.deed_status import DeedStatus, Gist
from shared.model.incident import Fact
from shared.model.text import minute, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shared.model.deed import DeedRow, Finding

# Both are a line of a notice.
_LONGEST_SAYS, _LONGEST_STAND = 200, 300
_NAMED = 3


def gist(row: DeedRow) -> Gist:
    """What the head of its incident knows of it."""
    by_hand = row.by_hand if row.status.may_hold else ()
    return Gist(
        incident=row.incident,
        status=row.status,
        says=plain(row.deed.says, _LONGEST_SAYS),
        stands=plain(_SAID[row.status](row), _LONGEST_STAND),
        next_at=next_at(row),
        by_hand=by_hand,
        plan=row.deed.digest if row.status is DeedStatus.AWAITING else "",
        contained_at=row.applied_at if row.deed.kind is Kind.CONTAIN else None,
    )


def fact(row: DeedRow) -> Fact:
    """What the timeline says of it; with the commands that take it back, whole."""
    by_hand = ""
    if row.status is DeedStatus.VERIFIED and row.by_hand:
        by_hand = f"; by hand: {'; '.join(row.by_hand)}"
    name = row.status.replace(" ", "_")
    return Fact(kind=f"deed.{name}", detail=f"{gist(row).line}{by_hand}")


def is_news(row: DeedRow, before: DeedRow | None) -> bool:
    """Whether the row says anything to people that it did not say before."""
    return before is None or gist(before).line != gist(row).line


def why(findings: Iterable[Finding], *says: Says) -> str:
    """The reasons of the findings that say one of these, the first few."""
    found = [finding.why for finding in findings if finding.says in says]
    return "; ".join(found[:_NAMED])


def _of_shadow(row: DeedRow) -> str:
    asks = why(row.findings, Says.ASK, Says.WAIT)
    tail = f"; people would have been asked: {asks}" if asks else ""
    return f"not done, the mode is shadow{tail}{_noted(row)}"


def _of_asking(row: DeedRow) -> str:
    until = f" until {minute(row.not_before)}" if row.not_before else ""
    asks = why(row.findings, Says.ASK, Says.WAIT)
    return f"waits for approval{until}: {asks}{_noted(row)}"


def _noted(row: DeedRow) -> str:
    """What would keep it from being done, as far as that shows."""
    notes = why(row.findings, Says.NOTE)
    return f"; it may fail: {notes}" if notes else ""


def _of_waiting(row: DeedRow) -> str:
    about = row.detail or why(row.findings, Says.WAIT)
    return f"to be done{f', {about}' if about else ''}"


def _of_end(row: DeedRow) -> str:
    who = f" by {row.ending.by}" if row.ending else ""
    how = "taken back" if row.status is DeedStatus.UNDONE else "taken back at its end"
    tail = f"; {row.detail}" if row.detail else ""
    return f"{how}{who}, {minute(row.changed_at)}{tail}"


def _since(row: DeedRow) -> str:
    return f" since {minute(row.applied_at)}" if row.applied_at else ""


def _until(row: DeedRow) -> str:
    if not row.deed.reversible:
        return "; it cannot be taken back"
    return f" until {minute(row.until)}" if row.until else " until it is taken back"


def _of_denial(row: DeedRow) -> str:
    return f"denied by {row.ending.by}" if row.ending else "denied"


_SAID: dict[DeedStatus, Callable[[DeedRow], str]] = {
    DeedStatus.PLANNED: _of_shadow,
    DeedStatus.REFUSED: lambda row: (
        f"refused, {why(row.findings, Says.REFUSE) or row.detail}"
    ),
    DeedStatus.AWAITING: _of_asking,
    DeedStatus.GUARDED: _of_waiting,
    DeedStatus.CLAIMED: _of_waiting,
    DeedStatus.APPLIED: lambda _: "sent, and not seen to be in force yet",
    DeedStatus.VERIFIED: lambda row: (
        f"in force{_since(row)}{_until(row)}{f'; {row.detail}' if row.detail else ''}"
    ),
    DeedStatus.RELEASING: lambda row: (
        f"being taken back{f', {row.detail}' if row.detail else ''}"
    ),
    DeedStatus.STRANDED: lambda row: f"somebody has to look, {row.detail}",
    DeedStatus.UNDONE: _of_end,
    DeedStatus.EXPIRED: _of_end,
    DeedStatus.FAILED: lambda row: f"failed, {row.detail or row.reason}",
    DeedStatus.DENIED: _of_denial,
    DeedStatus.LAPSED: lambda row: f"not done, {row.detail}",
}
