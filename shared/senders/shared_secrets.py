"""The methods ``key`` and ``hmac``: both sides know the same secret.

Every secret of every sender is compared, in constant time and without stopping at the
first that fits, so that the time of an answer says nothing of which one was near.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.model.errors import SenderRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.model.secret import Secret
    from shared.senders.evidence import Evidence

# How far the sender's clock may be from ours, and how long a capture can be repeated.
SIGNATURE_WINDOW = timedelta(minutes=5)

_UNIX_SECONDS = re.compile(r"[0-9]{1,12}")
# Hex digits are read without case: the same bytes, however a sender's library spells
# them. Other versions than v1 are skipped, so that a later v2 can be sent beside it.
_V1_SIGNATURE = re.compile(r"v1=([0-9a-fA-F]{64})")


class Keys:
    """Senders that show their secret."""

    def __init__(self, secrets: Mapping[str, tuple[Secret, ...]]) -> None:
        self._secrets = secrets

    async def vouch(self, evidence: Evidence) -> str:
        """The first sender in the policy's order with a secret that was shown."""
        if not evidence.keys:
            raise SenderRefused("key: none was sent")
        # A header may hold any character; a secret holds only ASCII (see ``policy``).
        shown = [key.encode("utf-8", "surrogatepass") for key in evidence.keys]
        passed = [
            name
            for name, secrets in self._secrets.items()
            for secret in secrets
            for key in shown
            if hmac.compare_digest(secret.reveal().encode(), key)
        ]
        if not passed:
            raise SenderRefused("key: it is no sender's")
        return passed[0]


class Signatures:
    """Senders that sign ``timestamp + "." + body`` with HMAC-SHA256."""

    def __init__(
        self,
        secrets: Mapping[str, tuple[Secret, ...]],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._secrets = secrets
        self._clock = clock

    async def vouch(self, evidence: Evidence) -> str:
        """The first sender in the policy's order whose secret made a signature."""
        if evidence.signature is None:
            raise SenderRefused("hmac: no signature was sent")
        signed_at = self._fresh(evidence.timestamp)
        given = [
            bytes.fromhex(found[1])
            for value in evidence.signature.split(",")
            if (found := _V1_SIGNATURE.fullmatch(value.strip()))
        ]
        if not given:
            raise SenderRefused("hmac: no v1 signature in the header")
        passed = [
            name
            for name, secrets in self._secrets.items()
            for secret in secrets
            for expected in [_sign(secret, signed_at, evidence.body)]
            for digest in given
            if hmac.compare_digest(expected, digest)
        ]
        if not passed:
            raise SenderRefused("hmac: the signature is no sender's")
        return passed[0]

    def _fresh(self, timestamp: str | None) -> str:
        if timestamp is None or not _UNIX_SECONDS.fullmatch(timestamp):
            raise SenderRefused("hmac: the timestamp is not in unix seconds")
        age = self._clock().timestamp() - int(timestamp)
        if abs(age) > SIGNATURE_WINDOW.total_seconds():
            raise SenderRefused("hmac: the timestamp is outside the window")
        return timestamp


def _sign(secret: Secret, timestamp: str, body: bytes) -> bytes:
    code = hmac.new(secret.reveal().encode(), f"{timestamp}.".encode(), hashlib.sha256)
    code.update(body)
    return code.digest()
