"""Every resource of Resource Manager, as a GET shows it."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Document = dict[str, Any]
_T = TypeVar("_T")

# Types whose resources stand in a list of the resource that they are part of.
EMBEDDED: Mapping[str, str] = {
    "microsoft.network/networksecuritygroups/securityrules": "securityRules",
    "microsoft.network/virtualnetworks/subnets": "subnets",
}
# Types whose documents hold an etag (remote-apis-azure.md 0.5). What is in another's
# list has that one's. [unverified; if it has its own, fewer things look changed]
WITH_ETAG = frozenset(
    {
        "microsoft.compute/virtualmachines",
        "microsoft.compute/virtualmachinescalesets",
        "microsoft.compute/virtualmachinescalesets/virtualmachines",
        "microsoft.network/networkinterfaces",
        "microsoft.network/networksecuritygroups",
        "microsoft.network/virtualnetworks",
        "microsoft.securityinsights/incidents",
        "microsoft.securityinsights/incidents/comments",
        "microsoft.securityinsights/incidents/tasks",
    }
)


class Resources:
    """The resources by their ids, in which case does not matter.

    What is given out is a copy, and so is what is kept.
    """

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        # The keys of each type: an inventory may have thousands.
        self._of_type: dict[str, dict[str, None]] = {}
        self._stale: dict[str, tuple[Document | None, int]] = {}
        self._etags = itertools.count(1)

    def find(self, resource_id: str) -> Document | None:
        """A resource as it is; None where there is none."""
        return _copied(self._look(self._documents, resource_id))

    def shown(self, resource_id: str) -> Document | None:
        """A resource as the next reader sees it, who may be told of before."""
        root = _root(resource_id)
        if root not in self._stale:
            return self.find(resource_id)
        before, reads = self._stale[root]
        self._stale[root] = (before, reads - 1)
        if reads <= 1:
            del self._stale[root]
        documents = {} if before is None else {root: before}
        return _copied(self._look(documents, resource_id))

    def keep_showing(self, resource_id: str, reads: int) -> None:
        """Show the next readers what is there now, whatever changes meanwhile."""
        root = _root(resource_id)
        self._stale[root] = (_copied(self._documents.get(root)), reads)

    def show_all(self) -> None:
        """Let every reader see what there is."""
        self._stale.clear()

    def write(self, document: Document) -> Document:
        """Let a resource be so, and return it with its new etag."""
        key = str(document["id"]).lower()
        root = _root(key)
        if root == key:
            self._documents[key] = _copied(document)
            self._of_type.setdefault(type_of(key), {})[key] = None
        else:
            entries = self._entries(self._documents[root], key)
            place = next(
                (n for n, e in enumerate(entries) if _is(e, key)), len(entries)
            )
            entries[place : place + 1] = [_copied(document)]
        self._mark(root)
        return self.find(key) or {}

    def remove(self, resource_id: str) -> None:
        """Let a resource be gone, and all that hangs on it."""
        key = resource_id.lower()
        root = _root(key)
        if root != key:
            entries = self._entries(self._documents[root], key)
            entries[:] = [each for each in entries if not _is(each, key)]
            self._mark(root)
            return
        for each in [*self._documents]:
            if each == key or each.startswith(f"{key}/"):
                del self._documents[each]
                del self._of_type[type_of(each)][each]

    def of_type(self, kind: str, below: str = "") -> Iterator[Document]:
        """Copies of those of a type, perhaps of those below an id alone."""
        kind, below = kind.lower(), below.lower()
        for key in [*self._of_type.get(kind, ())]:
            if key.startswith(below):
                yield _copied(self._documents[key])
        name = EMBEDDED.get(kind)
        for key in [*self._of_type.get(kind.rpartition("/")[0], ())] if name else ():
            entries = self._documents[key]["properties"].get(name) or []
            yield from _copied(
                [e for e in entries if str(e["id"]).lower().startswith(below)]
            )

    def state(self) -> dict[str, Document]:
        """All there is, without what changes by itself: for a comparison.

        To have no tags left is to have none.
        """
        return {
            key: {name: v for name, v in found.items() if v or name != "tags"}
            for key, each in self._documents.items()
            for found in [_without_etags(each)]
        }

    def _look(
        self, documents: Mapping[str, Document], resource_id: str
    ) -> Document | None:
        key = resource_id.lower()
        root = _root(key)
        found = documents.get(root)
        if found is None or root == key:
            return found
        return next((e for e in self._entries(found, key) if _is(e, key)), None)

    def _entries(self, document: Document, key: str) -> list[Document]:
        """The list of a resource that one of this id stands in."""
        properties = document.setdefault("properties", {})
        entries: list[Document] = properties.setdefault(EMBEDDED[type_of(key)], [])
        return entries

    def _mark(self, root: str) -> None:
        """Give a resource a new etag, and what stands in it the same."""
        kind = type_of(root)
        if kind not in WITH_ETAG:
            return
        document = self._documents[root]
        etag = f'W/"{next(self._etags):08x}-0000-4000-8000-000000000000"'
        document["etag"] = etag
        for child, name in EMBEDDED.items():
            if child.rpartition("/")[0] == kind:
                for entry in document["properties"].get(name) or []:
                    entry["etag"] = etag


def _copied(value: _T) -> _T:
    """A copy of JSON. A hundredth of what deepcopy takes."""
    copy: _T = msgspec.json.decode(msgspec.json.encode(value))
    return copy


@lru_cache(maxsize=4096)
def type_of(resource_id: str) -> str:
    """The type of an id, in lower case, such as ``microsoft.network/virtualnetworks``."""
    _, found, rest = resource_id.lower().rpartition("/providers/")
    provider, *parts = rest.split("/")
    return "/".join([provider, *parts[::2]]) if found else ""


def name_of(resource_id: str) -> str:
    """The last name of an id."""
    return resource_id.rpartition("/")[2]


def parent_of(resource_id: str) -> str:
    """The id that the last type and name are taken off."""
    return resource_id.rsplit("/", 2)[0]


def _root(resource_id: str) -> str:
    """The id of the document that a resource is kept in."""
    key = resource_id.lower()
    return parent_of(key) if type_of(key) in EMBEDDED else key


def _is(document: Document, key: str) -> bool:
    return str(document["id"]).lower() == key


def _without_etags(document: Any) -> Any:  # noqa: ANN401  any JSON
    if isinstance(document, dict):
        return {k: _without_etags(v) for k, v in document.items() if k != "etag"}
    if isinstance(document, list):
        return [_without_etags(each) for each in document]
    return document
