"""Documents lead to each other and to what is there."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.meta.documents import DOCS, FENCE, read
from tests.meta.source_tree import DEPLOYED, ROOT, modules

if TYPE_CHECKING:
    from pathlib import Path

    from tests.meta.source_tree import Module

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Each link to a file of the tree, or to a heading in one, resolves."""
    broken = []
    for found in _LINK.finditer(FENCE.sub("", path.read_text("utf-8"))):
        target, _, anchor = found["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            broken.append(found["target"])

    assert broken == []


def _anchors(path: Path) -> set[str]:
    """The headings of a document, as its links name them."""
    titles = _HEADING.findall(FENCE.sub("", path.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


def test_every_document_is_found_from_the_readme() -> None:
    """Nobody has to know that a document is there: links lead to each."""
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or not path.exists():
            continue
        reached.add(path)
        for found in _LINK.finditer(path.read_text("utf-8")):
            name = found["target"].partition("#")[0]
            if not name:
                # A place in the same document leads nowhere.
                continue
            target = (path.parent / name).resolve()
            waiting += [*target.glob("*.md")] if target.is_dir() else []
            waiting += [target] if target.suffix == ".md" else []

    names = {path.relative_to(ROOT) for path in DOCS if path.parent != ROOT}
    assert names - {path.relative_to(ROOT) for path in reached} == set()


def test_files_named_by_the_architecture_exist() -> None:
    """Each path in code in architecture.md is a file or a folder of the tree."""
    named = re.findall(
        r"`((?:shared|responders|tests|docs)/[\w/.]*)`", read("architecture.md")
    )

    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_contributing_fits_on_a_page() -> None:
    """Nobody reads a second one."""
    lines = (ROOT / "CONTRIBUTING.md").read_text().splitlines()

    assert len(lines) <= 60


def test_everything_public_has_a_docstring() -> None:
    """Each module, and each class and function that is public in it, says what it is."""
    found = modules(*DEPLOYED, "cli", "devhost")

    assert len(found) > 300
    assert [each for module in found for each in _unsaid(module)] == []


def _unsaid(module: Module) -> list[str]:
    """What of a module does not say what it is."""
    public = [
        node
        for node in module.tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
    ]
    return [
        f"{module.name}: {getattr(node, 'name', 'the module')}"
        for node in (module.tree, *public)
        if not ast.get_docstring(node)
    ]
