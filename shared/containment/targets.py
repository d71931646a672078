"""Who needs a target changed: the first to come changes it, the last to leave puts it back.

A target lies in a partition of its own, so no transaction spans it and an incident.
Whatever is written here may be written again: a deed is a holder under its key, and what
the target was before is kept from before it was first changed until it was put back.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec.structs import replace

from shared.model.deed import Holder, TargetRow
from shared.model.errors import FailureReason, TransientFailure
from shared.model.incident import Lease
from shared.store import rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from shared.model.deed import Before, DeedRow
    from shared.store.draft import Draft
    from shared.store.ledger import Ledger

_T = TypeVar("_T")


class Held(NamedTuple):
    """A target that this worker has to itself, under ``token``, for one step."""

    target: TargetRow
    token: str


class Released(NamedTuple):
    """The target, where it was changed, and how many ``others`` hold it still.

    Without others it is to be put back.
    """

    held: Held | None
    others: int


class Targets:
    """The rows of targets. Everything raises StoreError.

    A lease is over ``lease`` after it was taken, by the store's clock; what its holder
    writes after somebody else took it raises TransientFailure, and nothing is written.
    """

    def __init__(self, ledger: Ledger, *, lease: timedelta) -> None:
        self._ledger = ledger
        self._lease = lease

    async def hold(self, row: DeedRow) -> Held:
        """Have the deed among the holders, and the target to oneself.

        Raises TransientFailure while somebody else has it.
        """
        token = uuid.uuid4().hex

        def decide(draft: Draft, key: str) -> TargetRow:
            found = draft.read(key, TargetRow)
            _is_ours_to_take(found, draft.now)
            holders = {} if found is None else found.holders
            mine = _holder(row, holders.get(row.key), draft.now)
            # Where nothing was sent yet for anybody else, it is this plan that counts.
            is_first = found is None or (
                found.before is None and not holders.keys() - {row.key}
            )
            target = TargetRow(
                deed=row.deed if found is None or is_first else found.deed,
                holders={**holders, row.key: mine},
                before=None if found is None else found.before,
                lease=Lease(owner=token, until=draft.now + self._lease),
                sent_at=draft.now,
                changed_at=draft.now,
            )
            draft.put(key, target)
            return target

        return Held(await self._write(row, decide), token)

    async def note(self, row: DeedRow, held: Held, before: Before) -> Held:
        """Write down what the target is before it is changed for the first time."""

        def decide(draft: Draft, key: str) -> TargetRow:
            target = replace(_mine(draft, key, held), before=before)
            draft.put(key, target)
            return target

        return held._replace(target=await self._write(row, decide))

    async def rest(self, row: DeedRow, held: Held, *, is_known: bool) -> None:
        """Give the target back; ``is_known`` is whether what was sent came of it."""

        def decide(draft: Draft, key: str) -> None:
            found = _mine(draft, key, held)
            sent_at = None if is_known else found.sent_at
            found = replace(found, lease=None, sent_at=sent_at, changed_at=draft.now)
            draft.put(key, found)

        await self._write(row, decide)

    async def leave(self, row: DeedRow, held: Held) -> None:
        """The deed holds it no more, and nothing is to be put back for it."""

        def decide(draft: Draft, key: str) -> None:
            found = _mine(draft, key, held)
            holders = {k: v for k, v in found.holders.items() if k != row.key}
            left = replace(found, holders=holders, lease=None, changed_at=draft.now)
            free = replace(left, before=None, sent_at=None)
            draft.put(key, left if holders else free)

        await self._write(row, decide)

    async def look(self, row: DeedRow) -> TargetRow | None:
        """The target as it is on record."""
        return await self._write(row, lambda draft, key: draft.read(key, TargetRow))

    async def release(self, row: DeedRow) -> Released:
        """Have the deed hold it no more, and the target to oneself.

        Raises TransientFailure while somebody else has it.
        """
        token = uuid.uuid4().hex

        def decide(draft: Draft, key: str) -> Released:
            found = draft.read(key, TargetRow)
            if found is None or found.is_free:
                return Released(None, 0)
            _is_ours_to_take(found, draft.now)
            holders = {k: v for k, v in found.holders.items() if k != row.key}
            is_changed = found.before is not None
            lease = Lease(owner=token, until=draft.now + self._lease)
            target = replace(
                found,
                holders=holders,
                lease=lease if is_changed else None,
                changed_at=draft.now,
            )
            draft.put(key, target)
            return Released(Held(target, token) if is_changed else None, len(holders))

        return await self._write(row, decide)

    async def _write(self, row: DeedRow, decide: Callable[[Draft, str], _T]) -> _T:
        name = row.deed.target
        partition = rows.partition_of(name, self._ledger.partitions)
        key = rows.target(row.deed.use, name)
        await self._ledger.refresh(partition, [key])
        done, _ = await self._ledger.transact(
            partition, lambda draft: decide(draft, key), by="respond"
        )
        return done


def _holder(row: DeedRow, known: Holder | None, now: datetime) -> Holder:
    """The deed as a holder, with its end as far as that is known by now."""
    until = row.until or (None if row.lasts is None else now + row.lasts)
    since = known.since if known else now
    return Holder(incident=row.incident, since=since, until=until)


def _is_ours_to_take(found: TargetRow | None, now: datetime) -> None:
    if found is not None and found.lease is not None and found.lease.until > now:
        raise TransientFailure(
            FailureReason.CONFLICT,
            "somebody changes it for another incident at this moment",
            retry_after=found.lease.until - now,
        )


def _mine(draft: Draft, key: str, held: Held) -> TargetRow:
    """The target, while this worker has it; else TransientFailure."""
    found = draft.read(key, TargetRow)
    if found is None or found.lease is None or found.lease.owner != held.token:
        raise TransientFailure(
            FailureReason.TIMEOUT, "took longer than the lease of its target"
        )
    return found
