"""The walk over an entity list that finds every entity and what refers to what.

Entities are defined where they are first used, at any depth, and named elsewhere by
``{"$ref": "6"}``, before or after (wire-formats.md 7). The walk goes down the JSON value
alone and never along a reference, so a cycle of references cannot hold it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.sources.entities.identifiers import LONGEST_NAME, command, letters, tidy
from shared.sources.fields import lower_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.model.entity import Entity
    from shared.sources.entities.problems import Problems

# Real lists hold some tens of entities, five levels deep.
MOST_NODES = 20_000
DEEPEST = 64
MOST_ITEMS = 10

# What an object without a type is, by the field it stands in.
_IMPLIED = {
    "account": "account",
    "blobcontainer": "blobcontainer",
    "cloudresource": "azureresource",
    "cluster": "k8scluster",
    "destinationaddress": "ip",
    "dnsserverip": "ip",
    "filehashes": "filehash",
    "files": "file",
    "host": "host",
    "hostipaddress": "ip",
    "image": "containerimage",
    "imagefile": "file",
    "ipaddresses": "ip",
    "ipadresses": "ip",  # as Microsoft spells it
    "key": "registrykey",
    "namespace": "k8snamespace",
    "parentprocess": "process",
    "pod": "k8spod",
    "sourceaddress": "ip",
    "storageresource": "azureresource",
}


class Node:
    """A JSON object of the list: its fields by lower-case name, and its kind, if any.

    ``kind`` has neither case nor hyphens: K8s-cluster and AzureResource are k8scluster
    and azureresource. ``is_item`` says that it stands in the list itself.
    """

    __slots__ = ("_references", "fields", "is_item", "kind")

    def __init__(
        self,
        fields: dict[str, Any],
        kind: str,
        references: References,
        *,
        is_item: bool,
    ) -> None:
        self.fields = fields
        self.kind = kind
        self.is_item = is_item
        self._references = references

    def text(self, *names: str, limit: int = LONGEST_NAME) -> str:
        """The first of the fields that holds a text or a number, tidied."""
        for name in names:
            value = self.fields.get(name)
            if value is not None and (found := tidy(value, limit)):
                return found
        return ""

    def formed(
        self,
        what: str,
        form: Callable[[str], str | None],
        *names: str,
        limit: int = LONGEST_NAME,
    ) -> str:
        """The first of the fields that holds a text, in its normal form.

        Empty where there is none, and where it has no such form, which is told.
        """
        text = self.text(*names, limit=limit)
        formed = form(text) if text else ""
        if formed is None:
            self.tell(f"not {what}", text)
        return formed or ""

    def command(self, name: str) -> str:
        """The command line in the field."""
        return command(self.fields.get(name))

    def follow(self, name: str, kind: str) -> Node | None:
        """The object that the field holds or refers to, if it is of that kind.

        Sentinel's ``hostEntityId`` is the reference that others call ``Host``.
        """
        value = self.fields.get(name)
        if value is None:
            found = self._references.named(self.fields.get(f"{name}entityid"))
        else:
            found = self._references.resolved(value)
        # A duplicate `$id` makes a reference lead anywhere.
        return found if found is not None and found.kind == kind else None

    def label(self, name: str, kind: str) -> str:
        """The identifier of the entity that the field holds or refers to."""
        found = self.follow(name, kind)
        return self._references.label(found) if found is not None else ""

    def labels(self, name: str) -> list[str]:
        """The texts in the field, and the identifiers of the entities it means."""
        value = self.fields.get(name)
        found = []
        for item in value[:MOST_ITEMS] if isinstance(value, list) else [value]:
            node = self._references.resolved(item)
            found.append(tidy(item) if node is None else self._references.label(node))
        return [label for label in found if label]

    def is_copy(self, other: Node) -> bool:
        """Whether it says nothing else: some products write each entity out again."""
        return self.kind == other.kind and all(
            other.fields.get(name) == value
            for name, value in self.fields.items()
            if not isinstance(value, (dict, list))
        )

    def entities(self) -> Sequence[Entity]:
        """The entities that the object is."""
        return self._references.entities(self)

    def tell(self, what: str, text: object = "") -> None:
        """Tell a problem with it."""
        self._references.problems.add(what, text)


class References:
    """Every typed object of an entity list, in the order of the text.

    ``read`` gives the entities of an object. It may follow references, from kind to
    kind and in one direction only (a process to its account, that to its host).
    """

    def __init__(
        self,
        raw: list[Any],
        problems: Problems,
        read: Callable[[Node], Sequence[Entity]],
    ) -> None:
        self.typed: list[Node] = []
        self.problems = problems
        self._read = read
        self._raw = raw  # keeps alive what is known by identity
        self._nodes: dict[int, Node] = {}
        self._entities: dict[int, Sequence[Entity]] = {}
        self._by_id: dict[str, Node] = {}
        self._by_name: dict[str, Node] = {}
        self._referred: dict[str, None] = {}
        self._walk(raw)
        for reference in self._referred:
            if reference not in self._by_id:
                problems.add("a reference leads to no entity", reference)

    def resolved(self, value: object) -> Node | None:
        """The object, or the one that it refers to."""
        node = self._nodes.get(id(value))
        if node is not None and (reference := _reference(node.fields.get("$ref"))):
            return self._by_id.get(reference)
        return node

    def named(self, name: object) -> Node | None:
        """The object of this Sentinel name."""
        return self._by_name.get(name.lower()) if isinstance(name, str) else None

    def label(self, node: Node) -> str:
        """The identifier of the entity that the object is; empty where it is none."""
        found = self.entities(node) if node.kind else ()
        return found[0].identifier if found else ""

    def entities(self, node: Node) -> Sequence[Entity]:
        """The entities of the object, read once."""
        found = self._entities.get(id(node))
        if found is None:
            found = self._entities[id(node)] = self._read(node)
        return found

    def _walk(self, raw: list[Any]) -> None:
        # (object or list, the kind its field implies, depth); the last is visited next.
        pending: list[tuple[Any, str, int]] = [(raw, "", 0)]
        for _ in range(MOST_NODES):
            if not pending:
                return
            value, implied, depth = pending.pop()
            if isinstance(value, list):
                within = depth + 1
                below = [
                    (v, implied, within) for v in value if isinstance(v, (dict, list))
                ]
                if depth == 0 and len(below) < len(value):
                    self.problems.add("an entity is no JSON object")
            elif id(value) in self._nodes:
                continue
            else:
                below = self._visit(value, implied, depth)
            if not below:
                continue
            if depth == DEEPEST:
                self.problems.add(f"entities below {DEEPEST} levels were left out")
                continue
            below.reverse()
            pending += below
        if pending:
            self.problems.add(f"entities were cut after {MOST_NODES} objects")

    def _visit(
        self, raw: dict[str, Any], implied: str, depth: int
    ) -> list[tuple[Any, str, int]]:
        """Keep the object; return the objects and lists in it, with implied kinds."""
        fields = lower_names(raw)
        kind = _kind(fields.get("type")) or implied
        if "kind" in fields and isinstance(fields.get("properties"), dict):
            kind = _kind(fields["kind"]) or kind
            name, inside = fields.get("name"), lower_names(fields["properties"])
            fields = {"$name": name, **inside}
        node = self._nodes[id(raw)] = Node(fields, kind, self, is_item=depth == 1)
        if "$ref" in fields and (reference := _reference(fields["$ref"])):
            self._referred[reference] = None
        else:
            self._register(node)
        within = depth + 1
        return [
            (value, _IMPLIED.get(name, ""), within)
            for name, value in fields.items()
            if isinstance(value, (dict, list))
        ]

    def _register(self, node: Node) -> None:
        if own := _reference(node.fields.get("$id")):
            first = self._by_id.setdefault(own, node)
            if first is not node and not node.is_copy(first):
                self.problems.add("an $id is defined again; the first holds", own)
        if name := _reference(node.fields.get("$name")):
            self._by_name.setdefault(name.lower(), node)
        if node.kind:
            self.typed.append(node)
        elif node.is_item:
            self.problems.add("an entity has no type")


def _reference(value: object) -> str:
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int and abs(value) < 2**63 else ""


def _kind(value: object) -> str:
    return letters(value) if isinstance(value, str) else ""
