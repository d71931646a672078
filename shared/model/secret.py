"""Values that must never be seen, and how the policy names them."""

from __future__ import annotations

from typing import NoReturn

import msgspec


class Secret:
    """A secret value whose text only ``reveal`` gives; printing it shows stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that signs or sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(****)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        # `==` on secrets leaks by time and by assertion messages.
        raise TypeError("compare secrets with hmac.compare_digest")

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


class SecretRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a secret of the policy is: the app setting that holds it.

    In Azure that setting is a Key Vault reference, so the policy file holds no secret.
    """

    setting: str
