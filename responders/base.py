"""What every responder is, and the one reading of HTTP answers they share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol, assert_never
from urllib.parse import urlsplit

from shared.model.action import Kind, Occasion, Verb, planned
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.evidence import EvidenceStatus
from shared.model.incident import IncidentStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.model.action import Action, Outcome
    from shared.model.evidence import Evidence
    from shared.model.http import Reply
    from shared.model.incident import Incident, Problem
    from shared.model.risk import Risk

# remote-apis-sinks.md 20: a Retry-After outside these bounds is clamped to them.
SHORTEST_RETRY = timedelta(seconds=1)
LONGEST_RETRY = timedelta(hours=1)


class Responder(Protocol):
    """One reaction to incidents.

    A responder never loops, sleeps, retries, logs or catches what it does not know; it
    raises TransientFailure, PermanentFailure or ActionRefused, and ``shared.actions``
    alone schedules and records. Its constructor takes its settings and the ports it
    uses, complete, and does no I/O.
    """

    name: str
    kind: Kind

    async def plan(
        self, incident: Incident, evidence: Sequence[Evidence] = ()
    ) -> Sequence[Action]:
        """What should have been done about this incident by now; changes nothing.

        ``evidence`` is what logs say of it, the most telling first, and what could not
        be had; none where nobody was asked. Keys do not depend on it.
        """
        ...

    async def apply(self, action: Action) -> Outcome:
        """Do one action. Sent again with the same key, it must not count twice."""
        ...


class Unusable:
    """Stands in for a responder whose settings are wrong.

    It plans notices as one, so that they are on record and wait; each attempt fails
    with what is wrong. Whoever mends the settings restarts the app, and they go out.
    """

    kind = Kind.NOTIFY

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        self._problem = problem

    async def plan(
        self,
        incident: Incident,
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Action]:
        """What a notifier of this name would plan."""
        return notices(incident, name=self.name, content=lambda _: {})

    async def apply(self, action: Action) -> Outcome:  # noqa: ARG002  as the protocol
        """Raise TransientFailure: mending the settings is all it takes."""
        raise TransientFailure(FailureReason.AUTH, self._problem)


def notices(
    incident: Incident, *, name: str, content: Callable[[Verb], dict[str, Any]]
) -> list[Action]:
    """The actions of a notifier: each notice that the incident wants, and its content.

    The instance's name is the target too: what opens the other side, a key or a URL, is
    nothing to write down.
    """
    return [
        planned(
            incident,
            responder=name,
            kind=Kind.NOTIFY,
            verb=verb,
            target=name,
            occasion=occasion,
            content=content(verb),
        )
        for verb, occasion in wanted(incident)
    ]


def wanted(incident: Incident) -> tuple[tuple[Verb, Occasion], ...]:
    """The notices that should have gone out about this incident by now.

    A successor opens none of its own, but its end may be the end of the one its root
    opened: the keys are the root's. Which are still to be done is the core's to say,
    and whether one that was opened is told again: an update is the trigger of now.
    """
    notices: list[tuple[Verb, Occasion]] = []
    if incident.was_active and incident.root == incident.id:
        notices.append((Verb.TRIGGER, Occasion.OPENED))
    match incident.status:
        case IncidentStatus.OPEN:
            pass
        case IncidentStatus.RESOLVED | IncidentStatus.CLOSED:
            notices.append((Verb.RESOLVE, Occasion.RESOLVED))
        case IncidentStatus.MERGED:
            notices.append((Verb.RESOLVE, Occasion.MERGED))
        case _:
            assert_never(incident.status)
    return tuple(notices)


def worst_first(incident: Incident) -> list[Problem]:
    """The problems in the order that ``Incident.title`` picks the first of."""
    ranked = sorted(
        incident.problems.items(),
        key=lambda item: (-item[1].severity.rank, item[1].first_seen, item[0]),
    )
    return [problem for _, problem in ranked]


def answered(evidence: Sequence[Evidence]) -> list[Evidence]:
    """What has something to say, in order."""
    return [e for e in evidence if e.status is not EvidenceStatus.UNAVAILABLE]


def missing(evidence: Sequence[Evidence]) -> list[Evidence]:
    """What could not be had, in order; its ``reason`` says why."""
    return [e for e in evidence if e.status is EvidenceStatus.UNAVAILABLE]


def because(risk: Risk) -> list[str]:
    """A line for each factor of a score: its points, and what says so."""
    return [
        f"{each.points:+} {each.name}: {each.because}"
        + (f" ({each.evidence})" if each.evidence else "")
        for each in risk.factors
    ]


def url_problem(url: str) -> str:
    """What keeps a URL of the policy from being sent to; empty if nothing does.

    It must be https, or plain http to this machine. The URL is not repeated: its path
    may be the secret.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL"
    if not host or "@" in parts.netloc or not (url.isascii() and url.isprintable()):
        return "is not a URL without user name, in plain ASCII"
    if parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host)):
        return ""
    return "must begin with https:// (http:// is for this machine only)"


def raise_for_status(
    reply: Reply,
    *,
    side: str,
    accepted: Sequence[int],
    now: Callable[[], datetime],
) -> None:
    """Return for an accepted status; raise what every other status means.

    408, 425, 429 and 5xx are transient, all else is permanent (remote-apis-sinks.md 0
    and 20). ``side`` names the other side in the message; its body never enters.
    """
    if reply.status in accepted:
        return
    message = f"{side} answered {reply.status}"
    if reply.status in _TRANSIENT or reply.status >= 500:
        raise TransientFailure(
            _TRANSIENT.get(reply.status, FailureReason.SERVER),
            message,
            retry_after=retry_after(reply, now=now()),
        )
    raise PermanentFailure(_PERMANENT.get(reply.status, FailureReason.INVALID), message)


def retry_after(reply: Reply, *, now: datetime) -> timedelta | None:
    """What Retry-After asks for, in whole seconds or as a date, clamped; else None."""
    value = reply.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        # More digits than this is past the clamp whatever they say.
        wait = timedelta(seconds=int(value[:9]))
    else:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    return min(max(wait, SHORTEST_RETRY), LONGEST_RETRY)


_TRANSIENT = {
    408: FailureReason.TIMEOUT,
    425: FailureReason.UNAVAILABLE,
    429: FailureReason.RATE_LIMITED,
    502: FailureReason.UNAVAILABLE,
    503: FailureReason.UNAVAILABLE,
    504: FailureReason.TIMEOUT,
}
_PERMANENT = {
    401: FailureReason.AUTH,
    403: FailureReason.AUTH,
    404: FailureReason.NOT_FOUND,
    409: FailureReason.CONFLICT,
    410: FailureReason.NOT_FOUND,
}


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
