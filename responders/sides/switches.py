"""One property of a resource that is set to another value, and back: what several share.

Only that property is sent, by PATCH: what is left out stays as it is. None of these
resources has an etag, so what somebody else did shows by the value alone.
(remote-apis-azure.md 0.5)
"""

from __future__ import annotations

import asyncio
import json
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from responders.sides.arm import alerted, at
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import ActionRefused, PermanentFailure
from shared.model.rest import is_settled
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.base import Ports
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.permission import Permission
    from shared.model.rest import Document, Rest

Value = str | bool

_NAME = 80


class Switch(NamedTuple):
    """A property of resources of a type, ``kind``, and what it is switched to.

    ``usual`` is what one counts as that says nothing; None where that is not certain,
    and it is left alone. ``says`` is the plan for people, with a place for the name.
    """

    kind: str
    property: str
    off: Value
    usual: Value | None
    says: str


class Switching:
    """A ``Doer`` but for its table: a target is a property of one resource.

    ``switches`` are those that there are by name; ``chosen`` says which one the policy
    wants. What was done is taken back by the deed alone.
    """

    use: str
    kind = Kind.CONTAIN
    switches: Mapping[str, Switch]
    read: Permission
    write: Permission

    def __init__(self, name: str, config: Any, ports: Ports) -> None:  # noqa: ANN401
        """``config`` is that of the class, or None where the policy has none."""
        self.name = name
        self._arm: Rest = ports.azure.arm
        self._config = config

    @property
    def chosen(self) -> str:
        """The name of the switch that the policy wants; the first unless it says."""
        return next(iter(self.switches))

    def named(self, alerts: Sequence[AlertRow]) -> dict[str, list[str]]:
        """The resources that alerts are about, and the alerts that speak for each."""
        return alerted(alerts, self.switches[self.chosen].kind)

    async def plan(
        self,
        incident: Incident,  # noqa: ARG002  as the protocol
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each resource of the type that an alert is about."""
        if self._config is None:
            return ()
        found = self.named(alerts)
        return await asyncio.gather(
            *(self._planned(each, speaking) for each, speaking in found.items())
        )

    async def before(self, deed: Deed) -> Before:
        """What the property is. Raises ActionRefused as ``Doer`` says."""
        switch = self._switch(deed)
        was = _value(await self._known(deed.resources[0]), switch)
        if was == switch.off:
            raise ActionRefused("it is so already, and not by Firewatch")
        by_hand = _by_hand(deed.resources[0], switch, was)
        return Before(state={"was": was}, by_hand=(by_hand,))

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Switch it."""
        return await self._set(deed, self._switch(deed).off)

    async def verify(self, deed: Deed, before: Before) -> Sight:
        """What the property is now."""
        switch = self._switch(deed)
        found = await self._find(deed.resources[0])
        if found is None:
            return Sight(state=State.OTHERWISE, difference="the resource is gone")
        if not is_settled(found.content):
            return Sight(state=State.UNDER_WAY)
        now = _value(found, switch)
        if now == switch.off:
            return Sight(state=State.IN_FORCE)
        if now == before.state["was"]:
            return Sight(state=State.AS_BEFORE)
        said = f"{switch.property} is {plain(str(now), _NAME)}"
        return Sight(state=State.OTHERWISE, difference=said)

    async def undo(self, deed: Deed, before: Before) -> Outcome:
        """Set it to what it was; where that was not said, it is said now."""
        return await self._set(deed, before.state["was"])

    async def _set(self, deed: Deed, value: Value) -> Outcome:
        switch = self._switch(deed)
        if _value(await self._known(deed.resources[0]), switch) != value:
            await self._arm.change(
                "PATCH",
                at(deed.resources[0]),
                {"properties": {switch.property: value}},
                permission=self.write.action,
            )
        return Outcome()

    async def _planned(self, resource_id: str, speaking: Sequence[str]) -> Deed:
        switch = self.switches[self.chosen]
        obstacle = ""
        try:
            _value(await self._known(resource_id), switch)
        except (ActionRefused, PermanentFailure) as error:
            # Another resource's may do.
            obstacle = str(error)
        return Deed(
            responder=self.name,
            use=self.use,
            kind=self.kind,
            target=f"{resource_id}|{switch.property.lower()}",
            says=switch.says.format(plain(resource.display_name(resource_id), _NAME)),
            alerts=tuple(sorted(speaking)),
            resources=(resource_id,),
            obstacle=obstacle,
            content={"switch": self.chosen},
        )

    def _switch(self, deed: Deed) -> Switch:
        return self.switches[deed.content["switch"]]

    async def _find(self, resource_id: str) -> Document | None:
        return await self._arm.find(at(resource_id), permission=self.read.action)

    async def _known(self, resource_id: str) -> Document:
        found = await self._find(resource_id)
        if found is None:
            raise ActionRefused("the resource is gone")
        return found


def _value(found: Document, switch: Switch) -> Value:
    """The value of the property. Raises ActionRefused where it is not certain."""
    properties = found.content.get("properties")
    said = properties.get(switch.property) if isinstance(properties, dict) else None
    if said is None:
        said = switch.usual
    if not isinstance(said, type(switch.off)):
        raise ActionRefused(f"it does not say its {switch.property}")
    return said


def _by_hand(resource_id: str, switch: Switch, value: Value) -> str:
    body = json.dumps({"properties": {switch.property: value}})
    uri = shlex.quote(at(resource_id))
    return f"az rest --method patch --uri {uri} --body {shlex.quote(body)}"
