"""What goes wrong in the middle: after a change was taken, where no status tells."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from devhost.outside.azure.answers import Refused

if TYPE_CHECKING:
    from devhost.outside.azure.resources import Document, Resources


class Way(StrEnum):
    """How a change goes wrong that was taken."""

    # It begins, and ends as Failed: all is as it was.
    FAILS = "fails"
    # It ends as Succeeded, and all is as it was.
    IS_LOST = "is lost"
    # It is done, and is said to be going on for ever.
    NEVER_ENDS = "never ends"
    # It is done, and the next reads show what was before.
    IS_STALE = "is stale"


class Upset(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What comes of the next changes of one side.

    ``about`` is a part of the path that is changed, its case does not matter; ``method``
    limits it to one, such as DELETE. ``code`` is what one that fails says, ``reads`` how
    many are stale. Without ``times`` it lasts until faults are taken away.
    """

    side: str
    way: Way
    about: str = ""
    method: str = ""
    code: str = "InternalServerError"
    reads: int = 1
    times: int | None = None


class Upsets:
    """The upsets in force; the oldest that fits acts."""

    def __init__(self) -> None:
        self._upsets: list[Upset] = []

    def add(self, upset: Upset) -> None:
        """Upset changes from now on."""
        self._upsets.append(upset)

    def clear(self) -> None:
        """Let changes be what they should be."""
        self._upsets.clear()

    def next(self, side: str, method: str, path: str) -> Upset | None:
        """What comes of this change; None where it is what it should be."""
        for upset in self._upsets:
            if (
                upset.side == side
                and upset.times != 0
                and upset.method in {"", method}
                and upset.about.lower() in path.lower()
            ):
                if upset.times is not None:
                    upset.times -= 1
                return upset
        return None


def write(
    upset: Upset | None, resources: Resources, resource_id: str, after: Document | None
) -> None:
    """Let a change that is over at once be so, or go wrong.

    One that fails is answered with 500, since there is no later. ``after`` is None where
    the resource is to be gone.
    """
    way = upset.way if upset else None
    if upset and way is Way.FAILS:
        raise Refused(500, upset.code, "upset on request")
    if upset and way is Way.IS_STALE:
        resources.keep_showing((after or {}).get("id", resource_id), upset.reads)
    if way is Way.IS_LOST:
        return
    if after is not None:
        resources.write(after)
    elif resources.find(resource_id) is not None:
        resources.remove(resource_id)
