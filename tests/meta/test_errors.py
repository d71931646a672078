"""The tree of errors is as it is drawn, and nothing in it is for show."""

from __future__ import annotations

import ast
import inspect
import re

from shared.model import errors
from shared.model.errors import FailureReason, FirewatchError
from tests.meta.source_tree import DEPLOYED, modules

# Drawn ahead of its use, with what will use it. Take a line out when it comes true.
NOT_RAISED_YET: dict[str, str] = {}

_BRANCH = re.compile(r"^    (?P<indent>(?:│   |    )*)(?:[├└]─ )?(?P<name>[A-Z]\w+)")


def drawn() -> dict[str, str]:
    """Each class of the drawing, and the class it hangs on."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = _BRANCH.match(line)
        if found is None:
            continue
        depth = len(found["indent"]) // 4 + ("─" in line)
        above = [*above[:depth], found["name"]]
        parents[found["name"]] = above[-2] if depth else "Exception"
    return parents


def built() -> dict[str, str]:
    """Each class of the module, and the class it is derived from."""
    return {
        name: kind.__bases__[0].__name__
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, Exception)
    }


def called() -> set[str]:
    """The last name of everything that deployed code calls or raises."""
    return {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for module in modules(*DEPLOYED)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
    }


def test_the_tree_is_as_drawn() -> None:
    """The drawing at the top of errors.py has every class, under its own parent."""
    assert drawn() == built()


def test_every_error_of_the_app_is_in_the_tree() -> None:
    """No other module of the deployed code defines an error of its own."""
    names = {*built(), "Exception", "BaseException"}
    elsewhere = [
        f"{module.where(node.lineno)}: {node.name}"
        for module in modules(*DEPLOYED)
        if module.name != errors.__name__
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id in names for base in node.bases)
    ]

    assert elsewhere == []


def test_every_error_is_raised_somewhere() -> None:
    """Each class without children is made by the deployed code, or awaits its use."""
    tree = built()
    leaves = {name for name in tree if name not in tree.values()}

    assert leaves - called() == {*NOT_RAISED_YET}


def test_every_error_says_what_it_means() -> None:
    """Each class has a docstring of its own."""
    kinds: list[type[FirewatchError]] = [FirewatchError, *_below(FirewatchError)]

    assert [kind.__name__ for kind in kinds if "__doc__" not in vars(kind)] == []


def test_every_failure_reason_is_produced() -> None:
    """No reason is in the list that nothing in the deployed code ever gives."""
    given = {
        node.attr
        for module in modules(*DEPLOYED)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == FailureReason.__name__
    }

    assert {reason.name for reason in FailureReason} == given


def _below(kind: type[FirewatchError]) -> list[type[FirewatchError]]:
    found = list(kind.__subclasses__())
    return [*found, *(inner for each in found for inner in _below(each))]
