"""Documents as data: sections, tables and examples."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from tests.meta.source_tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path


DOCS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "infra/README.md"]
)
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```",
    re.MULTILINE | re.DOTALL,
)


class Example(NamedTuple):
    """A fenced block of a document."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def read(name: str) -> str:
    """A document in docs/."""
    return (ROOT / "docs" / name).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next of its level or a higher one."""
    level = heading.partition(" ")[0]
    pattern = rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(level)}}} |\Z)"
    found = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def rows(text: str) -> dict[str, list[str]]:
    """The lines of tables by the words in code in their first cell."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("| `") and line.endswith("|"):
            first, *rest = [cell.strip() for cell in line.strip("|").split("|")]
            for name in re.findall(r"`([^`]+)`", first):
                found[name] = rest
    return found


def examples(language: str) -> list[Example]:
    """Every block in a language, of every document."""
    return [
        Example(
            path,
            text.count("\n", 0, found.start()) + 1,
            textwrap.dedent(found["text"]),
        )
        for path in DOCS
        for text in [path.read_text("utf-8")]
        for found in FENCE.finditer(text)
        if found["language"] == language
    ]
