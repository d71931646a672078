"""The secrets that answers are proved by: keys of links, and what is wrong with a secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.model.secret import Secret

# Of random bytes, however they are written (remote-apis-sinks.md 19).
KEY_BYTES = 32
# 32 bytes in base64 without padding; in hex they are 64.
KEY_LENGTH = 43

# A reference that App Service could not resolve stays in the setting as its own text
# ("Use Key Vault references", Troubleshooting), and that text can be guessed.
_UNRESOLVED_REFERENCE = "@microsoft."

CURRENT, PREVIOUS = "FIREWATCH_LINK_KEY", "FIREWATCH_LINK_KEY_PREVIOUS"


class Key:
    """A key for one purpose; ``kid`` names the secret that it is made of."""

    __slots__ = ("_derived", "kid")

    def __init__(self, secret: Secret, purpose: str) -> None:
        raw = secret.reveal().encode()
        self.kid = hashlib.sha256(b"firewatch kid:" + raw).hexdigest()[:8]
        self._derived = hmac.digest(raw, f"firewatch {purpose}".encode(), "sha256")

    def __repr__(self) -> str:
        return f"Key({self.kid})"

    def mac(self, message: str) -> str:
        """HMAC-SHA256 of a text, in base64url without padding."""
        code = hmac.digest(self._derived, message.encode(), "sha256")
        return base64.urlsafe_b64encode(code).rstrip(b"=").decode()


class Keys:
    """The secrets in force: what is signed is signed with the first, any verifies.

    A key of one purpose is of no use for another.
    """

    def __init__(self, current: Secret, *previous: Secret) -> None:
        self._secrets = (current, *previous)

    def current(self, purpose: str) -> Key:
        """The key to sign with."""
        return Key(self._secrets[0], purpose)

    def active(self, purpose: str) -> tuple[Key, ...]:
        """Every key that verifies, the current one first."""
        return tuple(Key(secret, purpose) for secret in self._secrets)


def read(
    current: Secret | None, previous: Secret | None
) -> tuple[Keys | None, list[str]]:
    """The keys of the settings, and what is wrong with them; None where there are none.

    A previous key that is of no use is left out.
    """
    given = {CURRENT: current, PREVIOUS: previous}
    problems = {
        name: f"{name}: {said}"
        for name, value in given.items()
        if value is not None and (said := weakness(value, KEY_LENGTH))
    }
    if current is None and previous is not None:
        problems[CURRENT] = f"{CURRENT}: is missing, and {PREVIOUS} signs nothing"
    found = None
    if current is not None and CURRENT not in problems:
        is_used = previous is not None and PREVIOUS not in problems
        found = Keys(current, previous) if previous and is_used else Keys(current)
    return found, [*problems.values()]


def weakness(value: Secret, least: int) -> str:
    """Why a value is no secret of at least that many characters; empty if it is one."""
    text = value.reveal()
    if text.lower().startswith(_UNRESOLVED_REFERENCE):
        return "holds a Key Vault reference that was not resolved"
    if len(text) < least:
        return f"is shorter than {least} characters"
    if not (text.isascii() and text.isprintable()) or text != text.strip():
        return "must be printable ASCII without white space at its ends"
    return ""
