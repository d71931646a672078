"""What owners say: whether an alert is real, and what resources are tagged with.

An alert that came to us may be anybody's; Defender's own copy, read with the app's
identity, is not (review F3). Nothing here is remembered: guards go by what is so now.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from shared import sources
from shared.model.alert import Alert
from shared.model.errors import ResponderError
from shared.model.places import places

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from shared.model.alert import AlertRow
    from shared.model.rest import Rest

# remote-apis-azure.md 0.2.
ALERTS_VERSION = "2022-01-01"
TAGS_VERSION = "2021-04-01"
READ_ALERTS = "Microsoft.Security/locations/alerts/read"
READ_TAGS = "Microsoft.Resources/tags/read"

FORMAT = "arm"


class Owners:
    """Asks Azure Resource Manager. Everything raises ResponderError."""

    def __init__(self, arm: Rest, clock: Callable[[], datetime]) -> None:
        self._arm = arm
        self._clock = clock

    async def confirm(self, row: AlertRow) -> Alert | None:
        """The alert as Defender for Cloud has it; None where it has none such.

        Alerts that name no resource and no place, such as those of other products, have
        no owner here: nobody vouches for them.
        """
        for path in places(row):
            version = f"?api-version={ALERTS_VERSION}"
            found = await self._arm.find(f"{path}{version}", permission=READ_ALERTS)
            if found is not None:
                return self._read(found.content)
        return None

    async def tags(self, scopes: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """The tags of each scope that can be read; what cannot is left out."""
        found = await asyncio.gather(
            *(tags_at(self._arm, each) for each in scopes), return_exceptions=True
        )
        known: dict[str, Mapping[str, str]] = {}
        for scope, tags in zip(scopes, found, strict=True):
            if isinstance(tags, ResponderError):
                continue
            if isinstance(tags, BaseException):
                raise tags
            known[scope] = tags
        return known

    def _read(self, content: dict[str, Any]) -> Alert | None:
        body = json.dumps(content).encode()
        units = sources.read(body, received_at=self._clock(), formats={FORMAT})
        found = [unit for unit in units if isinstance(unit, Alert)]
        return found[0] if len(found) == 1 else None


async def tags_at(arm: Rest, scope: str) -> dict[str, str]:
    """The tags of a resource, a group or a subscription. Raises ResponderError."""
    found = await arm.read(tags_path(scope), permission=READ_TAGS)
    properties: Any = found.content.get("properties")
    tags = properties.get("tags") if isinstance(properties, dict) else None
    return {
        str(name): str(value)
        for name, value in (tags if isinstance(tags, dict) else {}).items()
    }


def tags_path(scope: str) -> str:
    """Where the tags of a scope are read and changed."""
    path = f"{scope}/providers/Microsoft.Resources/tags/default"
    return f"{path}?api-version={TAGS_VERSION}"
