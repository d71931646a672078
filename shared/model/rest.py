"""A remote API of Azure as a responder sees it: documents, changes, and what takes long."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.blobs import Blobs

# How a long-running operation ends; any other word says that it goes on.
SUCCEEDED = "Succeeded"
ENDED_BADLY = frozenset({"Failed", "Canceled"})

# Where the other side does not say when to look again.
USUAL_WAIT = timedelta(seconds=10)


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What was read: a resource, a user, a machine. ``etag`` is empty where it has none."""

    content: dict[str, Any]
    etag: str = ""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The other side has nothing more to do; ``content`` is what it said, if anything.

    That it was done is proved by reading the resource again, and by nothing else.
    """

    content: dict[str, Any] = {}


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """The other side took it and is at it: look again after ``retry_after``.

    ``poll`` is where it says how far it is, as it gave it: at most 4 KB, to be kept in a
    row and shown to nobody. Without one the resource alone tells. ``is_location`` says
    that what comes in the end is the result, not a status.
    """

    poll: str = ""
    is_location: bool = False
    retry_after: timedelta = USUAL_WAIT


class Rest(Protocol):
    """One API, under one URL and as the app's identity.

    A path begins with a slash and may hold a query. ``permission`` is what the identity
    needs for the request, for whoever reads that it was refused. Nothing waits and
    nothing is sent twice: that is the core's to decide.

    Everything raises TransientFailure and PermanentFailure, and ActionRefused where a
    lock of the resource keeps it from being changed. 412 and a side that is busy with
    something else are transient with reason CONFLICT: whoever tries again reads first.
    """

    async def read(self, path: str, *, permission: str = ...) -> Document:
        """A document; one that is not there is a PermanentFailure, NOT_FOUND."""
        ...

    async def find(self, path: str, *, permission: str = ...) -> Document | None:
        """A document, or None where it is not there."""
        ...

    async def list_all(
        self, path: str, *, permission: str = ...
    ) -> list[dict[str, Any]]:
        """Everything that a list shows, on all its pages.

        Raises PermanentFailure, INVALID, for one that has more pages than is sensible: a
        part of a list never looks like the whole.
        """
        ...

    async def change(
        self,
        method: str,
        path: str,
        content: object = ...,
        *,
        if_match: str = ...,
        permission: str = ...,
    ) -> Done | Pending:
        """Send a PUT, PATCH, POST or DELETE, once.

        ``if_match`` is an etag that the document must still have, where the API looks
        at it. A DELETE of what is not there is done.
        """
        ...

    async def look(self, pending: Pending, *, permission: str = ...) -> Done | Pending:
        """How far it is. One that failed is raised, TransientFailure where that passes.

        An operation that nobody remembers is done: the resource tells how it ended.
        """
        ...


def inner(document: object, name: str) -> dict[str, Any]:
    """The object that a document has under a name; an empty one where it has none."""
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def provisioning_state(content: dict[str, Any]) -> str | None:
    """The state of a resource of Resource Manager; None where it says none."""
    properties = content.get("properties")
    state = (
        properties.get("provisioningState") if isinstance(properties, dict) else None
    )
    return state if isinstance(state, str) else None


def is_settled(content: dict[str, Any]) -> bool:
    """Whether nothing goes on with a resource, be it well or badly."""
    return provisioning_state(content) in {None, SUCCEEDED, *ENDED_BADLY}


class Remotes(NamedTuple):
    """Azure's APIs: Resource Manager, Graph, Defender for Endpoint, and each vault's.

    ``vault`` takes a vault's address and ``blobs`` that of an account's blobs, as
    Resource Manager gives them; both raise PermanentFailure, INVALID, for one that is
    none.
    """

    arm: Rest
    graph: Rest
    endpoint: Rest
    vault: Callable[[str], Rest]
    blobs: Callable[[str], Blobs]
