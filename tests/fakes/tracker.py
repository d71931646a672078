"""A responder whose tickets are in memory, and people who work on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from responders.tickets import TicketConfig, Tracker
from shared.model.action import Kind, Outcome, Verb
from shared.model.ticket import Remark, Remote, Stage
from tests.fakes.responder import FakeResponder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from shared.model.action import Action
    from tests.fakes.store import Faults


class FakeTracker(FakeResponder, Tracker):
    """Keeps tickets by ``T-1``, ``T-2`` and so on, found again by their keys.

    ``asked`` are the versions that each reading was given. ``unread`` is raised instead
    of the next reading, ``broken`` after its first ticket.
    """

    kind = Kind.TICKET
    verbs = frozenset(Verb)

    def __init__(
        self,
        name: str = "tickets",
        faults: Faults | None = None,
        config: TicketConfig | None = None,
    ) -> None:
        super().__init__(name, faults)
        self.config = config or TicketConfig()
        self.keys: dict[str, str] = {}
        self.tickets: dict[str, Remote] = {}
        self.asked: list[dict[str, str]] = []
        self.unread: list[Exception] = []
        self.broken: list[Exception] = []

    async def apply(self, action: Action) -> Outcome:
        reference = action.reference
        # Done before anything fails: who asks again finds it.
        if action.verb is Verb.TRIGGER:
            number = f"T-{len(self.keys) + 1}"
            reference = self.keys.setdefault(action.dedup_key, number)
            new = Remote(version="1", stage=Stage.NEW)
            self.tickets.setdefault(reference, new)
        elif reference:
            # What we do there makes a new version of it too.
            self.person(reference)
        await super().apply(action)
        return Outcome(reference=reference)

    async def changed(
        self, known: Mapping[str, str]
    ) -> AsyncGenerator[tuple[str, Remote], None]:
        async with self.faults.call("tracker.changed"):
            self.asked.append(dict(known))
            if self.unread:
                raise self.unread.pop(0)
        for reference, version in known.items():
            found = self.tickets.get(reference)
            if found is not None and int(found.version) > int(version or 0):
                yield reference, found
                if self.broken:
                    raise self.broken.pop(0)

    def person(
        self,
        reference: str = "T-1",
        *,
        says: str = "",
        by: str = "Grace Hopper",
        name: str = "",
        owner: str | None = None,
        stage: Stage | None = None,
    ) -> None:
        """What somebody does to a ticket."""
        before = self.tickets[reference]
        version = str(int(before.version) + 1)
        remark = Remark(id=f"{reference}-{version}", by=by, text=says)
        self.tickets[reference] = replace(
            before,
            version=version,
            name=name or before.name,
            stage=before.stage if stage is None else stage,
            owner=before.owner if owner is None else owner,
            remarks=(*before.remarks, *((remark,) if says else ())),
        )
