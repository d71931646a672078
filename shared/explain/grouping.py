"""Why an alert is on its incident, and which incidents became one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.explain.case import listed, said
from shared.explain.report import Merger
from shared.model.alert import ROAD_RANK
from shared.model.text import instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.explain.case import Case
    from shared.model.alert import AlertRow
    from shared.model.incident import Entry, Fact

_ROADS = {rank: road.value for road, rank in ROAD_RANK.items()}


def road(row: AlertRow) -> str:
    """The road of the version that counts."""
    return _ROADS.get(row.version.rank, "an unknown road")


def into_head(case: Case) -> tuple[Merger, ...]:
    """How the incident that was asked for came to be part of the one that goes on."""
    steps = zip(case.lineage, case.lineage[1:], strict=False)
    return tuple(
        _merger(loser.id, winner.id, case.timelines[winner.id])
        for loser, winner in steps
    )


def absorbed(case: Case) -> tuple[Merger, ...]:
    """What the incident that goes on took in itself, in order."""
    return tuple(
        _merger(fact.detail, case.head.id, [entry])
        for entry in case.timelines[case.head.id]
        for fact in entry.facts
        if fact.kind == "incident.absorbed"
    )


def merger_line(merger: Merger) -> str:
    """A merger as a sentence."""
    when = f" at {instant(merger.at)}" if merger.at else ""
    if merger.alert:
        why = f": alert {said(merger.alert)} belongs to both"
    elif merger.by:
        why = f", by {said(merger.by)}"
    else:
        why = "; its timeline does not say why"
    return f"Incident {merger.loser} was merged into {merger.winner}{when}{why}."


def alert_lines(row: AlertRow, case: Case | None) -> Iterator[str]:
    """Why the alert is where it is."""
    yield (
        f"The version that counts is of {instant(row.version.at)}, by road {road(row)}:"
        f" severity {row.severity}, {row.status}. Copies of it are counted, not kept."
    )
    if row.is_expected:
        yield (
            "It has not come: a detector's incident names it, and its place is held on"
            f" incident {row.incident}."
        )
        return
    yield from _joined_lines(row, case)


def otherwise(row: AlertRow) -> Iterator[str]:
    """Where the alert would be without what decided."""
    joined = row.joined
    if joined is None:
        return
    if joined.strategy and joined.also:
        yield (
            f"Without that key it would have joined through the next:"
            f" {said(joined.also[0])}."
        )
    elif joined.strategy:
        yield "Without that key it would have opened an incident of its own."
    elif joined.because:
        yield "But for that, it might be on an incident that was there."
    if joined.merged:
        others = listed([*joined.merged])
        yield f"Without it, {others} would be apart from {row.incident} still."


def _joined_lines(row: AlertRow, case: Case | None) -> Iterator[str]:
    joined = row.joined
    if joined is None:
        yield _as_the_timeline_has_it(row, case)
        return
    because = said(joined.because)
    if joined.strategy:
        key = f" ({said(joined.key)})" if joined.key else ""
        yield f"It joined incident {row.incident}: {said(joined.strategy)}{key}."
        if because:
            yield f"A key did match another incident too, but: {because}."
    elif because:
        # It was refused, names nothing to share, or a person took it out.
        yield f"Incident {row.incident} was opened for it: {because}."
    else:
        yield f"It opened incident {row.incident}: it shared no key with an open one."
    for other in joined.also:
        yield f"It shares one more key: {said(other)}."
    if joined.merged:
        yield f"It tied incidents together: {listed([*joined.merged])}."


def _as_the_timeline_has_it(row: AlertRow, case: Case | None) -> str:
    """What an older version left: how it joined, and not by which key."""
    start = "Its row is of an older version, which did not write down by which key;"
    for fact in _facts(case, row.incident):
        if fact.alert.lower() != row.id.lower():
            continue
        if fact.kind == "incident.opened":
            return f"{start} the timeline says that it opened incident {row.incident}."
        if fact.kind == "alert.joined":
            how = said(fact.detail) or "a shared key"
            return (
                f"{start} the timeline says that it joined incident {row.incident}:"
                f" {how}."
            )
    return f"{start} nor does the timeline of incident {row.incident} name it."


def _facts(case: Case | None, incident_id: str) -> Iterator[Fact]:
    for entry in case.timelines.get(incident_id, ()) if case else ():
        yield from entry.facts


def _merger(loser: str, winner: str, entries: Sequence[Entry]) -> Merger:
    for entry in entries:
        for place, fact in enumerate(entry.facts):
            if fact.kind == "incident.absorbed" and fact.detail == loser:
                # What tied them is folded right after what it ties.
                after = (f for f in entry.facts[place:] if f.alert)
                tie = next(after, None)
                return Merger(
                    loser=loser,
                    winner=winner,
                    at=entry.at,
                    by=entry.by,
                    alert=tie.alert if tie else "",
                )
    return Merger(loser=loser, winner=winner)
