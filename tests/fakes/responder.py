"""A responder that remembers what it was told to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from responders.base import wanted
from shared.model.action import Action, Kind, Outcome, Verb, planned
from tests.fakes.store import Faults

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.model.evidence import Evidence
    from shared.model.incident import Incident


class Sent(NamedTuple):
    """What reached the other side."""

    dedup_key: str
    verb: str
    occasion: str
    key: str


class FakeResponder:
    """A responder whose other side takes everything, unless a test scripts otherwise.

    ``failures`` are raised one per call before anything arrives, ``lost_answers`` after
    it arrived. ``meanwhile`` is awaited within the next call, before it arrives.
    """

    kind = Kind.NOTIFY
    verbs = frozenset({Verb.TRIGGER, Verb.UPDATE, Verb.RESOLVE})

    def __init__(self, name: str = "pager", faults: Faults | None = None) -> None:
        self.name = name
        self.faults = faults or Faults()
        self.sent: list[Sent] = []
        self.actions: list[Action] = []
        self.failures: list[Exception] = []
        self.lost_answers: list[Exception] = []
        self.meanwhile: list[Callable[[], Awaitable[object]]] = []
        self.broken_plan: Exception | None = None

    async def plan(
        self, incident: Incident, evidence: Sequence[Evidence] = ()
    ) -> Sequence[Action]:
        if self.broken_plan is not None:
            raise self.broken_plan
        return [
            planned(
                incident,
                responder=self.name,
                kind=self.kind,
                verb=verb,
                target=self.name,
                occasion=occasion,
                content={"title": incident.title}
                | ({"evidence": [*evidence]} if evidence else {}),
            )
            for verb, occasion in wanted(incident)
        ]

    async def apply(self, action: Action) -> Outcome:
        async with self.faults.call("responder.apply"):
            if self.meanwhile:
                await self.meanwhile.pop(0)()
            if self.failures:
                raise self.failures.pop(0)
            self.actions.append(action)
            self.sent.append(
                Sent(action.dedup_key, action.verb, action.occasion, action.key)
            )
            if self.lost_answers:
                raise self.lost_answers.pop(0)
        return Outcome(reference=f"ref-{action.dedup_key}")

    @property
    def effects(self) -> set[tuple[str, str]]:
        """What the other side knows: each key and verb, once (law 4).

        Updates are left out: which states were told on the way depends on when somebody
        looked (review F7d).
        """
        return {
            (sent.dedup_key, sent.verb) for sent in self.sent if sent.verb != "update"
        }

    def sent_verbs(self) -> list[str]:
        """The verbs that arrived, in order."""
        return [sent.verb for sent in self.sent]
