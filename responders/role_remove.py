"""Takes roles at a resource from an account, and gives them back (remote-apis-azure.md 12).

Whoever may give them back may give any: grant that right with a condition that leaves out
privileged roles, or only the right to delete, and have people give back. What an account
may by a group it is in, and roles that it can activate, are not seen. It takes minutes
until it counts [unverified].
"""

from __future__ import annotations

import asyncio
import json
import shlex
from typing import TYPE_CHECKING

import msgspec

from responders.sides import roles
from responders.sides.accounts import named
from responders.sides.arm import at, by_resource
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import ActionRefused, PermanentFailure
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from responders.sides.accounts import Named
    from responders.sides.roles import Assignment
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.rest import Rest

USE = "role-remove"

_NAME = 80
_DELETE = Permission(Api.ARM, f"{roles.KIND}/delete", "the same")
_WRITE = Permission(Api.ARM, f"{roles.KIND}/write", "giving them back")


class RoleRemove:
    """A ``Doer``; a target is one role assignment, by its name."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """An alert that names several accounts is about none of them, unless ``several``.

        With ``above`` roles that the account has at the group and the subscription of
        the resource are taken too; those of management groups never are.
        """

        several: bool = False
        above: bool = False

    use = USE
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...] = (roles.READ, _DELETE, _WRITE)

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        self.name = name
        self._arm: Rest = ports.azure.arm
        self._config = config

    async def plan(
        self,
        incident: Incident,  # noqa: ARG002  as the protocol
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each role that an account has at the resource of its alert."""
        if self._config is None:
            return ()
        found = await asyncio.gather(
            *(
                self._at(place, account, said)
                for place, on_it in by_resource(alerts).items()
                for account, said in named(on_it, several=self._config.several).items()
            )
        )
        once = {deed.target: deed for deeds in found for deed in deeds}
        return [*once.values()]

    async def before(self, deed: Deed) -> Before:
        """What the assignment says. Raises ActionRefused as ``Doer`` says."""
        found = await roles.find(self._arm, deed.content["assignment"])
        if found is None:
            raise ActionRefused("the role is gone already, and not by Firewatch")
        if found.principal != deed.accounts[0]:
            raise ActionRefused("the role is somebody else's")
        body = shlex.quote(json.dumps({"properties": found.said}))
        uri = shlex.quote(at(found.id))
        by_hand = f"az rest --method put --uri {uri} --body {body}"
        return Before(state={"said": found.said}, by_hand=(by_hand,))

    async def apply(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Take it."""
        if await roles.find(self._arm, deed.content["assignment"]) is not None:
            await self._arm.change(
                "DELETE", at(deed.content["assignment"]), permission=_DELETE.action
            )
        return Outcome()

    async def verify(self, deed: Deed, before: Before) -> Sight:
        """Whether it is gone, and the account has not got the same by another name."""
        mine = deed.content["assignment"]
        found = await roles.find(self._arm, mine)
        if found is not None:
            is_same = found.said == before.state["said"]
            said = "" if is_same else "an assignment of that name gives something else"
            state = State.AS_BEFORE if is_same else State.OTHERWISE
            return Sight(state=state, difference=said)
        others = await roles.of_principal(
            self._arm, deed.resources[0], deed.accounts[0]
        )
        role = str(before.state["said"]["roleDefinitionId"]).lower()
        if any(o.scope == deed.content["scope"] and o.role == role for o in others):
            said = "somebody gave the account the same role again"
            return Sight(state=State.OTHERWISE, difference=said)
        return Sight(state=State.IN_FORCE)

    async def undo(self, deed: Deed, before: Before) -> Outcome:
        """Give it back, by its name."""
        found = await roles.find(self._arm, deed.content["assignment"])
        if found is not None and found.said != before.state["said"]:
            # One is never changed, and whoever made this one wants it.
            raise ActionRefused("an assignment of that name gives something else")
        if found is None:
            await self._arm.change(
                "PUT",
                at(deed.content["assignment"]),
                {"properties": before.state["said"]},
                permission=_WRITE.action,
            )
        return Outcome()

    async def _at(self, place: str, account: str, said: Named) -> list[Deed]:
        """What is to be taken from an account at a resource, or why nothing can be."""
        try:
            held = await roles.of_principal(self._arm, place, account)
        except (ActionRefused, PermanentFailure) as error:
            # Another resource's may do.
            return [self._planned(place, account, said, None, str(error))]
        taken = [each for each in held if self._is_meant(each, place)]
        if not taken:
            why = "the account has no role of its own there"
            return [self._planned(place, account, said, None, why)]
        return [self._planned(place, account, said, each, "") for each in taken]

    def _is_meant(self, assignment: Assignment, place: str) -> bool:
        scope = assignment.scope
        if scope == place or scope.startswith(f"{place}/"):
            return True
        # Neither of a management group, nor of the whole directory.
        is_above = bool(scope) and place.startswith(f"{scope}/")
        return is_above and self._config is not None and self._config.above

    def _planned(
        self,
        place: str,
        account: str,
        said: Named,
        assignment: Assignment | None,
        obstacle: str,
    ) -> Deed:
        scope = assignment.scope if assignment else place
        role = resource.display_name(assignment.role) if assignment else "its roles"
        name = plain(resource.display_name(scope), _NAME)
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.CONTAIN,
            target=assignment.id.lower() if assignment else f"{place}|{account}",
            says=f"Take role {plain(role, _NAME)} at {name} from {account}",
            alerts=said.alerts,
            resources=(place,),
            accounts=(account,),
            obstacle=said.obstacle or obstacle,
            content={"assignment": assignment.id if assignment else "", "scope": scope},
        )
