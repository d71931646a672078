"""The parts of the policy that may change while the app runs, as they are in force.

::

    the blob            looked at once a minute at most, when somebody asks
    last good           the text of it that was last in force, kept in our own storage
    the deployed file   where neither can be had

Nothing here is a guard: what reloads says who is told and who is not (review F12).
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

from shared import telemetry
from shared.model.errors import SettingsError, StoreError
from shared.triage import policy as policies

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.actions.routing import Route
    from shared.model.silence import Silence
    from shared.oncall.policy import OnCall
    from shared.store.ports import Blobs
    from shared.triage.policy import Policy

EVERY = timedelta(minutes=1)

# Texts stay under their hash, so that a hash on an action leads to what it meant.
FOLDER = "policy/"
LAST_GOOD = f"{FOLDER}last-good"

# How it is called in messages; the setting holds its address.
BLOB = "FIREWATCH_POLICY_BLOB"


class Live(NamedTuple):
    """What is in force; ``hash`` names the text, ``problems`` what is not in force.

    ``hash`` is the first 12 hex digits of its SHA-256.
    """

    routes: tuple[Route, ...]
    suppress: tuple[Silence, ...]
    on_call: OnCall
    hash: str
    problems: tuple[str, ...] = ()


class Fetch(Protocol):
    """Reading the blob."""

    async def __call__(self, etag: str) -> tuple[str, bytes] | None:
        """Its version and bytes; None where its version still is ``etag``.

        Raises StoreUnavailable where it cannot be read, for whatever reason.
        """
        ...


class LivePolicy:
    """Says what is in force. Without a ``fetch`` that is the deployed policy, always."""

    def __init__(
        self,
        deployed: Policy,
        text: bytes,
        *,
        clock: Callable[[], datetime],
        fetch: Fetch | None = None,
        blobs: Blobs | None = None,
    ) -> None:
        self._deployed = deployed
        self._clock = clock
        self._fetch = fetch
        self._blobs = blobs
        self._lock = asyncio.Lock()
        self._live = _live(deployed, text)
        self._looked_at: datetime | None = None
        # The version of the blob that was read last, and what is wrong with it.
        self._etag = ""
        self._refused: tuple[str, ...] = ()
        # What is in force instead of the deployed text, and says more than it may.
        self._is_reloaded = False
        self._ignored: tuple[str, ...] = ()
        self._unsaved: bytes | None = None
        self._is_recalled = False

    async def __call__(self) -> Live:
        """What is in force now. No I/O within the minute; nothing is raised."""
        if self._fetch is None or not self._is_due():
            return self._live
        if self._lock.locked() and self._looked_at is not None:
            # Somebody else looks; what was in force a moment ago is good enough.
            return self._live
        async with self._lock:
            if self._is_due():
                await self._look(self._fetch)
                self._looked_at = self._clock()
        return self._live

    def _is_due(self) -> bool:
        # A clock that was set back must not end the looking.
        at = self._looked_at
        return at is None or not at <= self._clock() < at + EVERY

    async def _look(self, fetch: Fetch) -> None:
        before = self._live
        problems: list[str] = []
        try:
            found = await fetch(self._etag)
        except StoreError as error:
            problems.append(f"{BLOB}: {error}")
        else:
            if found is not None:
                self._etag, text = found
                self._refused = await self._take(text, BLOB)
                self._unsaved = self._unsaved if self._refused else text
        if not self._is_reloaded and not self._is_recalled:
            problems += await self._recall()
        problems += await self._save()
        problems += [*self._refused, *self._ignored]
        self._live = self._live._replace(problems=tuple(problems))
        _tell(before, self._live)

    async def _take(self, text: bytes, name: str) -> tuple[str, ...]:
        """Put a text in force, or say what is wrong with it."""
        try:
            # It may be long, and others are served meanwhile.
            found = await asyncio.to_thread(
                policies.reload, text, self._deployed, name=name
            )
        except SettingsError as error:
            return error.problems
        self._live = _live(found.policy, text)
        self._is_reloaded = True
        self._ignored = tuple(
            f"{name}: {path}: is not what is deployed, and is ignored"
            for path in found.ignored
        )
        return ()

    async def _recall(self) -> tuple[str, ...]:
        """Put last good in force, where there is one."""
        if self._blobs is None:
            return ()
        try:
            named = (await self._blobs.get(LAST_GOOD) or b"").decode("ascii", "replace")
            text = await self._blobs.get(_place(named)) if named else None
        except StoreError as error:
            return (f"{LAST_GOOD}: {error}",)
        self._is_recalled = True
        if not named:
            return ()
        if text is None or _digest(text) != named:
            return (f"{LAST_GOOD}: names a text that is not there",)
        return await self._take(text, LAST_GOOD)

    async def _save(self) -> tuple[str, ...]:
        """Keep what the blob said; a start without the blob finds it."""
        if self._blobs is None or self._unsaved is None:
            return ()
        digest = _digest(self._unsaved)
        try:
            # The text first: a crash in between leaves the pointer to the one before.
            await self._blobs.put(_place(digest), self._unsaved)
            await self._blobs.put(LAST_GOOD, digest.encode())
        except StoreError as error:
            return (f"{LAST_GOOD}: cannot be stored: {error}",)
        self._unsaved = None
        return ()


def _live(policy: Policy, text: bytes) -> Live:
    return Live(policy.routes, policy.suppress, policy.on_call, _digest(text)[:12])


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _place(digest: str) -> str:
    return f"{FOLDER}{digest}.yaml"


def _tell(before: Live, now: Live) -> None:
    """Log what changed: a blob that stays broken is said once."""
    if now.hash != before.hash:
        telemetry.emit(
            telemetry.POLICY_RELOADED,
            hash=now.hash,
            routes=len(now.routes),
            silences=len(now.suppress),
            schedules=len(now.on_call.schedules),
        )
    if now.problems and now.problems != before.problems:
        telemetry.emit(
            telemetry.POLICY_PROBLEM,
            problem=now.problems[0],
            problems=len(now.problems),
            hash=now.hash,
        )
