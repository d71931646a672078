"""Which of the incidents that an alert is tied to is its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.triage import incidents

if TYPE_CHECKING:
    from shared.model.alert import Alert
    from shared.model.correlation import Correlation
    from shared.model.incident import Incident
    from shared.triage.ties import Tie


def told_apart(tied: list[Tie], identity: str) -> tuple[list[Tie], list[Tie]]:
    """The ties that count, and those that do not.

    What a person took out does not drift back: where an incident that knows the problem
    is kept apart from another, the alert is none of the other's.
    """
    knowing = [t.incident for t in tied if identity in t.incident.problems]
    strayed = [
        tie
        for tie in tied
        if identity not in tie.incident.problems
        and any(incidents.are_apart(tie.incident, known) for known in knowing)
    ]
    return [tie for tie in tied if tie not in strayed], strayed


def home_of(
    tied: list[Tie], alert: Alert, identity: str, caps: Correlation
) -> Tie | None:
    """The incident that takes the alert: one that knows its problem, else the senior.

    What has ended is opened again only where nothing else takes the alert, the latest
    of it.
    """
    taking = [
        tie for tie in tied if incidents.accepts(tie.incident, alert, identity, caps)
    ]
    live = [tie for tie in taking if incidents.is_live(tie.incident)]
    return min(
        live or taking[-1:],
        key=lambda tie: identity not in tie.incident.problems,
        default=None,
    )


def predecessor_of(tied: list[Tie], identity: str) -> Incident | None:
    """Whose sequel a new incident is, of those that do not take the alert: the latest.

    One that knows the problem goes before one that does not.
    """
    before = None
    for tie in tied:
        is_known = identity in tie.incident.problems
        if before is None or is_known or identity not in before.problems:
            before = tie.incident
    return before
