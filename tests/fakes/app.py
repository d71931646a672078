"""The app as it is wired, over fake storage."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from shared import settings as environment
from shared.bootstrap import App
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shared.clouds.storage import Storage

KEY = "portal-secret-of-32-characters-xx"
POLICY = """
senders:
  portal: {method: key, secret: {setting: PORTAL_KEY}, formats: [defender, posture]}
responders:
  hook: {use: webhook, url: "http://127.0.0.1:1/x", secret: {setting: HOOK_KEY}}
routes:
  - to: [hook]
"""


class FakeApp(App):
    """``App`` whose storage is a ``World``'s; everything else is real."""

    def __init__(
        self,
        folder: Path,
        *,
        policy: str = POLICY,
        changes: Mapping[str, str] | None = None,
        world: World | None = None,
    ) -> None:
        self.world = world or World()
        path = folder / "policy.yaml"
        path.write_text(policy)
        env = {
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "FIREWATCH_POLICY": str(path),
            "PORTAL_KEY": KEY,
            "HOOK_KEY": "whsec_" + "aG9v" * 8,
        } | dict(changes or {})
        super().__init__(environment.from_environment(env), self.world.clock)

    async def storage(self) -> Storage:
        """The fakes, under the names that ``Storage`` has."""
        worker = self.world.worker
        return cast(
            "Storage",
            SimpleNamespace(
                ledger=worker.ledger,
                history=self.world.history,
                archive=worker.archive,
                blobs=self.world.blobs,
                queue=self.world.queue,
            ),
        )
