"""What hangs on resources, groups and subscriptions: locks, tags, and who may what.

(remote-apis-azure.md 18)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devhost.outside.azure.answers import Refused
from devhost.outside.azure.kinds import (
    Asked,
    Change,
    How,
    Kind,
    bad,
    properties_of,
    tags_of,
)
from devhost.outside.azure.resources import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devhost.outside.azure.kinds import Read
    from devhost.outside.azure.resources import Document, Resources

LEVELS = ("CanNotDelete", "ReadOnly")
LONGEST_NOTES = 512

_LOCK = "Microsoft.Authorization/locks"


class Lock(Kind):
    """A lock; it holds for all that is below."""

    type = _LOCK
    version = "2020-05-01"

    def listed(self, asked: Asked) -> list[Document]:
        """Those at the scope, those that it inherits, and those below it."""
        locks = asked.resources.of_type(_LOCK)
        is_narrow = "atscope" in asked.query.get("$filter", "").lower()
        return [
            each
            for each in locks
            if _is_over(each, asked.id)
            or (not is_narrow and is_below(scope_of(each["id"]), asked.id))
        ]

    def put(self, asked: Asked) -> Change:
        if asked.resources.find(scope_of(asked.id)) is None:
            raise Refused(404, "ResourceNotFound", "there is nothing to lock")
        given = properties_of(asked.body)
        notes = given.get("notes", "")
        if given.get("level") not in LEVELS:
            raise bad(f"level is none of {', '.join(LEVELS)}", "InvalidLockLevel")
        if not isinstance(notes, str) or len(notes) > LONGEST_NOTES:
            raise bad(f"notes are no text of at most {LONGEST_NOTES} characters")
        document = {
            "id": asked.id,
            "name": name_of(asked.id),
            "type": self.type,
            "properties": given,
        }
        return Change(document, How.AT_ONCE, 201 if asked.old is None else 200)

    def delete(self, asked: Asked) -> Change:  # noqa: ARG002  all are alike
        return Change(None, How.AT_ONCE, 200)


class Tags(Kind):
    """The tags of whatever they hang on. PUT and `Replace` are not served: never ours."""

    type = "Microsoft.Resources/tags"
    version = "2021-04-01"

    def found(self, read: Read, resource_id: str) -> Document | None:
        tagged = read(scope_of(resource_id))
        if tagged is None or name_of(resource_id) != "default":
            return None
        return _tags_document(resource_id, tagged.get("tags") or {})

    def patch(self, asked: Asked) -> Change:
        tagged = asked.resources.find(scope_of(asked.id))
        if tagged is None:
            raise Refused(404, "ResourceNotFound", "there is nothing to tag")
        given = tags_of(properties_of(asked.body))
        tags = {**(tagged.get("tags") or {})}
        match asked.body.get("operation"):
            case "Merge":
                # Names of tags have no case, and keep the one that they were given.
                for name, value in given.items():
                    tags[next((t for t in tags if t.lower() == name.lower()), name)] = (
                        value
                    )
            case "Delete":
                gone = {(n.lower(), v) for n, v in given.items()}
                tags = {n: v for n, v in tags.items() if (n.lower(), v) not in gone}
            case other:
                raise bad(f"operation {other} is not served here")
        after = {**tagged, "tags": tags_of({"tags": tags})}
        answer = _tags_document(asked.id, tags)
        return Change(after, How.AT_ONCE, 200, answer=answer)


class Permissions(Kind):
    """What the caller may do at a scope."""

    type = "Microsoft.Authorization/permissions"
    version = "2022-04-01"

    def listed(self, asked: Asked) -> list[Document]:
        return asked.rights.shown()


class Group(Kind):
    """A resource group, to be read."""

    type = "Microsoft.Resources/resourceGroups"
    version = "2021-04-01"


def demand_unlocked(resources: Resources, method: str, resource_id: str) -> None:
    """Refuse what a lock at the resource or above it keeps from being done.

    One that is read-only refuses what a POST asks for, too.
    """
    for lock in _over(resources, resource_id):
        if lock["properties"]["level"] == "ReadOnly" or method == "DELETE":
            # [unverified code; others' programs catch it by this name]
            raise Refused(
                409,
                "ScopeLocked",
                f"The scope '{resource_id}' cannot perform this operation because the"
                f" following scope is locked: '{scope_of(lock['id'])}'",
            )


def scope_of(resource_id: str) -> str:
    """What something hangs on."""
    return resource_id.rpartition("/providers/")[0]


def _over(resources: Resources, resource_id: str) -> Iterator[Document]:
    return (e for e in resources.of_type(_LOCK) if _is_over(e, resource_id))


def _is_over(lock: Document, resource_id: str) -> bool:
    return is_below(resource_id, scope_of(lock["id"]))


def is_below(resource_id: str, scope: str) -> bool:
    """Whether a resource is what a scope is, or below it."""
    return f"{resource_id}/".lower().startswith(f"{scope}/".lower())


def _tags_document(resource_id: str, tags: Document) -> Document:
    return {
        "id": resource_id,
        "name": "default",
        "type": Tags.type,
        "properties": {"tags": tags},
    }
