"""Operations on incidents: reading them, and saying something about them."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from shared import anchoring, timeline
from shared.actions import matchers
from shared.api import pages, viewing, views
from shared.api.wire import Answer, Mistake, bad, unknown
from shared.model.incident import Verdict
from shared.model.text import clean, plain
from shared.store import history, reading
from shared.store.history import Listed, find

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.actions.matchers import Matcher
    from shared.api.bodies import Comment, ListQuery, Merge, Resolution, Said, Split
    from shared.api.operation import Call
    from shared.commands import Commands, Order
    from shared.model.incident import Incident
    from shared.store.reading import Shelf

INCIDENT = "incident"


async def list_incidents(call: Call) -> Answer:
    """A page of incidents."""
    query: ListQuery = call.query
    tests, problems = parsed(query.filter, "query.filter")
    after = pages.decode(query.cursor) if query.cursor else None
    if query.cursor and after is None:
        problems.append(Mistake("query.cursor", "is not one that this list gave"))
    if problems:
        return bad(*problems)
    heads, past = await _listed(call)
    shown, following = pages.page(heads, query, tests, after)
    cursor = pages.encode(following) if following else None
    content = views.IncidentPage(
        incidents=tuple(
            viewing.incident(head, in_history=head.id in past) for head in shown
        ),
        next=cursor,
    )
    link = f'<{_next(query, cursor)}>; rel="next"' if cursor else ""
    return Answer(HTTPStatus.OK, content, {"link": link} if link else {})


async def get_incident(call: Call) -> Answer:
    """One incident; of a merged one, that which goes on."""
    shelf, lineage = await _found(call)
    if not lineage:
        return unknown(INCIDENT)
    answer = _told(lineage[-1], call, in_history=shelf.is_history)
    tag = answer.headers["etag"]
    if call.known & {tag, "*"}:
        return Answer(HTTPStatus.NOT_MODIFIED, headers=answer.headers)
    return answer


async def list_incident_alerts(call: Call) -> Answer:
    """The alerts of an incident."""
    shelf, lineage = await _found(call)
    if not lineage:
        return unknown(INCIDENT)
    head = lineage[-1]
    family = {head.id, *head.absorbed}
    found = await reading.alerts_of(shelf, family)
    found.sort(key=lambda row: (row.started_at, row.id))
    content = views.AlertList(
        incident=head.id, alerts=tuple(viewing.alert(row, head.id) for row in found)
    )
    return Answer(HTTPStatus.OK, content)


async def list_incident_actions(call: Call) -> Answer:
    """What was or will be done about an incident."""
    shelf, lineage = await _found(call)
    if not lineage:
        return unknown(INCIDENT)
    head = lineage[-1]
    found = await reading.actions_of(shelf, {head.id, *head.absorbed})
    content = views.ActionList(
        incident=head.id, actions=tuple(map(viewing.action, found))
    )
    return Answer(HTTPStatus.OK, content)


async def list_incident_evidence(call: Call) -> Answer:
    """What logs say of an incident."""
    shelf, lineage = await _found(call)
    if not lineage:
        return unknown(INCIDENT)
    head = lineage[-1]
    found = await reading.evidence_of(shelf, [head.id, *head.absorbed])
    return Answer(HTTPStatus.OK, viewing.evidence(head, [row for row, _ in found]))


async def get_incident_timeline(call: Call) -> Answer:
    """What was done to this very incident, and whether the chain of it holds."""
    incident_id = call.path["id"]
    shelf, _ = await _found(call)
    found = await reading.chained(shelf, incident_id)
    if found is None:
        return unknown(INCIDENT)
    head, rows = found
    proof = None
    if call.query.verify:
        storage = await call.app.storage()
        anchor = await anchoring.anchor(
            storage.ledger, storage.blobs, rows, is_past=shelf.is_history
        )
        proof = timeline.prove(head, rows, anchor)
    content = viewing.timeline(incident_id, timeline.readable(rows), proof)
    return Answer(HTTPStatus.OK, content)


async def acknowledge_incident(call: Call) -> Answer:
    """Mark that somebody works on it."""
    return await _command(call, lambda commands, i, o: commands.acknowledge(i, o))


async def resolve_incident(call: Call) -> Answer:
    """End it, with a verdict or without."""
    body: Resolution = call.body
    if body.reason is not None and body.classification is None:
        return bad(Mistake("body.reason", "goes with a classification"))
    verdict = None
    if body.classification is not None:
        verdict = Verdict(classification=body.classification, reason=body.reason)
    return await _command(call, lambda commands, i, o: commands.resolve(i, o, verdict))


async def reopen_incident(call: Call) -> Answer:
    """Open it again."""
    return await _command(call, lambda commands, i, o: commands.reopen(i, o))


async def comment_incident(call: Call) -> Answer:
    """Add to its timeline."""
    if not clean(call.body.note).strip():
        return bad(Mistake("body.note", "says nothing"))
    return await _command(call, lambda commands, i, o: commands.comment(i, o))


async def merge_incident(call: Call) -> Answer:
    """Make it one with another."""
    body: Merge = call.body
    lineage = await _going_on(call)
    storage = await call.app.storage()
    shelf, winner = await find(storage.ledger, storage.history, body.into)
    if not lineage:
        return unknown(INCIDENT)
    if shelf.is_history:
        return bad(Mistake("body.into", "is in history, and closed for good"))
    if not winner:
        return bad(Mistake("body.into", "there is no such incident"))
    if winner[-1].id == lineage[-1].id:
        return bad(Mistake("body.into", "they are one incident already"))
    regrouping = await call.app.regrouping()
    head = await regrouping.merge(winner[-1].id, lineage[-1].id, _order(call))
    return unknown(INCIDENT) if head is None else _told(head, call)


async def split_incident(call: Call) -> Answer:
    """Put some of its alerts on an incident of their own."""
    body: Split = call.body
    lineage = await _going_on(call)
    if not lineage:
        return unknown(INCIDENT)
    regrouping = await call.app.regrouping()
    both = await regrouping.split(lineage[-1].id, body.alerts, _order(call))
    if both is None:
        return unknown(INCIDENT)
    rest, split_off = both
    content = views.SplitView(
        incident=viewing.incident(rest, call.path["id"]),
        split_off=viewing.incident(split_off),
    )
    return Answer(HTTPStatus.OK, content, {"etag": tag_of(rest)})


def parsed(given: Sequence[str], path: str) -> tuple[list[Matcher], list[Mistake]]:
    """The matchers of texts, and what is wrong with those that are none."""
    tests: list[Matcher] = []
    problems: list[Mistake] = []
    for place, text in enumerate(given):
        try:
            tests.append(matchers.parse(text))
        except ValueError as error:
            problems.append(Mistake(f"{path}[{place}]", plain(str(error), 500)))
    return tests, problems


def tag_of(head: Incident) -> str:
    """The entity tag of an incident."""
    return f'"{head.revision}"'


async def _command(
    call: Call,
    say: Callable[[Commands, str, Order], Awaitable[Incident | None]],
) -> Answer:
    # The one that goes on is named, so that its row is read anew and not its loser's.
    lineage = await _going_on(call)
    if not lineage:
        return unknown(INCIDENT)
    head = await say(await call.app.commands(), lineage[-1].id, _order(call))
    return unknown(INCIDENT) if head is None else _told(head, call)


def _order(call: Call) -> Order:
    body: Said | Comment | Resolution | Merge | Split = call.body
    return call.order._replace(note=clean(body.note).strip())


def _told(head: Incident, call: Call, *, in_history: bool = False) -> Answer:
    content = viewing.incident(head, call.path["id"], in_history=in_history)
    return Answer(HTTPStatus.OK, content, {"etag": tag_of(head)})


def _next(query: ListQuery, cursor: str) -> str:
    """The address of the next page, with everything else as it was asked."""
    given: list[tuple[str, str]] = [("status", s.value) for s in query.status]
    given += [("filter", text) for text in query.filter]
    for name, at in (("since", query.since), ("until", query.until)):
        given += [(name, at.isoformat())] if at else []
    for name, text in (
        ("ended_in", query.ended_in),
        ("fingerprint", query.fingerprint),
    ):
        given += [(name, text)] if text else []
    given += [("limit", str(query.limit)), ("cursor", cursor)]
    return f"/api/incidents?{urlencode(given)}"


async def _listed(call: Call) -> Listed:
    """What a list is taken from: all that goes on, or what is to be looked up."""
    query: ListQuery = call.query
    storage = await call.app.storage()
    if query.ended_in:
        month = datetime.strptime(query.ended_in, "%Y-%m").replace(tzinfo=UTC)
        found = await history.ended_in(storage.ledger, storage.history, month)
        named = query.fingerprint
        heads = [h for h in found.heads if named is None or named in h.problems]
        return Listed(heads, found.past)
    if query.fingerprint:
        return await history.with_problem(
            storage.ledger, storage.history, query.fingerprint
        )
    return Listed(await reading.incidents(storage.ledger), frozenset())


async def _found(call: Call) -> tuple[Shelf, list[Incident]]:
    """Where an incident lies, and its lineage."""
    storage = await call.app.storage()
    return await find(storage.ledger, storage.history, call.path["id"])


async def _going_on(call: Call) -> list[Incident]:
    """The lineage of an incident that can be changed; raises CommandRefused."""
    shelf, lineage = await _found(call)
    if shelf.is_history:
        await (await call.app.storage()).history.refuse(call.path["id"])
    return lineage
