"""What the types of resources have in common: how each is read, changed and asked."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from devhost.outside.azure.answers import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from devhost.outside.azure.resources import Document, Resources
    from devhost.outside.azure.rights import Rights

    Read = Callable[[str], Document | None]


class How(Enum):
    """How a change is answered (remote-apis-azure.md 0.3)."""

    AT_ONCE = "at once"
    BY_OPERATION = "Azure-AsyncOperation"
    BY_LOCATION = "Location"


class Change(NamedTuple):
    """What is to come of a request.

    ``after`` is how the resource is in the end; None where it will be gone. ``during``
    is how it is meanwhile. ``answer`` is what whoever asked gets in the end, where that
    is not the resource; ``status`` is what the request is answered with.
    """

    after: Document | None
    how: How
    status: int
    during: Document | None = None
    answer: Document | None = None


class Asked(NamedTuple):
    """A request: all that there is, the resource it is about as it is, and the body.

    ``origin`` is where the stand-ins are.
    """

    resources: Resources
    rights: Rights
    now: datetime
    id: str
    old: Document | None = None
    body: Mapping[str, Any] = {}
    query: Mapping[str, str] = {}
    origin: str = ""


class Kind:
    """A type of resources. What a type does not override is not served here."""

    # As Azure writes it, and the one version that is served.
    type: str
    version: str
    # Whether If-Match and If-None-Match are looked at.
    heeds_if_match = False
    # POSTs below a resource, and GETs.
    acts: Mapping[str, Callable[[Asked], Change]] = {}
    views: Mapping[str, Callable[[Asked], Document]] = {}

    def found(self, read: Read, resource_id: str) -> Document | None:
        """The resource of an id, by what reads documents."""
        return read(resource_id)

    def listed(self, asked: Asked) -> list[Document]:
        """What a list at this scope shows."""
        found = asked.resources.of_type(self.type, below=f"{asked.id}/")
        return [self.shown(asked, each) for each in found]

    def links(self, asked: Asked) -> Iterable[str]:  # noqa: ARG002
        """What else one must be allowed for a change, besides the change."""
        return ()

    def shown(self, asked: Asked, document: Document) -> Document:  # noqa: ARG002
        """The resource as whoever asks for it sees it."""
        return document

    def put(self, asked: Asked) -> Change:  # noqa: ARG002
        """What comes of a PUT."""
        raise self._not_served("PUT")

    def patch(self, asked: Asked) -> Change:  # noqa: ARG002
        """What comes of a PATCH."""
        raise self._not_served("PATCH")

    def delete(self, asked: Asked) -> Change:  # noqa: ARG002
        """What comes of a DELETE of one that is there."""
        raise self._not_served("DELETE")

    def _not_served(self, method: str) -> Refused:
        return Refused(405, "NotServedHere", f"{method} of {self.type}")


class Readable(Kind):
    """A type that is here to be read."""

    def __init__(self, name: str, version: str) -> None:
        self.type, self.version = name, version


def existing(asked: Asked) -> Document:
    """The resource that the request is about, which must be there."""
    if asked.old is None:
        raise Refused(404, "ResourceNotFound", f"{asked.id} is not there")
    return asked.old


def with_state(document: Document, state: str) -> Document:
    """The resource in this provisioning state."""
    properties = {**document.get("properties", {}), "provisioningState": state}
    return {**document, "properties": properties}


def changed(document: Document, **properties: Any) -> Document:  # noqa: ANN401  JSON
    """The resource with some properties others."""
    return {**document, "properties": {**document["properties"], **properties}}


def properties_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a body, which must be an object."""
    found = body.get("properties", {})
    if not isinstance(found, dict):
        raise bad("properties is no object")
    return found


def bad(problem: str, code: str = "InvalidRequestFormat") -> Refused:
    """A request that is not what it should be; the codes are [unverified]."""
    return Refused(400, code, problem)


def retagged(asked: Asked, how: How = How.AT_ONCE) -> Change:
    """A PATCH that changes tags, all of them, and nothing else."""
    old = existing(asked)
    if set(asked.body) - {"tags"}:
        raise bad("only tags can be patched here")
    return Change({**old, "tags": tags_of(asked.body)}, how, 200)


def tags_of(body: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a body; at most fifty texts."""
    tags = body.get("tags") or {}
    if (
        not isinstance(tags, dict)
        or len(tags) > 50
        or not all(isinstance(value, str) for value in tags.values())
    ):
        raise bad("tags are at most fifty texts", "InvalidTags")
    return tags


def heed_conditions(
    headers: Mapping[str, str], kind: Kind, old: Document | None
) -> None:
    """Where a type declares them (remote-apis-azure.md 0.5); elsewhere they are not read."""
    if not kind.heeds_if_match:
        return
    wanted, unwanted = (headers.get(n) for n in ("If-Match", "If-None-Match"))
    etag = None if old is None else old.get("etag")
    if wanted is not None and (etag is None or wanted not in {"*", etag}):
        raise Refused(412, "PreconditionFailed", "it has another etag")
    if unwanted is not None and etag is not None and unwanted in {"*", etag}:
        raise Refused(412, "PreconditionFailed", "it is there")


def on_the_way(old: Document | None, after: Document | None) -> Document | None:
    """A resource while it is being made, changed or taken away."""
    if after is None:
        return None if old is None else with_state(old, "Deleting")
    return with_state(after, "Updating" if old else "Creating")
