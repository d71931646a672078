"""An HTTP exchange as responders see it, without any library's types."""

from __future__ import annotations

import ipaddress
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

    async def get(
        self, url: str, *, headers: Mapping[str, str] = ..., most: int = ...
    ) -> Reply:
        """Read a document; raises as ``post`` does.

        A document of more than ``most`` bytes is a PermanentFailure with reason
        INVALID: one that was cut says something else.
        """
        ...

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        most: int = ...,
    ) -> Reply:
        """Send the bytes by any method, once; all else is as with ``post``.

        The answer's body is cut at ``most`` bytes: whoever reads it has it parsed, and
        what was cut does not parse.
        """
        ...


def is_this_machine(host: str) -> bool:
    """Whether a host is loopback: the one place that plain http may be spoken to."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
