"""What every responder is, and the one reading of HTTP answers they share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, assert_never
from urllib.parse import urlsplit

from shared.model.action import Kind, Occasion, Verb, forwarding, planned
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.incident import IncidentStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.model.action import Action, Outcome
    from shared.model.alert import AlertRow
    from shared.model.deed import Before, Deed, Sight
    from shared.model.dossier import Dossier
    from shared.model.evidence import Evidence
    from shared.model.http import Http, Reply
    from shared.model.incident import Incident
    from shared.model.kept import Kept
    from shared.model.message import Message
    from shared.model.outlets import Outlets
    from shared.model.permission import Permission
    from shared.model.rest import Remotes
    from shared.model.secret import Secret, SecretRef

# remote-apis-sinks.md 20: a Retry-After outside these bounds is clamped to them.
SHORTEST_RETRY = timedelta(seconds=1)
LONGEST_RETRY = timedelta(hours=1)


class Responder(Protocol):
    """One reaction to incidents.

    A responder never loops, sleeps, retries, logs or catches what it does not know; it
    raises TransientFailure, PermanentFailure or ActionRefused, and ``shared.actions``
    alone schedules and records. Its constructor takes its settings and the ports it
    uses, complete, and does no I/O. ``verbs`` are those that it can be asked for.
    """

    name: str
    kind: Kind
    verbs: frozenset[Verb]

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


class Doer(Protocol):
    """One way to contain, or to keep evidence: it makes changes at one kind of target.

    What holds of a Responder holds of it. ``use`` is its name in the table, and
    ``permissions`` are exactly what it needs. ``plan``, ``before`` and ``verify`` read,
    and change nothing; guards, budgets, leases and the record are the core's.

    ``before``, ``apply``, ``verify`` and ``undo`` go by the deed alone, so that what was
    done can be taken back when the policy names the doer no more.
    """

    name: str
    use: str
    kind: Kind
    permissions: tuple[Permission, ...]

    async def plan(
        self,
        incident: Incident,
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),
    ) -> Sequence[Deed]:
        """What is to be changed, a deed for each target, be it so already or not.

        ``alerts`` are the active alerts that may speak for a deed, as their owner has
        them where it said so; each deed names those that it goes by. Raises
        ActionRefused where what they name cannot be told apart.
        """
        ...

    async def before(self, deed: Deed) -> Before:
        """What the target is now, as far as the change touches it.

        Raises ActionRefused where it is not any more what was planned for, and where it
        is so already: then it is somebody else's, and not ours to take back.
        """
        ...

    async def apply(self, deed: Deed, before: Before) -> Outcome:
        """Make the change, once; where it was made already, nothing happens."""
        ...

    async def verify(self, deed: Deed, before: Before) -> Sight:
        """How the target stands now; what cannot be told from what it was is that."""
        ...

    async def undo(self, deed: Deed, before: Before) -> Outcome:
        """Put back what the change touched, and nothing else.

        The core has looked: it is as the change left it, or a person forces it.
        """
        ...


async def nobodys(_incident: str) -> Sequence[AlertRow]:
    """No alerts: nobody looks them up."""
    return ()


class Ports(NamedTuple):
    """What a responder is built with.

    ``secret`` gives the value of a setting; it raises SettingsError where it has none.
    ``token`` gives a bearer token of the app's identity for a scope; it raises
    TransientFailure and PermanentFailure. ``azure`` are the APIs of Azure, as that
    identity, ``outlets`` the ways out that are no HTTP, ``kept`` where copies that are
    evidence are put. ``alerts`` are some of an incident's, by its id: the first and the
    latest.
    """

    secret: Callable[[SecretRef], Secret]
    http: Http
    clock: Callable[[], datetime]
    token: Callable[[str], Awaitable[str]]
    azure: Remotes
    outlets: Outlets
    kept: Kept
    alerts: Callable[[str], Awaitable[Sequence[AlertRow]]] = nobodys


class Notifier:
    """What responders that tell people have in common: the notices that they plan.

    ``verbs`` are those that the other side has a use for; no other is sent to it.
    """

    kind = Kind.NOTIFY
    verbs = frozenset(Verb) - {Verb.FORWARD}
    name: str

    async def plan(
        self,
        incident: Incident,
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  the core renders them
    ) -> Sequence[Action]:
        """The notice to open and, at the incident's end, to close."""
        return notices(incident, name=self.name, kind=self.kind)


class Forwarder:
    """What responders that copy records to elsewhere have in common.

    Where the copy begins, what it is made of, and whether there is anything new is the
    core's to say: by the timeline, not by what anybody was told. Each is a ``Sink``.
    """

    kind = Kind.FORWARD
    verbs = frozenset({Verb.FORWARD})
    name: str

    async def plan(
        self,
        incident: Incident,
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  the core adds them
    ) -> Sequence[Action]:
        """That it is to be forwarded, if it was ever active."""
        return forwards(incident, self.name)


class Unusable(Notifier):
    """Stands in for a responder whose settings are wrong.

    It plans as one, so that its actions are on record and wait; each attempt fails
    with what is wrong. Whoever mends the settings restarts the app, and they go out.
    """

    def __init__(self, name: str, problem: str, kind: Kind = Kind.NOTIFY) -> None:
        self.name = name
        self.kind = kind
        self._problem = problem

    async def plan(
        self, incident: Incident, evidence: Sequence[Evidence] = ()
    ) -> Sequence[Action]:
        """What any responder of the kind would plan."""
        if self.kind is Kind.FORWARD:
            return forwards(incident, self.name)
        return await super().plan(incident, evidence)

    async def apply(self, action: Action) -> Outcome:  # noqa: ARG002  as the protocol
        """Raise TransientFailure: mending the settings is all it takes."""
        raise TransientFailure(FailureReason.AUTH, self._problem)


def notices(
    incident: Incident,
    *,
    name: str,
    kind: Kind = Kind.NOTIFY,
    content: Callable[[Verb], dict[str, Any]] = lambda _: {},
) -> list[Action]:
    """The actions of a notifier: each notice that the incident wants, and its content.

    The instance's name is the target too: what opens the other side, a key or a URL, is
    nothing to write down.
    """
    return [
        planned(
            incident,
            responder=name,
            kind=kind,
            verb=verb,
            target=name,
            occasion=occasion,
            content=content(verb),
        )
        for verb, occasion in wanted(incident)
    ]


def forwards(incident: Incident, name: str) -> list[Action]:
    """The action of a forwarder; none where nothing of the incident was ever active."""
    return [forwarding(incident.id, name)] if incident.was_active else []


def recorded(action: Action) -> Dossier:
    """What the forward is made of; every one that is sent has a dossier."""
    if action.dossier is None:
        raise PermanentFailure(FailureReason.INVALID, "there is nothing to forward")
    return action.dossier


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


def told(action: Action) -> Message:
    """What the action tells; every notice that is sent has a message."""
    if action.message is None:
        raise PermanentFailure(FailureReason.INVALID, "there is nothing to tell")
    return action.message


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
