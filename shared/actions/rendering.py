"""The one rendering of incidents for people; each sink puts it into its own syntax. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.action import Occasion
from shared.model.deed_status import DeedStatus
from shared.model.evidence import answered, missing
from shared.model.link import Link
from shared.model.message import HEADLINE, LINE, MOST_LINES, Message, Section
from shared.model.resource import display_name
from shared.model.text import instant, is_link, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.model.action import Action
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident, Problem
    from shared.model.risk import Risk

SUBJECT = 128

_TEST = "This is a test"

_WHY = {
    Occasion.OPENED: "New incident",
    Occasion.SEVERITY_RAISED: "Severity raised",
    Occasion.NEW_TACTIC: "New tactic",
    Occasion.NEW_RESOURCE: "New resource",
    Occasion.EVIDENCE: "More of what logs say",
    Occasion.ACTION_FAILED: "Something could not be done, or not be taken back",
    Occasion.APPROVAL_NEEDED: "Something waits for approval",
    Occasion.DEED: "Something was done about it, or taken back",
    Occasion.ESCALATED: "Nobody has answered yet",
    Occasion.FALLBACK: "Nobody could be told otherwise",
    Occasion.REMINDER: "Still open, and nobody has answered",
    Occasion.ACKNOWLEDGED: "Acknowledged",
    Occasion.RESOLVED: "Resolved",
    Occasion.MERGED: "Goes on in another incident",
    Occasion.STUCK: "Firewatch needs help",
}


def message(
    incident: Incident,
    evidence: Sequence[Evidence] = (),
    waiting: Sequence[str] = (),
) -> Message:
    """What there is to say of the incident as it is, whoever hears it and why.

    ``waiting`` is what it holds back, where it is about that.
    """
    resource = incident.resources[0] if incident.resources else incident.scope
    problems = incident.worst_first
    sections = (
        _section("waiting", "What waits for its turn", waiting),
        _section("problems", "What happened", map(_problem, problems)),
        _section("resources", "To what", incident.resources),
        _section("tactics", "Tactics", incident.tactics),
        _section("risk", "How sure", _sure(incident.risk)),
        *_known(evidence),
        _section("done", "What was done", _done(incident)),
        _section("planned", "What could be done", _planned(incident)),
    )
    return Message(
        incident=plain(incident.id, LINE),
        headline=headline(incident),
        why=_TEST if incident.is_drill else "",
        severity=incident.severity,
        status=incident.status,
        is_sample=incident.is_sample,
        alerts=incident.alerts,
        scope=plain(incident.scope, LINE),
        resource=plain(resource, LINE) or "unknown",
        component=plain(display_name(resource), LINE),
        alert_type=plain(problems[0].alert_type, LINE),
        first_seen=incident.first_seen,
        last_seen=incident.last_seen,
        sections=tuple(s for s in sections if s.lines),
        links=tuple(
            Link(text="The alert in Microsoft Defender", href=href)
            for href in incident.links
            if is_link(href)
        )[:MOST_LINES],
    )


def telling(action: Action, said: Message, *links: Link) -> Action:
    """The action with what it tells, why, and what is new since somebody was told.

    ``links`` come before those to the alerts: they are what a person can do.
    """
    news = _section("news", "What is new", action.news)
    return replace(
        action,
        message=replace(
            said,
            why=said.why or _WHY[action.occasion],
            sections=(news, *said.sections) if news.lines else said.sections,
            links=(*links, *said.links),
        ),
    )


def _section(key: str, title: str, texts: Iterable[str]) -> Section:
    lines = [line for text in texts if (line := plain(text, LINE))]
    return Section(
        key=key,
        title=title,
        lines=tuple(lines[:MOST_LINES]),
        left_out=max(0, len(lines) - MOST_LINES),
    )


def headline(incident: Incident) -> str:
    """The incident in one line that keeps severity, resource and count however long the title is."""
    sample = "[SAMPLE] " if incident.is_sample else ""
    head = f"{sample}{incident.severity.capitalize()}: "
    tail = f" ({incident.alerts} alert{'' if incident.alerts == 1 else 's'})"
    if incident.resources:
        more = len(incident.resources) - 1
        others = f" and {more} more" if more else ""
        tail = (
            f" on {plain(display_name(incident.resources[0]), SUBJECT)}{others}{tail}"
        )
    title = plain(incident.title, HEADLINE - len(head) - len(tail))
    return f"{head}{title or 'alert without a title'}{tail}"


def _problem(problem: Problem) -> str:
    """The title gives way where the line would be too long; the rest never does."""
    times = f" {problem.count} times" if problem.count > 1 else ""
    since, last = instant(problem.first_seen), instant(problem.last_seen)
    when = since if since == last else f"{since} to {last}"
    kind = plain(problem.alert_type, SUBJECT)
    tail = f" ({problem.severity}){times}, {when}" + (f" [{kind}]" if kind else "")
    return f"{plain(problem.title, LINE - len(tail)) or 'without a title'}{tail}"


def _sure(risk: Risk | None) -> list[str]:
    """The score as a sum that a person can check."""
    if risk is None:
        return []
    lines = risk.because
    if risk.missing:
        lines.append(f"{risk.missing} of the questions behind it were not answered")
    return [f"Score {risk.total}: {risk.formula}", *lines]


def _known(evidence: Sequence[Evidence]) -> tuple[Section, ...]:
    """What logs say, a line for each question, and what could not be asked."""
    return (
        _section("evidence", "What logs say", map(_read, answered(evidence))),
        _section(
            "evidence_missing",
            "What logs did not answer",
            (f"{e.reason}: {e.question} ({e.subject})" for e in missing(evidence)),
        ),
    )


def _read(evidence: Evidence) -> str:
    doubt = f" ({evidence.reason})" if evidence.reason else ""
    return f"{plain(evidence.subject, SUBJECT)}: {evidence.reading}{doubt}"


def _done(incident: Incident) -> list[str]:
    """What people and Firewatch did about it so far."""
    lines = []
    if incident.predecessor is not None:
        lines.append(f"It goes on from incident {incident.predecessor}")
    if incident.acknowledged is not None:
        mark = incident.acknowledged
        said = f": {mark.note}" if mark.note else ""
        lines.append(f"Acknowledged by {mark.by} at {instant(mark.at)}{said}")
    if incident.resolved is not None:
        mark = incident.resolved
        said = f": {mark.note}" if mark.note else ""
        verdict = f" as {incident.verdict.classification}" if incident.verdict else ""
        lines.append(f"Resolved{verdict} by {mark.by} at {instant(mark.at)}{said}")
    if incident.merged_into is not None:
        lines.append(f"It goes on in incident {incident.merged_into}")
    for deed in incident.deeds.values():
        if deed.status.has_begun:
            lines.append(deed.line)
            lines += [f"Taken back by hand: {command}" for command in deed.by_hand]
    return lines


def _planned(incident: Incident) -> list[str]:
    """What was not begun: it waits for somebody, or guards and policy kept it."""
    deeds = incident.deeds.values()
    first = [d.line for d in deeds if d.status is DeedStatus.AWAITING]
    return [
        *first,
        *(
            deed.line
            for deed in deeds
            if not deed.status.has_begun and deed.status is not DeedStatus.AWAITING
        ),
    ]
