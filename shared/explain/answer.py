"""The explanation of an alert or of an incident, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.explain import case as cases
from shared.explain import grouping, outlook, telling
from shared.explain.case import listed, said
from shared.explain.report import ExplainedAlert, ExplainedIncident
from shared.model.storm import STORM
from shared.model.text import instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.explain.case import Case, Ruleset
    from shared.model.alert import AlertRow
    from shared.store.ledger import Ledger
    from shared.store.reading import Shelf


async def of_incident(
    shelf: Shelf, incident_id: str, rules: Ruleset
) -> ExplainedIncident | None:
    """Why an incident is so; None where there is none of that id. Raises StoreError."""
    case = await cases.read(shelf, incident_id, rules)
    return None if case is None else explained(case)


async def of_alert(ledger: Ledger, row: AlertRow, rules: Ruleset) -> ExplainedAlert:
    """Why an alert is where it is. Raises StoreError."""
    case = await cases.read(ledger, row.incident, rules)
    mergers = grouping.into_head(case) if case else ()
    about = explained(case) if case else None
    lines = [*grouping.alert_lines(row, case), *map(grouping.merger_line, mergers)]
    if about is None:
        lines.append(f"Incident {row.incident} is not in the store.")
    return ExplainedAlert(
        alert=row.id,
        incident=about.incident if about else row.incident,
        put_on=row.incident,
        status=row.status,
        severity=row.severity,
        version_at=row.version.at,
        road=grouping.road(row),
        joined=row.joined,
        mergers=mergers,
        otherwise=tuple(grouping.otherwise(row)),
        lines=tuple(lines),
        about=about,
    )


def explained(case: Case) -> ExplainedIncident:
    """The explanation of a case. Pure."""
    head = case.head
    mergers = (
        *grouping.into_head(case),
        *(m for m in grouping.absorbed(case) if m.loser != case.lineage[0].id),
    )
    routes = telling.routes(case)
    silences = telling.silences(case)
    responders = telling.responders(case, telling.taken_by(routes))
    found = ExplainedIncident(
        incident=head.id,
        asked=case.lineage[0].id,
        status=head.status,
        severity=head.severity,
        mergers=mergers,
        silences=silences,
        hold=head.hold,
        routes=routes,
        responders=responders,
        actions=telling.sent(case.actions),
        upcoming=outlook.upcoming(case),
        otherwise=tuple(outlook.otherwise(case, routes, responders, silences)),
        lines=(),
        in_history=case.in_history,
    )
    return _with_lines(found, case)


def _with_lines(found: ExplainedIncident, case: Case) -> ExplainedIncident:
    lines = (
        *_head_lines(case),
        *map(grouping.merger_line, found.mergers),
        *_silence_lines(found),
        *(() if case.head.is_drill else _route_lines(found)),
        *_responder_lines(found, case),
        *_upcoming_lines(found),
    )
    values = {name: getattr(found, name) for name in found.__struct_fields__}
    return ExplainedIncident(**values | {"lines": lines})


def _head_lines(case: Case) -> Iterator[str]:
    head = case.head
    noun = "alert" if head.alerts == 1 else "alerts"
    yield (
        f"Incident {head.id} is {head.status}, severity {head.severity}, with"
        f" {head.alerts} {noun}, {head.active} of them active: {said(head.title)}."
    )
    if head.is_drill:
        yield f"It is a page test, and goes to {listed(head.drill)} alone."
    if head.predecessor:
        yield f"It was opened after {head.predecessor}, which had ended or was full."
    if head.resolved is not None:
        note = f": {said(head.resolved.note)}" if head.resolved.note else ""
        by, at = said(head.resolved.by), instant(head.resolved.at)
        yield f"It was ended by {by} at {at}{note}."
    if head.risk is not None:
        why = listed([factor.name for factor in head.risk.factors]) or "no factor"
        doubt = f"; {head.risk.missing} unanswered" if head.risk.missing else ""
        yield f"Its score is {head.risk.total} ({head.risk.formula}): {why}{doubt}."
    if case.in_history:
        yield "It is in history: it can be read, and is closed for good."
    if head.hold is not None and head.hold.by == STORM:
        until = instant(head.hold.until)
        yield f"There is a storm: its first page waits for its turn, at {until}."


def _silence_lines(found: ExplainedIncident) -> Iterator[str]:
    for each in found.silences:
        until = f" until {instant(each.until)}" if each.until else ""
        why = f" ({said(each.reason)}; {said(each.owner)})" if each.reason else ""
        yield f"Silence {each.name}{until} {each.bearing}{why}."


def _route_lines(found: ExplainedIncident) -> Iterator[str]:
    if not found.routes:
        yield "The routes of the policy are not at hand."
        return
    for each in found.routes:
        to, match = listed(each.to), "; ".join(each.match) or "everything"
        if not each.is_reached:
            continue
        if each.fits:
            yield f"Route {said(each.label)} takes it ({said(match)}), for {to}."
        else:
            at = said(each.fails_at or "")
            why = "is not known yet" if each.is_unknown else "does not fit"
            yield f"Route {said(each.label)} does not take it: {at} {why}."


def _responder_lines(found: ExplainedIncident, case: Case) -> Iterator[str]:
    if found.routes and not found.responders:
        why = "" if case.head.was_active else ", and none of its alerts was ever active"
        yield f"Nobody was told: no route takes it{why}."
    for each in found.responders:
        by = "" if each.route else " (no route names it any more)"
        yield f"{each.responder}{by}: {each.why}."


def _upcoming_lines(found: ExplainedIncident) -> Iterator[str]:
    for each in found.upcoming:
        yield f"Next, at {instant(each.at)}: {each.what}."
