"""A YAML text as plain values, with the line of each and what is written twice.

Plain means that times stay texts: what a time must look like is one rule for all of
them (``reading``), and YAML 1.1 would take one without a zone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A policy of thousands of lines is far below; the parser's time is not linear.
LONGEST = 512 * 1024
MOST_VALUES = 50_000

# libyaml composes by recursion in C: a text that is deep enough kills the process.
DEEPEST = 40

DUPLICATE = "is written twice; only one of them would count"


class Problem(NamedTuple):
    """A mistake: where, and what was expected there; values are not repeated."""

    path: str
    said: str

    def __str__(self) -> str:
        return f"{self.path}: {self.said}"


class Document(NamedTuple):
    """What a YAML text says; ``lines`` by path, counted from 1."""

    value: object
    lines: dict[str, int]
    duplicates: tuple[str, ...]


def read(text: bytes) -> Document:
    """The document of a text. Raises ValueError saying the line and what is wrong."""
    # Imported here: what is no policy's business does without it.
    import yaml  # noqa: PLC0415

    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST // 1024} KiB")
    try:
        _measure(text)
        loader = _loader()(text)
        try:
            node = loader.get_single_node()
            walk = _Walk()
            walk.visit(node, "$", 0)
            value: object = None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise ValueError(_where(error)) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, _Refused):
            raise
        # What it says of characters that YAML does not take.
        reason = plain(str(getattr(error, "reason", "a value cannot be read")), 120)
        raise ValueError(f"is not valid YAML: {reason}") from None
    return Document(value, walk.lines, tuple(walk.duplicates))


def step(path: str, key: object, number: int) -> str:
    """The path of what a mapping holds under a key, its ``number``-th from 0.

    A key that does not look like a name may be anything, a secret too: it is counted.
    """
    text = key if isinstance(key, str) else ""
    is_name = len(text) <= 40 and text.isascii() and bool(text)
    is_name = is_name and text.replace("-", "").replace("_", "").isalnum()
    return f"{path}.{text}" if is_name else f"{path}.<key {number + 1}>"


def mistakes(found: Document, problems: Iterable[Problem]) -> list[str]:
    """The problems of a document and what it says twice, each with its line, in order."""
    twice = [Problem(path, DUPLICATE) for path in found.duplicates]
    placed = [(_line_of(each.path, found.lines), each) for each in (*problems, *twice)]
    return [
        f"{problem} (line {line})" if line else str(problem)
        for line, problem in sorted(placed, key=lambda each: each[0])
    ]


def _line_of(path: str, lines: dict[str, int]) -> int:
    """The line of a path, or of the nearest that it is inside of; 0 for none."""
    while path:
        if path in lines:
            return lines[path]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return 0


class _Refused(ValueError):
    """Our own limits, whose text may be shown."""


class _Walk:
    """Every node by its path, aliases followed as if they were written out."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.duplicates: list[str] = []
        self._left = MOST_VALUES

    def visit(self, node: Any, path: str, depth: int) -> None:  # noqa: ANN401  yaml's
        """Note a node and what is in it."""
        if node is None:
            return
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            raise _Refused("is too deep or too large")
        self.lines[path] = node.start_mark.line + 1
        if node.id == "sequence":
            for place, inner in enumerate(node.value):
                self.visit(inner, f"{path}[{place}]", depth + 1)
        elif node.id == "mapping":
            self._mapping(node, path, depth)

    def _mapping(self, node: Any, path: str, depth: int) -> None:  # noqa: ANN401
        known = set()
        for number, (key, value) in enumerate(node.value):
            inside = step(path, key.value, number)
            if key.id == "scalar":
                name = (key.tag, key.value)
                if name in known:
                    self.duplicates.append(inside)
                known.add(name)
            else:
                self.visit(key, inside, depth + 1)
            self.visit(value, inside, depth + 1)
            self.lines[inside] = key.start_mark.line + 1


def _measure(text: bytes) -> None:
    """Refuse what is too deep, before anything recurses into it, and any tag.

    A tag says how to read a value in spite of what it looks like, and the constructors
    for some of them fail in ways of their own.
    """
    import yaml  # noqa: PLC0415

    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=_loader()):
        if getattr(event, "tag", None):
            line = event.start_mark.line + 1
            raise _Refused(f"line {line}: tags such as !!str are not taken")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise _Refused(f"is deeper than {DEEPEST} levels")


def _loader() -> Any:  # noqa: ANN401  chosen at run time
    """The safe loader, with times left as the texts they are."""
    import yaml  # noqa: PLC0415

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        yaml_implicit_resolvers: ClassVar = dict(
            _without_times(base.yaml_implicit_resolvers)
        )

    return Loader


def _without_times(resolvers: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    for first, found in resolvers.items():
        kept = [each for each in found if each[0] != "tag:yaml.org,2002:timestamp"]
        yield first, kept


def _where(error: Any) -> str:  # noqa: ANN401  yaml's
    mark = error.problem_mark or error.context_mark
    said = plain(error.problem or error.context or "is not valid YAML", 120)
    if mark is None:
        return said
    return f"line {mark.line + 1}, column {mark.column + 1}: {said}"
