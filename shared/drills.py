"""Page tests: whether a page reaches somebody, tried by a page that says it is one.

A test is an incident of our own that goes to whom it names and to nobody else. All else
is as with any: the queue, the worker, rows, keys, retries, and the end that closes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.actions.routing import label_of
from shared.commands import carried_out, check
from shared.model.alert import AlertRow
from shared.model.errors import CommandRefused
from shared.model.incident import Fact
from shared.store import messages, rows
from shared.triage import own
from shared.triage.correlation import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from shared.actions.routing import Route
    from shared.commands import Order
    from shared.model.correlation import Correlation
    from shared.model.incident import Incident
    from shared.oncall.policy import OnCall
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger
    from shared.store.ports import Queue

# A test of everybody at once would be a drill of another kind.
MOST_TARGETS = 20


class Drills:
    """Begins page tests; they end by themselves, or are resolved as any incident."""

    def __init__(self, ledger: Ledger, queue: Queue, caps: Correlation) -> None:
        self._ledger = ledger
        self._queue = queue
        self._caps = caps

    async def begin(self, targets: Sequence[str], order: Order) -> Incident:
        """Have a notice go to each of these people, schedules and responders.

        To each contact of a person, and to whoever has a schedule when a worker looks.
        Raises CommandRefused and StoreError.
        """
        check(order)
        if not 0 < len(targets) <= MOST_TARGETS:
            raise CommandRefused(f"a page test is for 1 to {MOST_TARGETS} targets")
        alert = own.drill(targets, order.by, self._ledger.now(), order.once or "")
        partition = rows.partition_of(alert.scope, self._ledger.partitions)
        asked = f"drill|{'|'.join(targets)}|{order.note}"

        def decide(draft: Draft) -> Incident | None:
            carried_out(draft, order, asked)
            fold(draft, alert, self._caps)
            row = draft.read(rows.alert(alert.id), AlertRow)
            head = draft.incident(row.incident) if row else None
            if head is not None and not head.drill:
                head = replace(head, drill=tuple(targets))
                draft.change(head, Fact(kind="drill.begun", detail=order.note))
            return head

        await self._ledger.refresh(partition, order.rows())
        head, _ = await self._ledger.transact(partition, decide, by=order.by)
        if head is None:
            raise CommandRefused("that page test was long ago; ask for another")
        await self._queue.send(messages.encode([head.id]))
        return self._ledger.remembered(head)


def targets_of(
    named: Sequence[str],
    labels: Sequence[str],
    *,
    routes: Sequence[Route],
    on_call: OnCall,
    responders: Collection[str],
    quiet: Collection[str] = (),
) -> list[str]:
    """Whom a test of these names, and of routes by their labels, is for; each once.

    Of a route, that is whom it tells, and the first step of its escalation; but not
    ``quiet``, the responders that keep tickets or copies: nobody hears of those, and
    somebody would have to tidy up. Raises ValueError saying what is not known.
    """
    known = {*on_call.people, *on_call.schedules, *responders}
    found: list[str] = []
    for name in named:
        if name not in known:
            said = "no person, schedule or responder is named"
            raise ValueError(f"{said} {name[:_LONGEST]}")
        found.append(name)
    by_label = {label_of(place, route): route for place, route in enumerate(routes)}
    for label in labels:
        if label not in by_label:
            raise ValueError(f"no route is named {label[:_LONGEST]}")
        told = [n for n in _told(by_label[label], on_call) if n not in quiet]
        if not told:
            raise ValueError(f"route {label} tells nobody")
        found += told
    return [*dict.fromkeys(found)]


# What a message repeats of a name.
_LONGEST = 40


def _told(route: Route, on_call: OnCall) -> list[str]:
    escalation = on_call.escalations.get(route.escalate)
    return [*route.to, *(escalation.steps[0].to if escalation else ())]
