"""Stops web apps and function apps, and starts them again (remote-apis-azure.md 9).

Nothing of it answers meanwhile, for its customers either. What it had in memory is lost.

[unverified]: that its deployment site (scm) goes on. A slot is an app of its own there
and is left alone: whoever attacks it must not have the app itself stopped.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from responders.sides import network
from responders.sides.arm import at
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import ActionRefused, PermanentFailure
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.rest import Rest

USE = "app-stop"

SITE = "microsoft.web/sites"

_NAME = 80
_RUNNING, _STOPPED = "running", "stopped"
_READ = Permission(Api.ARM, "Microsoft.Web/sites/read", "apps that may be stopped")
_STOP = Permission(Api.ARM, "Microsoft.Web/sites/stop/action", "the same")
_START = Permission(Api.ARM, "Microsoft.Web/sites/start/action", "the same")


class AppStop:
    """A ``Doer``; a target is an app."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """There is nothing to set."""

    use = USE
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...] = (_READ, _STOP, _START)

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Opens nothing."""
        self.name = name
        self._arm: Rest = ports.azure.arm
        self._config = config

    async def plan(
        self,
        incident: Incident,  # noqa: ARG002  as the protocol
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each app that an alert is about."""
        if self._config is None:
            return ()
        found: dict[str, list[str]] = {}
        for alert in alerts:
            known = resource.whole_id(alert.resource) if alert.resource else None
            if known is not None and resource.type_of(known) == SITE:
                found.setdefault(known, []).append(alert.id)
        return await asyncio.gather(
            *(self._planned(site, ids) for site, ids in found.items())
        )

    async def before(self, deed: Deed) -> Before:
        """That it runs. Raises ActionRefused as ``Doer`` says."""
        state = _state(await self._read(deed.target))
        if state != _RUNNING:
            raise ActionRefused(f"the app does not run: it is {state or 'unknown'}")
        by_hand = f"az webapp start {network.flags(deed.target)}"
        return Before(state={"state": state}, by_hand=(by_hand,))

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Stop it, where it runs."""
        if _state(await self._read(deed.target)) == _RUNNING:
            path = at(deed.target, act="stop")
            await self._arm.change("POST", path, permission=_STOP.action)
        return Outcome()

    async def verify(self, deed: Deed, before: Before) -> Sight:  # noqa: ARG002
        """Whether it is stopped."""
        found = await self._arm.find(at(deed.target), permission=_READ.action)
        if found is None:
            return Sight(state=State.OTHERWISE, difference="the app is gone")
        state = _state(found.content)
        if state == _STOPPED:
            return Sight(state=State.IN_FORCE)
        if state == _RUNNING:
            return Sight(state=State.AS_BEFORE)
        return Sight(state=State.OTHERWISE, difference=f"it is {state or 'unknown'}")

    async def undo(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Start it, where it does not run."""
        if _state(await self._read(deed.target)) != _RUNNING:
            path = at(deed.target, act="start")
            await self._arm.change("POST", path, permission=_START.action)
        return Outcome()

    async def _read(self, site: str) -> dict[str, Any]:
        return (await self._arm.read(at(site), permission=_READ.action)).content

    async def _planned(self, site: str, alerts: Sequence[str]) -> Deed:
        obstacle = ""
        try:
            await self._read(site)
        except (ActionRefused, PermanentFailure) as error:
            # Another app's may do.
            obstacle = str(error)
        name = plain(resource.display_name(site), _NAME)
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.CONTAIN,
            target=site,
            says=f"Stop the app {name}",
            alerts=tuple(sorted(alerts)),
            resources=(site,),
            wipes=True,
            obstacle=obstacle,
        )


def _state(content: dict[str, Any]) -> str:
    properties = content.get("properties")
    state = properties.get("state") if isinstance(properties, dict) else None
    return plain(str(state or ""), _NAME).lower()
