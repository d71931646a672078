"""An HTTP exchange as responders see it, without any library's types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What the other side answered: header names in lower case, body capped."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http(Protocol):
    """The one way out to the network that a responder is given."""

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send the bytes once; redirects are not followed, TLS is always verified.

        Raises TransientFailure with reason TIMEOUT or UNAVAILABLE; either way the
        other side may have taken it. Its message never holds the URL's path or
        query, since those may be the secret.
        """
        ...

    async def get(self, url: str) -> Reply:
        """Read a public document; raises as ``post`` does."""
        ...
