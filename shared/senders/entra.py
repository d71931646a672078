"""The method ``entra``: a bearer token, verified with the keys its issuer publishes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.model.errors import (
    FailureReason,
    ResponderError,
    SenderRefused,
    TransientFailure,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jwt import PyJWK

    from shared.model.http import Http
    from shared.senders.evidence import Evidence
    from shared.senders.policy import EntraSender

# "Signing key rollover in the Microsoft identity platform": look once a day, and at
# once when a token names a key that is not known.
KEYS_FRESH_FOR = timedelta(hours=24)

# Anybody can send an unknown key id, so that "at once" is rationed.
REFETCH_PAUSE = timedelta(minutes=5)

# While there are no keys at all every honest token waits, so the ration is larger.
FIRST_FETCH_PAUSE = timedelta(seconds=15)

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Tokens:
    """Senders that bring a token; senders with the same issuer share its keys."""

    def __init__(
        self,
        senders: Mapping[str, EntraSender],
        *,
        http: Http,
        clock: Callable[[], datetime],
    ) -> None:
        self._senders = senders
        self._clock = clock
        self._keys = {
            url: _IssuerKeys(url, http=http, clock=clock)
            for url in (sender.keys_url for sender in senders.values())
            if url is not None
        }

    async def vouch(self, evidence: Evidence) -> str:
        """The first sender in the policy's order whose token this is."""
        token = _bearer(evidence.token)
        from shared.senders import tokens  # noqa: PLC0415 - see its docstring

        outline = tokens.read_outline(token)
        refusals = []
        unsure: TransientFailure | None = None
        for name, sender in self._senders.items():
            if sender.issuer != outline.issuer or sender.keys_url is None:
                continue
            try:
                key = await self._keys[sender.keys_url].find(outline.kid)
                tokens.verify(token, key, sender, now=self._clock())
            except SenderRefused as refused:
                refusals.append(str(refused))
            except TransientFailure as failure:
                unsure = failure
            else:
                return name
        if unsure is not None:
            raise unsure
        raise SenderRefused("; ".join(refusals) or "entra: no sender has this issuer")


class _IssuerKeys:
    """The signing keys at one address, kept for a day.

    Keys that could not be renewed stay good: an issuer that is down for an hour does
    not silence its senders.
    """

    def __init__(self, url: str, *, http: Http, clock: Callable[[], datetime]) -> None:
        self._url = url
        self._http = http
        self._clock = clock
        self._lock = asyncio.Lock()
        self._keys: Mapping[str, PyJWK] = {}
        self._stale_at = _LONG_AGO
        self._paused_until = _LONG_AGO
        self._failed = False

    async def find(self, kid: str) -> PyJWK:
        """The key of that id; raises SenderRefused if the issuer has none such.

        Raises TransientFailure when the issuer could not be asked.
        """
        if self._should_fetch(kid):
            async with self._lock:
                # Whoever held the lock may have fetched for us.
                if self._should_fetch(kid):
                    await self._fetch()
        if (key := self._keys.get(kid)) is not None:
            return key
        if self._failed:
            raise TransientFailure(
                FailureReason.UNAVAILABLE,
                f"the signing keys at {urlsplit(self._url).hostname} cannot be read",
                retry_after=max(self._paused_until - self._clock(), timedelta(0)),
            )
        raise SenderRefused("entra: the issuer has no such key")

    def _should_fetch(self, kid: str) -> bool:
        now = self._clock()
        is_wanted = kid not in self._keys or now >= self._stale_at
        return is_wanted and now >= self._paused_until

    async def _fetch(self) -> None:
        from shared.senders import tokens  # noqa: PLC0415 - see its docstring

        try:
            reply = await self._http.get(self._url)
            keys = tokens.read_keys(reply.body) if reply.status == 200 else {}
        except ResponderError:
            keys = {}
        # The pause starts when the answer is here: those who waited do not ask again.
        now = self._clock()
        pause = REFETCH_PAUSE if self._keys else FIRST_FETCH_PAUSE
        self._paused_until = now + pause
        self._failed = not keys
        if keys:
            self._keys = keys
            self._stale_at = now + KEYS_FRESH_FOR


def _bearer(header: str | None) -> str:
    if header is None:
        raise SenderRefused("entra: no token was sent")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise SenderRefused("entra: the authorization is not a bearer token")
    return token.strip()
