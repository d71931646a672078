"""Commands that merge and split as the app's will, and write down what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from shared.commands import Commands
from shared.model.errors import CommandRefused
from shared.store import reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.commands import Order
    from shared.model.incident import Incident
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue


class Regroups(Commands):
    """Nothing is regrouped; a note of "no" is refused."""

    def __init__(self, ledger: Ledger, queue: Queue) -> None:
        super().__init__(ledger, queue)
        self.asked: list[tuple[Any, ...]] = []

    async def merge(self, winner: str, loser: str, order: Order) -> Incident | None:
        """The winner, with the loser in it."""
        self.asked.append((winner, loser, order))
        if order.note == "no":
            raise CommandRefused("they were split apart")
        lineage = await reading.lineage(self._ledger, winner)
        return replace(lineage[-1], absorbed=(loser,)) if lineage else None

    async def split(
        self, incident_id: str, alerts: Sequence[str], order: Order
    ) -> tuple[Incident, Incident] | None:
        """The incident as it is, and another of so many alerts."""
        self.asked.append((incident_id, alerts, order))
        lineage = await reading.lineage(self._ledger, incident_id)
        if not lineage:
            return None
        other = replace(lineage[-1], id="00" + "d" * 14, alerts=len(alerts))
        return lineage[-1], other
