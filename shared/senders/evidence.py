"""What a request shows of its sender: read once, capped before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shared.model.errors import SenderRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_HEADER = "x-firewatch-key"
# Azure Monitor and Event Grid cannot set headers, so the key may be in the address.
KEY_QUERY = "code"
TIMESTAMP_HEADER = "x-firewatch-timestamp"
SIGNATURE_HEADER = "x-firewatch-signature"
TOKEN_HEADER = "authorization"  # noqa: S105 - a header's name

# Characters; generous for honest senders: keys of 64 bytes in base64 are 88 long, one
# signature is 67, and a token of Entra with 200 groups is near 10 000.
MAX_KEY = 512
MAX_TIMESTAMP = 32
MAX_SIGNATURE = 1024
MAX_TOKEN = 16_384


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Evidence:
    """The parts of a request that a method looks at; without a repr, as it is secret.

    A part that is missing or empty is None; ``keys`` holds those that were shown.
    """

    keys: tuple[str, ...]
    timestamp: str | None
    signature: str | None
    token: str | None
    body: bytes


class Method(Protocol):
    """One way to vouch for a request, with the senders that use it."""

    async def vouch(self, evidence: Evidence) -> str:
        """The name of the sender that passes; raises SenderRefused if none does.

        Raises TransientFailure when that cannot be found out now.
        """
        ...


def read_evidence(
    headers: Mapping[str, str], query: Mapping[str, str], body: bytes
) -> Evidence:
    """Take what the methods need; raises SenderRefused when a part is too long."""
    shown = (
        _capped(headers, KEY_HEADER, MAX_KEY),
        _capped(query, KEY_QUERY, MAX_KEY),
    )
    return Evidence(
        keys=tuple(key for key in shown if key is not None),
        timestamp=_capped(headers, TIMESTAMP_HEADER, MAX_TIMESTAMP),
        signature=_capped(headers, SIGNATURE_HEADER, MAX_SIGNATURE),
        token=_capped(headers, TOKEN_HEADER, MAX_TOKEN),
        body=body,
    )


def _capped(values: Mapping[str, str], name: str, limit: int) -> str | None:
    value = values.get(name)
    if value is not None and len(value) > limit:
        raise SenderRefused(f"{name} is longer than {limit} characters")
    return value or None
