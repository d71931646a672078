"""What the app's identity may do: everything, unless somebody says what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from devhost.outside.azure.answers import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable


class Identity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a role allows, and which application permissions were granted.

    ``actions`` and ``data_actions`` are as a role definition writes them, with `*` for
    anything; ``roles`` are those of Graph and Defender for Endpoint, such as
    `User.Read.All`. None of any means all.
    """

    actions: tuple[str, ...] | None = None
    not_actions: tuple[str, ...] = msgspec.field(default=(), name="notActions")
    data_actions: tuple[str, ...] | None = msgspec.field(
        default=None, name="dataActions"
    )
    roles: tuple[str, ...] | None = None


class Rights:
    """Looked at before each request; ``identity`` may change at any time."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    def demand(self, action: str, scope: str) -> None:
        """Refuse what no role allows."""
        if not self.allows(action):
            raise Refused(
                403,
                "AuthorizationFailed",
                f"The client does not have authorization to perform action '{action}'"
                f" over scope '{scope}'",
            )

    def demand_links(self, actions: Iterable[str]) -> None:
        """Refuse a change that reaches for more; the code is [unverified]."""
        for action in actions:
            if not self.allows(action):
                raise Refused(
                    403, "LinkedAuthorizationFailed", f"'{action}' is not allowed"
                )

    def demand_data(self, action: str, code: str) -> None:
        """Refuse what no role allows with data."""
        allowed = self.identity.data_actions
        if allowed is not None and not _any(allowed, action):
            raise Refused(403, "Forbidden", code)

    def demand_role(self, *roles: str, code: str = "Forbidden") -> None:
        """Refuse what none of these permissions was granted for."""
        granted = self.identity.roles
        if granted is not None and not set(roles) & set(granted):
            raise Refused(403, code, f"one of {', '.join(roles)} is needed")

    def shown(self) -> list[dict[str, object]]:
        """As Resource Manager lists what a caller may do at a scope."""
        actions = ("*",) if self.identity.actions is None else self.identity.actions
        return [
            {
                "actions": [*actions],
                "notActions": [*self.identity.not_actions],
                "dataActions": [*(self.identity.data_actions or ())],
                "notDataActions": [],
            }
        ]

    def allows(self, action: str) -> bool:
        """Whether a role allows it."""
        actions = ("*",) if self.identity.actions is None else self.identity.actions
        return _any(actions, action) and not _any(self.identity.not_actions, action)


def _any(patterns: Iterable[str], action: str) -> bool:
    return any(
        re.fullmatch(re.escape(each).replace(r"\*", ".*"), action, re.IGNORECASE)
        for each in patterns
    )
