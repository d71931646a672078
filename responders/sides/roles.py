"""Role assignments: who may what at a resource (remote-apis-azure.md 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from responders.sides.arm import at, attached
from shared.model import resource
from shared.model.errors import FailureReason, PermanentFailure
from shared.model.permission import Api, Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.rest import Rest

KIND = "Microsoft.Authorization/roleAssignments"
READ = Permission(Api.ARM, f"{KIND}/read", "the assignments at resources of alerts")

# What an assignment is made of again; its name stays the same.
_KEPT = (
    "roleDefinitionId",
    "principalId",
    "principalType",
    "condition",
    "conditionVersion",
    "description",
    "delegatedManagedIdentityResourceId",
)


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One assignment: ``said`` is what a PUT would make it of, ``id`` as Azure has it.

    ``scope``, ``role`` and ``principal`` are in lower case.
    """

    id: str
    scope: str
    role: str
    principal: str
    said: dict[str, Any]


async def of_principal(arm: Rest, scope: str, principal: str) -> list[Assignment]:
    """Everything assigned to a principal at, above and below a resource."""
    wanted = quote(f"principalId eq '{principal}'")
    listed = await arm.list_all(
        f"{attached(scope, KIND)}&$filter={wanted}", permission=READ.action
    )
    return [_read(each) for each in listed]


async def find(arm: Rest, assignment: str) -> Assignment | None:
    """An assignment as it is; None where there is none."""
    found = await arm.find(at(assignment), permission=READ.action)
    return None if found is None else _read(found.content)


def _read(content: Mapping[str, Any]) -> Assignment:
    known, properties = content.get("id"), content.get("properties")
    if not isinstance(known, str) or not isinstance(properties, dict):
        raise _invalid()
    said = {name: properties[name] for name in _KEPT if properties.get(name)}
    role, principal = said.get("roleDefinitionId"), said.get("principalId")
    if not isinstance(role, str) or not isinstance(principal, str):
        raise _invalid()
    scope = known.lower().rpartition("/providers/microsoft.authorization/")[0]
    return Assignment(
        id=known,
        scope=resource.canonical(scope) or scope,
        role=role.lower(),
        principal=principal.lower(),
        said=said,
    )


def _invalid() -> PermanentFailure:
    return PermanentFailure(
        FailureReason.INVALID, "Azure listed something else than a role assignment"
    )
