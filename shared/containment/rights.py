"""Whether the app's identity may do what a deed needs: asked before it is tried.

So a right that is missing shows in the page of the first alert, in shadow too, and not
when it is needed.
"""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.model import resource
from shared.model.errors import ResponderError
from shared.model.permission import Api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from shared.model.permission import Permission
    from shared.model.rest import Rest

# What the caller may do at a scope. [unverified: that roles of the scopes above count]
VERSION = "2022-04-01"
READ = "Microsoft.Authorization/permissions/read"

# A role that is given or taken away is seen so much later.
BELIEVED_FOR = timedelta(minutes=15)


class Granted(NamedTuple):
    """What the roles of a caller allow at a scope; each with what it takes away."""

    roles: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    data: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]

    def allows(self, permission: Permission) -> bool:
        """Whether any role does."""
        roles = self.data if permission.api is Api.DATA else self.roles
        return any(
            _any(actions, permission.action) and not _any(without, permission.action)
            for actions, without in roles
        )


class Rights:
    """Asks Azure Resource Manager what the app may do, and remembers it for a while."""

    def __init__(self, arm: Rest, clock: Callable[[], datetime]) -> None:
        self._arm = arm
        self._clock = clock
        self._known: dict[str, tuple[datetime, Granted | None]] = {}

    async def lacking(
        self, permissions: Sequence[Permission], scopes: Iterable[str]
    ) -> tuple[str, ...]:
        """What no role allows at these scopes, as ``action on group``.

        What cannot be read is no answer: nothing is said of it. Permissions of other
        APIs than Resource Manager's are not asked about.
        """
        asked = [p for p in permissions if p.api in {Api.ARM, Api.DATA}]
        groups = dict.fromkeys(filter(None, map(_group, scopes)))
        found = await asyncio.gather(*map(self._granted, groups))
        return tuple(
            f"{permission.action} on {resource.display_name(group)}"
            for group, granted in zip(groups, found, strict=True)
            if granted is not None
            for permission in asked
            if not granted.allows(permission)
        )

    async def _granted(self, group: str) -> Granted | None:
        known = self._known.get(group)
        if known is not None and self._clock() < known[0]:
            return known[1]
        path = f"{group}/providers/Microsoft.Authorization/permissions"
        try:
            found = await self._arm.list_all(
                f"{path}?api-version={VERSION}", permission=READ
            )
        except ResponderError:
            granted = None
        else:
            granted = Granted(_roles(found, ""), _roles(found, "data"))
        self._known[group] = (self._clock() + BELIEVED_FOR, granted)
        return granted


def _group(scope: str) -> str:
    """The resource group of a canonical id; empty where it is in none."""
    name = resource.group(scope)
    whole = f"/subscriptions/{resource.subscription(scope)}"
    return f"{whole}/resourcegroups/{name}" if name else ""


def _roles(
    found: Iterable[dict[str, Any]], kind: str
) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    names = ("dataActions", "notDataActions") if kind else ("actions", "notActions")
    return tuple(
        (_texts(role.get(names[0])), _texts(role.get(names[1]))) for role in found
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _any(patterns: Iterable[str], action: str) -> bool:
    return any(_pattern(each).fullmatch(action) for each in patterns)


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\*", ".*"), re.IGNORECASE)
