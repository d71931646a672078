"""A forwarder whose other side remembers the records that it was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from responders.base import forwards
from responders.forwards.records import Record, Sort, records
from shared.model.action import Action, Kind, Outcome, Verb
from shared.model.traffic import Traffic
from tests.fakes.responder import FakeResponder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.evidence import Evidence
    from shared.model.incident import Incident


class FakeForwarder(FakeResponder):
    """Like any fake responder; ``records`` is what arrived, repeats and all."""

    kind = Kind.FORWARD
    verbs = frozenset({Verb.FORWARD})

    async def plan(
        self,
        incident: Incident,
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  the core adds them
    ) -> Sequence[Action]:
        return forwards(incident, self.name)

    async def apply(self, action: Action) -> Outcome:
        outcome = await super().apply(action)
        return replace(outcome, traffic=Traffic(records=1, bytes=10, calls=1))

    @property
    def records(self) -> list[Record]:
        """The records that arrived, in order."""
        return [
            record
            for action in self.actions
            if action.dossier is not None
            for record in records(action, action.dossier)
        ]

    def audit(self, incident: str) -> list[tuple[int, str]]:
        """The audit trail of an incident as its reader has it, without repeats."""
        found = {
            record.key: (record.data["sequence"], record.data["what"])
            for record in self.records
            if record.sort is Sort.AUDIT and record.incident == incident
        }
        return sorted(found.values())
