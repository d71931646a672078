"""Whether deeds may be begun: rules, guards, the stop flag, and budgets that have room."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared import telemetry
from shared.actions import containment, deed_plans, guards
from shared.actions.budgets import purses
from shared.actions.deed_plans import Judgement
from shared.containment.doing import STOPPED
from shared.containment.reserving import Reserving
from shared.model import resource
from shared.model.action import Kind
from shared.model.deed import Finding, Guard, Says
from shared.model.deed_status import DeedStatus
from shared.model.errors import StoreError
from shared.model.guards import Mode
from shared.triage import grounds, own

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )
    from datetime import datetime

    from shared.actions.guards import Facts
    from shared.containment.planning import Ground, Planning, Terms
    from shared.containment.stopping import Stopping
    from shared.model.alert import Alert
    from shared.model.deed import Deed, DeedRow
    from shared.model.incident import Incident
    from shared.model.tally import Group
    from shared.store.ledger import Ledger

# Evidence of a target goes before what contains it, for so long; before what wipes it
# until it is kept, or people say that it need not be (review F20).
EVIDENCE_FIRST = timedelta(seconds=60)
KEPT_WITHIN = timedelta(minutes=30)

UNWANTED = "no rule of the policy wants it"

# Evidence that is not there yet, and may come.
_COLLECTING = frozenset({DeedStatus.GUARDED, DeedStatus.CLAIMED, DeedStatus.APPLIED})
# And evidence that never will.
_MISSED = frozenset({DeedStatus.RELEASING, DeedStatus.STRANDED, DeedStatus.FAILED})


class Judging:
    """Judges deeds that were not begun.

    ``approved`` says whether a person let one pass; ``say`` has people told what
    Firewatch itself has to say.
    """

    def __init__(
        self,
        ledger: Ledger,
        terms: Terms,
        planning: Planning,
        stopping: Stopping,
        *,
        approved: Callable[[DeedRow, datetime], bool],
        say: Callable[[Alert], Awaitable[None]],
    ) -> None:
        self._ledger = ledger
        self._terms = terms
        self._planning = planning
        self._stopping = stopping
        self._reserve = Reserving(ledger)
        self._approved = approved
        self._say = say

    async def __call__(
        self,
        head: Incident,
        judged: Iterable[DeedRow],
        known: Mapping[str, DeedRow],
        ground: Ground,
    ) -> list[DeedRow]:
        """Each row with what it comes to now; what may be begun has its budgets.

        ``known`` are all rows of the incident. Raises StoreError.
        """
        # What is to be kept of a target is judged before what changes it.
        before = sorted(judged, key=lambda row: row.deed.kind is Kind.CONTAIN)
        facts = await self._planning.facts([row.deed for row in before], ground)
        is_stopped = await self._stopping.now() is not None
        now = self._ledger.now()
        lapses_at = now + self._terms.guards.approval
        after: dict[str, DeedRow] = {}
        for row in before:
            waits = [*_of_stop(is_stopped=is_stopped)]
            waits += of_evidence(row, {**known, **after}.values(), now)
            said = await self._said(head, row, facts[row.deed.digest], waits)
            after[row.key] = (
                deed_plans.lapsed(row, UNWANTED, now)
                if said is None
                else deed_plans.judged(row, said, now, lapses_at=lapses_at)
            )
        return [*after.values()]

    async def _said(
        self, head: Incident, row: DeedRow, facts: Facts, waits: list[Finding]
    ) -> Judgement | None:
        """What is said of a deed; None where no rule wants it."""
        now, deed, terms = self._ledger.now(), row.deed, self._terms
        real = [a for a in facts.alerts if not a.is_sample] or facts.alerts
        view = grounds.view(head, deed, real)
        # Those of now, and not what was remembered for notices.
        view = replace(view, tags=_tags(deed, facts, terms.rules.tags))
        rules = terms.rules.wanting(deed, view)
        if not rules:
            return None
        mode = containment.mode_of(deed, rules, terms.guards)
        mode = mode if terms.can_ask else Mode.SHADOW
        found = [*guards.judge(head, deed, mode, terms.guards, facts, now=now), *waits]
        is_approved = self._approved(row, now)
        status = guards.standing(found, mode, is_approved=is_approved)
        is_clear = status in {DeedStatus.GUARDED, DeedStatus.PLANNED}
        if is_clear and not deed_plans.waits(found):
            # Only now, for what is reserved is never given back.
            over = await self._over(row, facts.groups, mode, is_approved=is_approved)
            found += over
            status = guards.standing(over, mode, is_approved=False)
        names = tuple(rule.label for rule in rules)
        return Judgement(status, tuple(found), mode, names, containment.lasts(rules))

    async def _over(
        self, row: DeedRow, groups: Sequence[Group], mode: Mode, *, is_approved: bool
    ) -> list[Finding]:
        """The budget that has no room; none where each has, and the deed some of it.

        In shadow nothing is taken, and so nothing used up: shares alone are looked at,
        which may be of too few machines, or of what cannot be read.
        """
        begins = mode is not Mode.SHADOW
        drawn_on = [
            purse
            for purse in purses(row.deed, self._terms.guards, groups)
            if begins or purse.group is not None
        ]
        try:
            full = await self._reserve(
                row, drawn_on, is_approved=is_approved, takes=begins
            )
            if full is None:
                return []
            if begins and full.since is not None:
                now = self._ledger.now()
                await self._say(own.tripped(full.purse.name, full.why, full.since, now))
        except StoreError as error:
            telemetry.emit(telemetry.GUARD_UNREAD, reason=str(error))
            why = "a budget cannot be read"
            return [Finding(guard=Guard.BUDGET, says=Says.WAIT, why=why)]
        says = Says.REFUSE if full.purse.budget.strict else Says.ASK
        return [Finding(guard=Guard.BUDGET, says=says, why=full.why)]


def _tags(deed: Deed, facts: Facts, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """The tags of what the deed is about, as heads have them; none where unread."""
    about = deed.resources[0] if deed.resources else ""
    found = facts.tags.get(about)
    if found is None:
        return {}
    lowered = {name.lower(): value for name, value in found.items()}
    return {resource.whole(about) or about: {n: lowered.get(n, "") for n in names}}


def _of_stop(*, is_stopped: bool) -> Iterator[Finding]:
    if is_stopped:
        yield Finding(guard=Guard.STOP, says=Says.WAIT, why=STOPPED)


def of_evidence(
    row: DeedRow, every: Iterable[DeedRow], now: datetime
) -> Iterator[Finding]:
    """That it waits for evidence of what it touches; of ``every`` deed of the incident.

    Evidence that failed, or took too long, people are asked about where it would be lost.
    """
    deed = row.deed
    if deed.kind is not Kind.CONTAIN:
        return
    touched = {*deed.resources, *deed.machines}
    of_it = [
        other
        for other in every
        if other.deed.kind is Kind.EVIDENCE
        and touched & {*other.deed.resources, *other.deed.machines}
    ]
    collecting = [other for other in of_it if other.status in _COLLECTING]
    within = KEPT_WITHIN if deed.wipes else EVIDENCE_FIRST
    if any(now - other.planned_at < within for other in collecting):
        why = "evidence of it is kept first"
        yield Finding(guard=Guard.EVIDENCE, says=Says.WAIT, why=why)
    elif deed.wipes and (collecting or any(other.status in _MISSED for other in of_it)):
        why = "evidence of it was not kept, and would be lost"
        yield Finding(guard=Guard.EVIDENCE, says=Says.ASK, why=why)
