"""The links that a notice offers, so that it can be answered where it is read."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import replace

from shared.answers.token import Token, Verb, act, signed
from shared.model.deed_status import DeedStatus
from shared.model.incident import IncidentStatus
from shared.model.link import Link
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from shared.answers.keys import Keys
    from shared.model.deed_status import Gist
    from shared.model.incident import Incident

# remote-apis-sinks.md 19: what approves lives for minutes; none of these does.
LIFETIME = timedelta(hours=24)

# Whom a link was sent to, as timelines show it.
LONGEST_HINT = 60

# Two routes, so that the platform can have people sign in on one of them alone. The
# token stands in the query: the host keeps paths in its telemetry, and queries not.
ANYBODY, SIGNED_IN = "a", "s"
PARAMETER = "t"

_TEXTS = {
    Verb.ACKNOWLEDGE: "Acknowledge",
    Verb.RESOLVE: "Resolve",
    Verb.SILENCE: "Silence",
    Verb.APPROVE: "Approve",
    Verb.DENY: "Deny",
}

# Deeds that one message offers to decide; the page of the incident has all.
MOST_DEEDS = 2
LONGEST_TEXT = 60


class Links:
    """Makes links; none where there is no key or no address (law 6: notices fail open).

    ``base_url`` is where people reach the app, without a slash at its end. With
    ``sign_in`` people can sign in there, and are offered what needs that.
    """

    def __init__(
        self,
        keys: Keys | None,
        base_url: str,
        clock: Callable[[], datetime],
        *,
        sign_in: bool = False,
        problems: tuple[str, ...] = (),
    ) -> None:
        self.keys = keys if base_url else None
        self.problems = problems
        self.sign_in = sign_in
        self._base_url = base_url
        self._clock = clock

    @property
    def audience(self) -> str:
        """The host that tokens are for."""
        return urlsplit(self._base_url).netloc

    @property
    def origin(self) -> str:
        """Where our own pages come from, as browsers say it."""
        parts = urlsplit(self._base_url)
        return f"{parts.scheme}://{parts.netloc}"

    def offered(
        self, incident: Incident, responder: str, recipient: str
    ) -> tuple[Link, ...]:
        """What somebody who is told of the incident can say of it now, by a link each.

        ``recipient`` is whom the responder tells, as people know them; it is what the
        timeline names, and proves nothing.
        """
        if self.keys is None or incident.status is not IncidentStatus.OPEN:
            return ()
        verbs = [
            verb
            for verb in Verb
            if not verb.is_of_deed
            and (self.sign_in or not verb.needs_person)
            and not (verb is Verb.ACKNOWLEDGE and incident.acknowledged)
        ]
        whom = _Whom(incident, responder, recipient)
        return (
            *(self._link(self.keys, whom, verb) for verb in verbs),
            *self._of_deeds(self.keys, whom),
        )

    def _of_deeds(self, keys: Keys, whom: _Whom) -> Iterator[Link]:
        """What waits for somebody who may, the first of it."""
        waiting = [
            (key, deed)
            for key, deed in whom.incident.deeds.items()
            if deed.status is DeedStatus.AWAITING and deed.next_at is not None
        ]
        for key, deed in waiting[:MOST_DEEDS] if self.sign_in else ():
            for verb in (Verb.APPROVE, Verb.DENY):
                yield self._link(keys, whom, verb, deed, key)

    def _link(
        self,
        keys: Keys,
        whom: _Whom,
        verb: Verb,
        deed: Gist | None = None,
        key: str = "",
    ) -> Link:
        incident = whom.incident
        ends = deed.next_at if deed is not None else None
        token = Token(
            jti="",
            inc=incident.id,
            epoch=incident.epoch,
            verb=verb,
            exp=int((ends or self._clock() + LIFETIME).timestamp()),
            aud=self.audience,
            act=act(key, deed.plan) if deed is not None else "",
            hint=plain(whom.recipient, LONGEST_HINT),
            via=whom.responder,
        )
        route = SIGNED_IN if verb.needs_person else ANYBODY
        text = signed(replace(token, jti=_name(token)), keys)
        said = _TEXTS[verb]
        if deed is not None:
            said = plain(f"{said}: {deed.says}", LONGEST_TEXT)
        return Link(
            text=said,
            href=f"{self._base_url}/api/{route}?{PARAMETER}={text}",
            verb=verb.value,
        )


class _Whom(NamedTuple):
    """What is told, by which responder, and to whom."""

    incident: Incident
    responder: str
    recipient: str


def _name(token: Token) -> str:
    """A name of the token's own: the same only for the same link, second and all."""
    parts: list[object] = [token.inc, str(token.epoch), token.verb, token.hint]
    parts += [token.via, token.exp, *([token.act] if token.act else [])]
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
