"""One step of one deed: what is read, changed and read again, and what that came to.

::

    apply    hold the target, before-image, stop flag, change, read it again
    verify   read it again: other sides say yes before it is so
    undo     hold it no more; where nobody else does, read, put back, read again
    tag      say at the resource that it holds longer
    tell     that somebody has to look, where the incident is over and nobody would hear

Whatever is not known is read before anything is sent again (law 3). The before-image is
written before the change, so that whoever finds a target of a dead worker can put it back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.actions import deeds
from shared.actions.deeds import Came, Step
from shared.model.deed import Sight, State, Undo
from shared.model.deed_status import DeedStatus
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    ResponderError,
    TransientFailure,
)
from shared.triage import own

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from responders.base import Doer
    from shared.containment.stopping import Stopping
    from shared.containment.tagging import Tagging
    from shared.containment.targets import Held, Targets
    from shared.model.alert import Alert
    from shared.model.deed import Before, Deed, DeedRow
    from shared.store.ledger import Ledger

# While everything is stopped, how often it is looked whether it still is.
STOPPED_FOR = timedelta(minutes=1)

# What was sent, and not heard of, has taken effect by then or never will.
BELIEVED_AFTER = timedelta(minutes=1)

STOPPED = "everything is stopped"


class Job(NamedTuple):
    """A step of a deed that this worker took on, and its row as written by that."""

    step: Step
    row: DeedRow


class Doing:
    """Does steps. ``doers`` finds who can do a deed, or could; None where nobody can.

    ``say`` has people told what Firewatch itself has to say, and ``tagging`` whoever
    finds what was changed.
    """

    def __init__(
        self,
        ledger: Ledger,
        targets: Targets,
        stopping: Stopping,
        doers: Callable[[Deed], Doer | None],
        *,
        say: Callable[[Alert], Awaitable[None]],
        tagging: Tagging,
    ) -> None:
        self._ledger = ledger
        self._targets = targets
        self._stopping = stopping
        self._doers = doers
        self._say = say
        self._tagging = tagging

    async def __call__(self, job: Job) -> Came:
        """What the step came to.

        Raises StoreError and whatever a doer should not have raised: then it may have
        been sent, or not (``deeds.broken``).
        """
        match job.step:
            case Step.APPLY:
                return await self._apply(job.row)
            case Step.VERIFY:
                return await self._verify(job.row)
            case Step.UNDO:
                return await self._undo(job.row)
            case Step.TAG:
                return await self._tag(job.row)
            case Step.TELL:
                row = job.row
                await self._say(own.stranded(row, self._ledger.now()))
                return Came(row.status, row.detail, row.reason, is_told=True)

    async def _apply(self, row: DeedRow) -> Came:
        held = await self._targets.hold(row)
        try:
            came = await self._applied(row, held)
        except ResponderError as error:
            came = deeds.broken(row, Step.APPLY, error, self._ledger.now())
        came = await self._tagged(held, came)
        await self._give_back(row, held, came)
        return came

    async def _applied(self, row: DeedRow, held: Held) -> Came:
        deed, before = held.target.deed, held.target.before
        doer = self._doers(deed)
        if doer is None:
            return _not_begun(_nobody(deed)) if before is None else _stranded(deed)
        if before is not None:
            # Somebody was here before us, for this incident or for another.
            sight = await doer.verify(deed, before)
            return await self._changed(row, held, doer, sight)
        try:
            before = await doer.before(deed)
        except ResponderError as error:
            return _not_begun(error)
        if await self._stopping.now() is not None:
            return Came(DeedStatus.GUARDED, STOPPED, retry_after=STOPPED_FOR)
        held = await self._targets.note(row, held, before)
        return await self._changed(row, held, doer, None)

    async def _changed(
        self, row: DeedRow, held: Held, doer: Doer, sight: Sight | None
    ) -> Came:
        """What comes of changing it; ``sight`` is None where nothing was sent before."""
        deed, before = held.target.deed, held.target.before
        assert before is not None  # noqa: S101  _applied looked
        if sight is not None and sight.state is State.UNDER_WAY:
            # Ours, or the end of what was before us: that shows when it is over.
            return Came(DeedStatus.CLAIMED, retry_after=sight.retry_after)
        reference = ""
        if sight is None or sight.state in {State.AS_BEFORE, State.PARTLY}:
            if sight is not None and await self._stopping.now() is not None:
                said = PermanentFailure(FailureReason.REFUSED, STOPPED)
                return _fails(said, before)
            try:
                reference = (await doer.apply(deed, before)).reference
            except TransientFailure:
                raise
            except ResponderError as error:
                # How far it got, whoever takes it back will see.
                return _fails(error, before)
            sight = await _read(doer, deed, before)
        return self._seen(row, sight, before)._replace(reference=reference)

    async def _verify(self, row: DeedRow) -> Came:
        target = await self._targets.look(row)
        if target is None or target.before is None:
            return Came(DeedStatus.STRANDED, "nobody knows what it was before")
        doer = self._doers(target.deed)
        if doer is None:
            return _stranded(target.deed)
        sight = await doer.verify(target.deed, target.before)
        came = self._seen(row, sight, target.before)
        if came.status is DeedStatus.VERIFIED or not deeds.holds(row, came):
            # What was sent took effect: nothing of it is to be waited for later.
            held = await self._targets.hold(row)
            came = await self._tagged(held, came)
            await self._give_back(row, held, came)
        return came

    def _seen(self, row: DeedRow, sight: Sight, before: Before) -> Came:
        """What a look at a target comes to that was changed."""
        match sight.state:
            case State.IN_FORCE:
                return Came(DeedStatus.VERIFIED, before=before)
            case State.OTHERWISE:
                return Came(DeedStatus.STRANDED, sight.difference, before=before)
            case _:
                if self._may_come(row, sight):
                    wait = sight.retry_after
                    return Came(DeedStatus.APPLIED, retry_after=wait, before=before)
                said = "the other side took it, and nothing changed"
                return _fails(PermanentFailure(FailureReason.SERVER, said), before)

    def _may_come(self, row: DeedRow, sight: Sight) -> bool:
        """Whether what was sent may still take effect; what is awaited, while it counts."""
        now = self._ledger.now()
        if sight.state is State.AWAITED:
            return row.until is None or now < row.until
        return now - (row.applied_at or now) < deeds.SETTLES_IN

    async def _undo(self, row: DeedRow) -> Came:
        ends = row.ends or DeedStatus.UNDONE
        held, others = await self._targets.release(row)
        if others:
            return await self._left(row, held, ends)
        if held is None:
            return Came(ends)
        try:
            came = await self._put_back(row, held, ends)
        except ResponderError as error:
            came = deeds.broken(row, Step.UNDO, error, self._ledger.now())
        if came.status is ends:
            came = _noted(came, await self._tagging.take(held.target))
        await self._give_back(row, held, came)
        return came

    async def _left(self, row: DeedRow, held: Held | None, ends: DeedStatus) -> Came:
        """Others hold it from now on, and its tag says so."""
        came = Came(ends, "another incident needs it so")
        if held is None:
            return came
        tagged = await self._tagging.put(held.target)
        await self._targets.rest(row, held, is_known=held.target.sent_at is None)
        return _noted(came, tagged.note)

    async def _put_back(self, row: DeedRow, held: Held, ends: DeedStatus) -> Came:
        deed, before = held.target.deed, held.target.before
        assert before is not None  # noqa: S101  release looked
        if row.how is Undo.LEAVE or not deed.reversible:
            # What is never put back failed half way: its row says why.
            said = "left as it is" if deed.reversible else ""
            return Came(ends, said)
        doer = self._doers(deed)
        if doer is None:
            return _stranded(deed)
        sight = await doer.verify(deed, before)
        if sight.state is State.OTHERWISE and row.how is not Undo.FORCE:
            return Came(DeedStatus.STRANDED, sight.difference)
        if sight.state not in {State.AS_BEFORE, State.UNDER_WAY}:
            await doer.undo(deed, before)
            sight = await _read(doer, deed, before)
        if sight.state is not State.AS_BEFORE:
            return Came(DeedStatus.RELEASING, retry_after=sight.retry_after)
        if held.target.sent_at is not None:
            # What a dead worker sent may take effect yet.
            wait = held.target.sent_at + BELIEVED_AFTER - self._ledger.now()
            if wait > timedelta(0):
                return Came(DeedStatus.RELEASING, retry_after=wait)
        return Came(ends)

    async def _tag(self, row: DeedRow) -> Came:
        """Write the tag anew; it is tried once."""
        held = await self._targets.hold(row)
        came = Came(row.status, before=held.target.before)
        came = await self._tagged(held, came)
        await self._targets.rest(row, held, is_known=True)
        return came

    async def _tagged(self, held: Held, came: Came) -> Came:
        """What a step came to, and whoever finds what is in force can read why."""
        if came.status is not DeedStatus.VERIFIED or came.before is None:
            return came
        tagged = await self._tagging.put(held.target)
        by_hand = (*came.before.by_hand, *tagged.removal)
        before = replace(came.before, by_hand=by_hand)
        return _noted(came._replace(before=before), tagged.note)

    async def _give_back(self, row: DeedRow, held: Held, came: Came) -> None:
        if deeds.holds(row, came):
            is_known = came.status is DeedStatus.VERIFIED
            await self._targets.rest(row, held, is_known=is_known)
        else:
            await self._targets.leave(row, held)


async def _read(doer: Doer, deed: Deed, before: Before) -> Sight:
    """How the target stands after something was sent; under way, where it cannot be read.

    It was sent: a failure to read must not make anybody believe that it may not have been.
    """
    try:
        return await doer.verify(deed, before)
    except ResponderError:
        return Sight(state=State.UNDER_WAY)


def _not_begun(error: ResponderError) -> Came:
    """Nothing was sent for anybody."""
    if isinstance(error, TransientFailure):
        wait = error.retry_after
        return Came(DeedStatus.GUARDED, str(error), error.reason, wait)
    is_refused = error.reason is FailureReason.REFUSED
    status = DeedStatus.REFUSED if is_refused else DeedStatus.FAILED
    return Came(status, str(error), error.reason)


def _fails(error: ResponderError, before: Before) -> Came:
    """It is taken back, as far as there is anything to take back."""
    return Came(
        DeedStatus.RELEASING,
        str(error),
        error.reason,
        before=before,
        ends=DeedStatus.FAILED,
    )


def _noted(came: Came, note: str) -> Came:
    """With a note beside what is said anyway."""
    return came._replace(detail="; ".join(filter(None, (came.detail, note))))


def _nobody(deed: Deed) -> PermanentFailure:
    said = f"nothing here can do what {deed.use} does"
    return PermanentFailure(FailureReason.INVALID, said)


def _stranded(deed: Deed) -> Came:
    return Came(DeedStatus.STRANDED, str(_nobody(deed)))
