"""Container registries and their tokens.

(remote-apis-azure.md 11)
"""

from __future__ import annotations

from devhost.outside.azure.kinds import (
    Asked,
    Change,
    How,
    Kind,
    bad,
    changed,
    existing,
    properties_of,
)

VERSION = "2023-07-01"


class Registry(Kind):
    """A registry, and whether it has an administrator with a password."""

    type = "Microsoft.ContainerRegistry/registries"
    version = VERSION

    def patch(self, asked: Asked) -> Change:
        old, given = existing(asked), properties_of(asked.body)
        if set(given) != {"adminUserEnabled"} or not isinstance(
            given["adminUserEnabled"], bool
        ):
            raise bad("only adminUserEnabled can be patched here")
        return Change(changed(old, **given), How.AT_ONCE, 200)


class Token(Kind):
    """What a program pulls and pushes by. It has no etag."""

    type = "Microsoft.ContainerRegistry/registries/tokens"
    version = VERSION

    def patch(self, asked: Asked) -> Change:
        old, given = existing(asked), properties_of(asked.body)
        if given.get("status") not in {"enabled", "disabled"}:
            raise bad("status is neither enabled nor disabled")
        return Change(changed(old, status=given["status"]), How.BY_OPERATION, 201)
