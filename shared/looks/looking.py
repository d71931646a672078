"""What a look sees before it takes anything on, holding no lease.

The incident and its rules, the evidence that there is for as long as a page may wait,
what would contain it, and what is still to be done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.actions import head as head_of
from shared.actions import reconcile
from shared.model.action import Verb
from shared.model.incident import IncidentStatus
from shared.model.risk import Risk
from shared.triage import risk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from shared.containment.containing import Containing, Moves
    from shared.looks.assessing import Assessment, Ruled
    from shared.looks.forwarding import Forwarding
    from shared.looks.gathering import Found, Gathering
    from shared.looks.turn import Turn
    from shared.model.action import ActionRow
    from shared.model.incident import Fact, Incident
    from shared.model.risk import Weights


class Sight(NamedTuple):
    """What a look saw of an incident, and what it would do about it.

    ``head`` is as the store has it, ``after`` as this look leaves it, but for its lease;
    ``fact`` says what changed of what holds its notices back. ``stored`` are the action
    rows that there are, ``etags`` their versions. ``found`` is the evidence, where any
    was wanted.
    """

    head: Incident
    after: Incident
    fact: Fact | None
    ruled: Ruled
    todo: reconcile.Todo
    stored: Sequence[ActionRow]
    etags: Mapping[str, str]
    found: Found | None
    moves: Moves

    @property
    def acts(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.todo.actions or self.moves.jobs)


class Looking:
    """Sees what there is to do about incidents; ``weights`` is what scores are made of."""

    def __init__(
        self,
        assessment: Assessment,
        *,
        gathering: Gathering,
        containing: Containing,
        forwarding: Forwarding,
        weights: Weights,
    ) -> None:
        self._assessment = assessment
        self._gathering = gathering
        self._containing = containing
        self._forwarding = forwarding
        self._weights = weights

    async def __call__(self, head: Incident, turn: Turn, now: datetime) -> Sight:
        """What a look at this head sees. Raises StoreError."""
        stored, etags = await self._assessment.rows(head)
        tagged = await self._gathering.tagged(head, turn)
        scored = replace(tagged, risk=self._risk(head, None))
        ruled, todo = await self._assessment.ruled(scored, stored, now)
        found = await self._evidence(scored, ruled, todo, stored, turn)
        evidence = found.evidence if found else ()
        left, fact = self._left(tagged, ruled, found)
        moves = await self._containing(
            left,
            evidence=evidence,
            policy=ruled.rules.policy,
            begins=_begins(todo, stored),
        )
        after = moves.on(left)
        if found is not None or moves.rows:
            todo = await self._assessment.todo(
                after, stored, now, ruled.rules, evidence
            )
        todo = await self._assessment.admitted(head, todo, stored)
        todo = reconcile.forwards_last(todo, acts=bool(moves.jobs))
        todo = await self._forwarding.filled(after, todo, stored, evidence)
        return Sight(head, after, fact, ruled, todo, stored, etags, found, moves)

    async def _evidence(
        self,
        head: Incident,
        ruled: Ruled,
        todo: reconcile.Todo,
        stored: Sequence[ActionRow],
        turn: Turn,
    ) -> Found | None:
        """The evidence that what is to do is done with, where any is wanted."""
        begins = _begins(todo, stored)
        held, _ = self._left(head, ruled, None)
        if held.risk is None:
            # A route of low scores may be the only one; it takes nothing unscored.
            least = ruled.rules.routing(replace(held, risk=Risk()))
            named = {each.responder for each in ruled.rules.routing(held)}
            begins = begins or any(each.responder not in named for each in least)
        acts = bool(todo.actions)
        return await self._gathering(held, turn, begins=begins, acts=acts)

    def _left(
        self, head: Incident, ruled: Ruled, found: Found | None
    ) -> tuple[Incident, Fact | None]:
        """The head as this look leaves it, but for deeds; what holds it back that is new."""
        held, fact = head_of.ruled(head, ruled.ruling, ruled.hold)
        held = replace(held, risk=self._risk(head, found))
        return replace(held, evidence=found.mark) if found else held, fact

    def _risk(self, head: Incident, found: Found | None) -> Risk | None:
        """Its score; None while logs were not asked what they know, and of a test."""
        if head.is_drill:
            return None
        if found is not None:
            return risk.score(head, found.evidence, self._weights)
        is_asked = head.evidence is not None and head.risk is not None
        is_open = head.status is IncidentStatus.OPEN
        if self._gathering.is_on and is_open and not is_asked:
            return None
        return risk.again(head, head.risk, self._weights)


def _begins(todo: reconcile.Todo, stored: Sequence[ActionRow]) -> bool:
    """Whether somebody is about to be told of it for the first time."""
    known = {row.key for row in stored}
    return any(
        action.verb is Verb.TRIGGER and action.key not in known
        for action in todo.actions
    )
