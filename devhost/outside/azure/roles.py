"""Role assignments: who may what, where.

(remote-apis-azure.md 12)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devhost.outside.azure.answers import Refused
from devhost.outside.azure.kinds import (
    Asked,
    Change,
    How,
    Kind,
    bad,
    properties_of,
)
from devhost.outside.azure.resources import name_of
from devhost.outside.azure.scopes import is_below, scope_of

if TYPE_CHECKING:
    from devhost.outside.azure.resources import Document

_TYPE = "Microsoft.Authorization/roleAssignments"
_GUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_OF_PRINCIPAL = re.compile(rf"principalId eq '(?P<id>{_GUID})'")
_KEPT = (
    "roleDefinitionId",
    "principalId",
    "principalType",
    "condition",
    "conditionVersion",
    "description",
    "delegatedManagedIdentityResourceId",
)


class RoleAssignment(Kind):
    """One assignment; its name is a GUID that whoever makes it chooses."""

    type = _TYPE
    version = "2022-04-01"

    def listed(self, asked: Asked) -> list[Document]:
        """Those at, above and below a scope, or not below; perhaps of one principal."""
        wanted = asked.query.get("$filter", "")
        of_principal = _OF_PRINCIPAL.fullmatch(wanted)
        if wanted and not of_principal and wanted != "atScope()":
            raise bad("not a filter that is understood here", "InvalidFilter")
        return [
            each
            for each in asked.resources.of_type(_TYPE)
            if (
                is_below(asked.id, scope_of(each["id"]))
                or (wanted != "atScope()" and is_below(scope_of(each["id"]), asked.id))
            )
            and (
                of_principal is None
                or each["properties"]["principalId"].lower()
                == of_principal["id"].lower()
            )
        ]

    def put(self, asked: Asked) -> Change:
        given = properties_of(asked.body)
        if not re.fullmatch(_GUID, name_of(asked.id)):
            raise bad("the name is no GUID", "InvalidRoleAssignmentId")
        for name in ("roleDefinitionId", "principalId"):
            if not isinstance(given.get(name), str):
                raise bad(f"{name} is missing", "BadRequestFormat")
        scope = scope_of(asked.id)
        for other in asked.resources.of_type(_TYPE):
            if other["id"].lower() != asked.id.lower() and _triple(other) == (
                scope.lower(),
                given["roleDefinitionId"].lower(),
                given["principalId"].lower(),
            ):
                # [unverified code]
                raise Refused(409, "RoleAssignmentExists", "under another name")
        if asked.old is not None and asked.old["properties"] != given | {
            "scope": scope
        }:
            # [unverified code]
            raise bad(
                "an assignment is not changed", "RoleAssignmentUpdateNotPermitted"
            )
        kept = {name: given[name] for name in _KEPT if given.get(name) is not None}
        document = {
            "id": asked.id,
            "name": name_of(asked.id),
            "type": self.type,
            "properties": {**kept, "scope": scope},
        }
        return Change(document, How.AT_ONCE, 201 if asked.old is None else 200)

    def delete(self, asked: Asked) -> Change:
        return Change(None, How.AT_ONCE, 200, answer=asked.old)


def _triple(assignment: Document) -> tuple[str, str, str]:
    found = assignment["properties"]
    return (
        scope_of(assignment["id"]).lower(),
        found["roleDefinitionId"].lower(),
        found["principalId"].lower(),
    )
