"""Bicep as data: files, read by pycep, with texts told apart from names.

pycep gives a text and a name alike, as a string. So each text is marked before it is
parsed, and is a ``Text`` afterwards; what is no ``Text`` is a name.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pycep import BicepParser

from tests.meta.source_tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# A part of what pycep makes of a file.
Node: TypeAlias = Any

FOLDER = ROOT / "infra"
MAIN = FOLDER / "main.bicep"
FILES = sorted(FOLDER.rglob("*.bicep"))

_MARK = "\x02"
_PARSER = BicepParser()
# What may not be marked, since pycep looks at it itself.
_SCOPE = re.compile(r"targetScope *= *$")
_WORD = re.compile(r"[A-Za-z_]\w*")


class Text(str):
    """A text of the source, as it stands there: with its escapes and interpolations."""

    __slots__ = ()


class Declared(NamedTuple):
    """A resource or module of a file.

    ``body`` is what it is made of; ``condition`` is None where there is none, and ``loop``
    the names of item and index and the list, where there is a loop.
    """

    symbol: str
    kind: str
    version: str
    is_existing: bool
    condition: Node
    loop: tuple[str, str, Node] | None
    body: dict[str, Node]


class Source:
    """One file, parsed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.relative_to(FOLDER))
        self.text = path.read_text("utf-8")
        self._tree = _texts(_PARSER.parse(text=marked(self.text)))

    def __repr__(self) -> str:
        return self.name

    @property
    def scope(self) -> str:
        """Where it is deployed."""
        scope = self._tree.get("globals", {}).get("scope", {})
        return str(scope.get("value", "resourceGroup"))

    @property
    def description(self) -> str:
        """What the file says that it is."""
        return str(self._tree.get("metadata", {}).get("description", {}).get("value"))

    @property
    def parameters(self) -> dict[str, Node]:
        """Parameters by name: type, default, decorators."""
        return self._part("parameters")

    @property
    def variables(self) -> dict[str, Node]:
        """Values of variables by name."""
        return {name: each["value"] for name, each in self._part("variables").items()}

    @property
    def outputs(self) -> dict[str, Node]:
        """Outputs by name: type, value, decorators."""
        return self._part("outputs")

    @property
    def resources(self) -> list[Declared]:
        """Every resource, those that exist already too."""
        return [
            _declared(symbol, each, each["type"], each["api_version"])
            for symbol, each in self._part("resources").items()
        ]

    @property
    def modules(self) -> list[Declared]:
        """Every module that it deploys; ``kind`` is the path of its file."""
        return [
            _declared(symbol, each, each["detail"]["path"])
            for symbol, each in self._part("modules").items()
        ]

    def words(self) -> list[str]:
        """Every name in it, those inside of interpolations too."""
        return list(_names(self.text))

    def _part(self, name: str) -> dict[str, Node]:
        part: dict[str, Node] = self._tree.get(name, {})
        return part


@cache
def read(path: Path) -> Source:
    """A file, parsed once in a run."""
    return Source(path)


@cache
def expression(text: str) -> Node:
    """The tree of one expression; nobody changes it."""
    parsed = _PARSER.parse(text=f"var it = {marked(text)}\n")
    return _texts(parsed)["variables"]["it"]["value"]


def argument(declared: Mapping[str, Node], decorator: str) -> Node:
    """What a decorator of a parameter or output says; None where there is none."""
    for each in declared["decorators"]:
        if each["type"] == decorator:
            return each.get("argument", True)
    return None


def marked(text: str) -> str:
    """The source with a mark at the beginning of each text, for ``_texts`` to find."""
    made, begun = [], 0
    for start, end in _literals(text):
        made.append(text[begun : start + 1])
        if not _SCOPE.search(text, begun, start):
            made.append(_MARK)
        made.append(text[start + 1 : end])
        begun = end
    return "".join([*made, text[begun:]])


def pieces(text: str) -> Iterator[tuple[bool, str]]:
    """The parts of a text: whether it is an expression, and the part."""
    begun = place = 0
    while (place := text.find("${", place)) >= 0:
        if text[place - 1 : place] == "\\":
            place += 2
            continue
        end = _closing(text, place + 2)
        yield False, text[begun:place]
        yield True, text[place + 2 : end]
        begun = place = end + 1
    yield False, text[begun:]


def _literals(text: str) -> Iterator[tuple[int, int]]:
    """Where each text begins and ends, quotes included; comments hold none."""
    place = 0
    while place < len(text):
        if text.startswith("//", place):
            place = (text.find("\n", place) + 1) or len(text)
        elif text[place] == "'":
            end = _end_of_literal(text, place + 1)
            yield place, end
            place = end
        else:
            place += 1


def _end_of_literal(text: str, place: int) -> int:
    while text[place] != "'":
        if text[place] == "\\":
            place += 2
        elif text.startswith("${", place):
            place = _closing(text, place + 2) + 1
        else:
            place += 1
    return place + 1


def _closing(text: str, place: int) -> int:
    """Where the brace is that ends an interpolation."""
    while text[place] != "}":
        place = _end_of_literal(text, place + 1) if text[place] == "'" else place + 1
    return place


def _names(text: str) -> Iterator[str]:
    begun = 0
    for start, end in _literals(text):
        yield from _WORD.findall(re.sub("//.*", "", text[begun:start]))
        for is_expression, part in pieces(text[start + 1 : end - 1]):
            if is_expression:
                yield from _names(part)
        begun = end
    yield from _WORD.findall(re.sub("//.*", "", text[begun:]))


def _texts(node: Node) -> Node:
    if isinstance(node, dict):
        return {_key(name): _texts(inner) for name, inner in node.items()}
    if isinstance(node, list):
        return [_texts(inner) for inner in node]
    if isinstance(node, str):
        plain = node.replace(_MARK, "", 1)
        return Text(plain) if plain != node else node
    return node


def _key(name: str) -> str:
    return name.strip("'").replace(_MARK, "")


def _declared(
    symbol: str, found: dict[str, Node], kind: str, version: str = ""
) -> Declared:
    body, loop, condition = found["config"], None, None
    if "loop_type" in body:
        detail = body["loop_type"]["detail"]
        names = detail["item_name"], detail.get("index_name", "")
        loop, body = (*names, detail["array_name"]), body["config"]
    elif set(body) == {"condition", "config"}:
        condition, body = body["condition"], body["config"]
    is_existing = found.get("existing", False)
    return Declared(symbol, str(kind), version, is_existing, condition, loop, body)
