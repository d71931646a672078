"""Tags what is contained, and takes the tag away: tried once, and never in the way.

A tag that cannot be written or taken away is a note on the deed. (remote-apis-azure.md 18)
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from shared import telemetry
from shared.actions.containment_tag import tag_of
from shared.containment.owners import tags_at, tags_path
from shared.model.errors import ResponderError, TransientFailure

if TYPE_CHECKING:
    from shared.actions.containment_tag import Tag
    from shared.model.deed import TargetRow
    from shared.model.rest import Rest

# It is optional: who does not grant it has no tags.
WRITE_TAGS = "Microsoft.Resources/tags/write"

# Both requests together. What it costs a deed at most.
WITHIN_S = 5.0


class Tagged(NamedTuple):
    """What came of it: a ``note`` where it did not work, and how to take the tag away.

    ``removal`` is a command, where the tag may be there.
    """

    note: str = ""
    removal: tuple[str, ...] = ()


class Tagging:
    """Writes tags by Azure Resource Manager. Nothing here raises ResponderError.

    What has no answer within ``within_s`` is given up.
    """

    def __init__(self, arm: Rest, *, within_s: float = WITHIN_S) -> None:
        self._arm = arm
        self._within_s = within_s

    async def put(self, target: TargetRow) -> Tagged:
        """Have the resource of a target say who holds it, and until when."""
        tag = tag_of(target)
        if tag is None:
            return Tagged()
        failure = await self._tried(tag, target, is_wanted=True)
        if failure is None:
            return Tagged(removal=(tag.removal,))
        note = f"its tag could not be written: {_said(failure)}"
        # What was refused is not there; of anything else nobody knows.
        may_be_there = isinstance(failure, TransientFailure | TimeoutError)
        return Tagged(note, (tag.removal,) if may_be_there else ())

    async def take(self, target: TargetRow) -> str:
        """Have it say so no more; a note where that did not work."""
        tag = tag_of(target)
        if tag is None:
            return ""
        failure = await self._tried(tag, target, is_wanted=False)
        if failure is None:
            return ""
        return f"its tag {tag.name} may be there still: {_said(failure)}"

    async def _tried(
        self, tag: Tag, target: TargetRow, *, is_wanted: bool
    ) -> ResponderError | TimeoutError | None:
        try:
            async with asyncio.timeout(self._within_s):
                await self._written(tag, is_wanted=is_wanted)
        except (ResponderError, TimeoutError) as error:
            telemetry.emit(
                telemetry.DEED_UNTAGGED,
                responder=target.deed.responder,
                resource=tag.resource,
                wanted="on" if is_wanted else "off",
                reason=_said(error),
            )
            return error
        return None

    async def _written(self, tag: Tag, *, is_wanted: bool) -> None:
        """Read first: what is so already is not sent, and only what is there is deleted."""
        known = await tags_at(self._arm, tag.resource)
        # Names of tags have no case.
        there = {name: known[name] for name in known if name.lower() == tag.name}
        if is_wanted:
            if tag.value not in there.values():
                await self._send(tag, "Merge", {tag.name: tag.value})
        elif there:
            await self._send(tag, "Delete", there)

    async def _send(self, tag: Tag, operation: str, tags: dict[str, str]) -> None:
        await self._arm.change(
            "PATCH",
            tags_path(tag.resource),
            {"operation": operation, "properties": {"tags": tags}},
            permission=WRITE_TAGS,
        )


def _said(error: ResponderError | TimeoutError) -> str:
    return str(error) or "no answer in time"
