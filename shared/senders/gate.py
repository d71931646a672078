"""Whether a webhook request comes from a sender of the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from shared.model.errors import SenderRefused, SettingsError
from shared.senders import policy
from shared.senders.entra import Tokens
from shared.senders.evidence import read_evidence
from shared.senders.shared_secrets import Keys, Signatures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from shared.model.http import Http
    from shared.model.secret import Secret, SecretRef
    from shared.senders.evidence import Method

_S = TypeVar("_S", bound=policy.Sender)


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The sender that vouches for a request, and the formats it may send."""

    name: str
    formats: tuple[str, ...]


class Senders:
    """The senders of the policy; one that passes by its own method is enough.

    Raises SettingsError with every problem that can be seen without the network.
    """

    def __init__(
        self,
        senders: Mapping[str, policy.Sender],
        *,
        secret: Callable[[SecretRef], Secret | None],
        http: Http,
        clock: Callable[[], datetime],
    ) -> None:
        secrets, unusable = policy.read_secrets(senders, secret)
        if problems := [*policy.find_problems(senders), *unusable]:
            raise SettingsError(problems)
        self._formats = {name: sender.formats for name, sender in senders.items()}
        # The methods that ask nobody come first.
        self._methods: list[Method] = []
        if keys := _of(policy.KeySender, senders):
            self._methods.append(Keys({name: secrets[name] for name in keys}))
        if hmacs := _of(policy.HmacSender, senders):
            own = {name: secrets[name] for name in hmacs}
            self._methods.append(Signatures(own, clock=clock))
        if tokens := _of(policy.EntraSender, senders):
            self._methods.append(Tokens(tokens, http=http, clock=clock))

    async def authenticate(
        self, *, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> Accepted:
        """The sender whose method the request passes; header names in lower case.

        Raises SenderRefused, whose text is for our own log and repeats nothing of the
        request, or TransientFailure when an issuer's keys cannot be read now.
        """
        evidence = read_evidence(headers, query, body)
        refusals = []
        for method in self._methods:
            try:
                name = await method.vouch(evidence)
            except SenderRefused as refused:
                refusals.append(str(refused))
            else:
                return Accepted(name=name, formats=self._formats[name])
        raise SenderRefused("; ".join(refusals) or "the policy lists no sender")


def _of(method: type[_S], senders: Mapping[str, policy.Sender]) -> dict[str, _S]:
    return {name: s for name, s in senders.items() if isinstance(s, method)}
