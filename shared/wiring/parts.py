"""What every verb is wired from: settings, policy, storage and who the app is.

Each is built at its first use, once; so is all that is imported for it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from shared import settings as environment
from shared.clouds.http import HttpClient
from shared.model.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.clouds.credentials import Credentials
    from shared.clouds.storage import Storage
    from shared.live_policy import Fetch, Live, LivePolicy
    from shared.settings import Settings
    from shared.triage.policy import Policy

# A page of a list is megabytes, and nobody's lease runs while it is read.
LIST_TIMEOUT_S = 60.0

_T = TypeVar("_T")


def utc_now() -> datetime:
    """The clock of the running app."""
    return datetime.now(UTC)


class Deployed(NamedTuple):
    """The policy of the deployment, and the text that it was read from."""

    policy: Policy
    text: bytes


class Parts:
    """Of one process; every method gives the same object each time.

    All raise SettingsError, listing what is wrong, and StoreUnavailable.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._given = settings
        self._clock = clock
        self._http = HttpClient()
        self._lists = HttpClient(
            read_timeout_s=LIST_TIMEOUT_S, whole_timeout_s=LIST_TIMEOUT_S
        )
        self._built: dict[str, Any] = {}
        self._lock = asyncio.Lock()

    @property
    def clock(self) -> Callable[[], datetime]:
        """The clock everything here goes by."""
        return self._clock

    async def settings(self) -> Settings:
        """The environment as it was at first use."""

        async def build() -> Settings:
            return self._given or environment.from_environment()

        return await self._once("settings", build)

    async def policy(self) -> Policy:
        """The deployed policy."""
        return (await self._deployed()).policy

    async def live_policy(self) -> Live:
        """The parts of the policy that may change, as they are in force now.

        Cheap: nothing is read again within the minute.
        """
        settings, deployed = await self.settings(), await self._deployed()
        blobs = (await self.storage()).blobs if settings.policy_blob else None

        async def build() -> LivePolicy:
            from shared.live_policy import LivePolicy

            return LivePolicy(
                deployed.policy,
                deployed.text,
                clock=self._clock,
                fetch=self._policy_blob(settings),
                blobs=blobs,
            )

        return await (await self._once("live_policy", build))()

    def _policy_blob(self, settings: Settings) -> Fetch | None:
        if not settings.policy_blob:
            return None
        from shared.clouds.policy_blob import PolicyBlob

        self._built["policy_blob"] = blob = PolicyBlob(settings)
        return blob

    async def _deployed(self) -> Deployed:
        found = await self.settings()

        async def build() -> Deployed:
            from shared.triage import policy as policies

            try:
                text = await asyncio.to_thread(found.policy.read_bytes)
            except OSError as error:
                problem = f"FIREWATCH_POLICY: cannot read it: {error.strerror}"
                raise SettingsError([problem]) from None
            return Deployed(policies.load(text, name=found.policy.name), text)

        return await self._once("policy", build)

    async def storage(self) -> Storage:
        """The storage account, opened."""
        found = await self.settings()

        async def build() -> Storage:
            from shared.clouds.storage import Storage

            return await Storage(found, self._clock).open()

        return await self._once("storage", build)

    async def credentials(self) -> Credentials:
        """Who the app is to the APIs of Azure."""
        settings = await self.settings()

        async def build() -> Credentials:
            from shared.clouds.credentials import Credentials

            return Credentials(settings.client_id)

        return await self._once("credentials", build)

    async def close(self) -> None:
        """Close what was opened."""
        if "storage" in self._built:
            await self._built["storage"].close()
        for name in ("logs", "posture_logs", "credentials", "policy_blob", "outlets"):
            if name in self._built:
                await self._built[name].close()
        await self._http.close()
        await self._lists.close()
        self._built.clear()

    async def _once(self, name: str, build: Callable[[], Awaitable[_T]]) -> _T:
        if name not in self._built:
            async with self._lock:
                if name not in self._built:
                    self._built[name] = await build()
        found: _T = self._built[name]
        return found
