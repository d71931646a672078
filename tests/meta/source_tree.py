"""The source as data: which module imports what, and what it reaches for.

Read by AST, so that imports inside functions count and nothing need be importable.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DEPLOYED = ("function_app", "responders", "shared")
OURS = (*DEPLOYED, "cli", "devhost", "tests")


class Import(NamedTuple):
    """One import of one module; ``is_typing`` where only a type checker sees it."""

    module: str
    line: int
    is_typing: bool


class Module(NamedTuple):
    """A source file under its dotted name; a package's own is that of its folder."""

    name: str
    path: Path
    tree: ast.Module

    def where(self, line: int) -> str:
        """A place in it, as editors and people read it."""
        return f"{self.path}:{line}"

    def imports(self) -> list[Import]:
        """Everything it imports, wherever in the file."""
        typing = {
            id(inner)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.If) and _says_type_checking(node.test)
            for part in node.body
            for inner in ast.walk(part)
        }
        return [
            Import(name, node.lineno, id(node) in typing)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in self._imported(node)
        ]

    def _imported(self, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            return
        assert node.level == 0, f"relative import at {self.where(node.lineno)}"
        module = node.module or ""
        # `from shared.store import rows` imports a module, `from shared.store.rows
        # import due` a name of one.
        for alias in node.names:
            inner = f"{module}.{alias.name}"
            yield inner if is_module(inner) else module

    def uses(self) -> Iterator[tuple[str, int]]:
        """Each dotted name it reaches for, as it is called where it comes from."""
        known = _names_of_imports(self.tree)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute | ast.Name):
                dotted = _dotted(node)
                first, _, rest = dotted.partition(".")
                if first in known:
                    yield f"{known[first]}.{rest}".rstrip("."), node.lineno


def modules(*tops: str) -> list[Module]:
    """Every module below these top-level names."""
    found: list[Module] = []
    for top in tops:
        single = ROOT / f"{top}.py"
        paths = [single] if single.exists() else sorted((ROOT / top).rglob("*.py"))
        found += [read(path) for path in paths if "node_modules" not in path.parts]
    return found


@cache
def read(path: Path) -> Module:
    """The module of a file in the tree, parsed once in a run: nobody changes it."""
    inside = path.relative_to(ROOT)
    parts = inside.with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, inside, ast.parse(path.read_text("utf-8")))


def parsed(name: str, source: str) -> Module:
    """A module that is in no file, to see what the rules make of it."""
    return Module(name, Path(f"{name}.py"), ast.parse(source))


def is_module(dotted: str) -> bool:
    """Whether a dotted name of ours is a file or a folder of the tree."""
    path = ROOT.joinpath(*dotted.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


def is_below(name: str, top: str) -> bool:
    """Whether a dotted name is this one or inside it."""
    return name == top or name.startswith(f"{top}.")


def _says_type_checking(test: ast.expr) -> bool:
    return _dotted(test).rpartition(".")[2] == "TYPE_CHECKING"


def _dotted(node: ast.AST) -> str:
    """The source of a chain of names, such as `os.environ`; empty for all else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def _names_of_imports(tree: ast.Module) -> dict[str, str]:
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                known[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return known
