"""Who the app itself is to Entra, which no deed may touch.

It is read from the token that the app shows to Resource Manager: that one is its own, so
nobody has to prove it. Neither token nor claims are logged.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import msgspec

from shared import telemetry
from shared.model.errors import ResponderError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class _Claims(msgspec.Struct, frozen=True):
    """Of a token of Entra: the object id, and the application in either version."""

    oid: str = ""
    appid: str = ""
    azp: str = ""


class Itself:
    """Knows the ids of the app's identity; one for the process.

    ``token`` gives a bearer token for a scope, and raises ResponderError.
    """

    def __init__(self, token: Callable[[str], Awaitable[str]], scope: str) -> None:
        self._token = token
        self._scope = scope
        self._known: frozenset[str] = frozenset()

    async def __call__(self) -> frozenset[str]:
        """The object id and the application's; nothing while they cannot be read."""
        if self._known:
            return self._known
        try:
            self._known = ids_of(await self._token(self._scope))
        except ResponderError as error:
            telemetry.emit(telemetry.GUARD_UNREAD, reason=str(error))
        else:
            if not self._known:
                said = "the token of the app's identity does not say whose it is"
                telemetry.emit(telemetry.GUARD_UNREAD, reason=said)
        return self._known


def ids_of(token: str) -> frozenset[str]:
    """Whose token it is, in lower case; nothing where it names no object id.

    The signature is not looked at: only a token of our own is worth asking.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return frozenset()
    padding = "=" * (-len(parts[1]) % 4)
    try:
        body = base64.urlsafe_b64decode(parts[1] + padding)
        claims = msgspec.json.decode(body, type=_Claims)
    except (ValueError, msgspec.MsgspecError):
        return frozenset()
    found = (claims.oid.lower(), claims.appid.lower(), claims.azp.lower())
    if not _GUID.fullmatch(found[0]):
        return frozenset()
    return frozenset(filter(_GUID.fullmatch, found))
