"""Where everything is caught, a law has it; all else catches what it means."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.meta.source_tree import DEPLOYED, ROOT, modules, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.meta.source_tree import Module

# Poison stays alone, and notices fail open: docs/architecture.md.
_LAW = re.compile(r"#.* ?law [56]: \w+")

# What it catches goes to the log, or on to who has it there.
_SAYS = re.compile(
    r"telemetry\.emit|attempt\.broke|self\.broke|_give_up|skipped|raise|__name__"
)


def broad(module: Module) -> Iterator[ast.ExceptHandler]:
    """Every handler of whatever is raised, that does not only pass it on."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            last = node.body[-1]
            if not (isinstance(last, ast.Raise) and last.exc is None):
                yield node


def _is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(map(_is_broad, caught.elts))
    names = {"Exception", "BaseException", "ExceptionGroup"}
    return caught is None or (isinstance(caught, ast.Name) and caught.id in names)


def test_who_catches_everything_says_by_which_law() -> None:
    """And has it logged: a defect that nobody hears of is never mended.

    They are few: one more is a decision, for most who catch everything mean one thing.
    """
    found = [(m, handler) for m in modules(*DEPLOYED) for handler in broad(m)]
    lawless = [m.where(each.lineno) for m, each in found if not _is_lawful(m, each)]

    assert 0 < len(found) <= 11
    assert lawless == []


def _is_lawful(module: Module, handler: ast.ExceptHandler) -> bool:
    lines = (ROOT / module.path).read_text("utf-8").splitlines()
    body = "\n".join(lines[handler.lineno : handler.body[-1].end_lineno])
    return bool(_LAW.search(lines[handler.lineno - 1]) and _SAYS.search(body))


@pytest.mark.parametrize(
    ("handler", "is_one"),
    [
        ("except Exception: pass", True),
        ("except: pass", True),
        ("except (ValueError, BaseException): pass", True),
        ("except ValueError: pass", False),
        ("except BaseException:\n  undo()\n  raise", False),
        ("except Exception as error:\n  raise Other() from error", True),
    ],
)
def test_broad_handlers_are_seen(handler: str, *, is_one: bool) -> None:
    """However they are spelt; one that undoes its own and passes all on is none."""
    source = f"try:\n  do()\n{handler}"

    assert bool([*broad(parsed("shared.x", source))]) is is_one
