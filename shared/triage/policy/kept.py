"""What a policy may say of the retention of logs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shared.model.retention import Keep, Retention
from shared.triage.policy.document import step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Names of tables become part of a path, in the case that Azure has them in.
_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,62}")


def problems(kind: type, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong between the fields of a struct: the field, and what is said of it."""
    if kind is Keep:
        return list(_of_one(values))
    if kind is Retention:
        return list(_between(values))
    return []


def _of_one(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    interactive, total = (
        values.get(name) for name in ("interactive_days", "total_days")
    )
    if not {*values} & {"interactive_days", "total_days"}:
        yield "interactive_days", "expected this, or total_days, or both"
    elif interactive is not None and total is not None and total < interactive:
        yield (
            "total_days",
            "expected no fewer than interactive_days, which are part of it",
        )


def _between(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """A table that goes with the default in one thing and not in the other."""
    usual, tables = values.get("default"), values.get("tables")
    for place, (name, own) in enumerate(
        tables.items() if isinstance(tables, dict) else ()
    ):
        path = step("tables", name, place)
        if not isinstance(name, str) or not _TABLE.fullmatch(name):
            yield path, "expected the name of a table, such as SecurityEvent"
        elif isinstance(own, dict) and not [*_of_one(own)]:
            both = {**(usual if isinstance(usual, dict) else {}), **own}
            for field, said in _of_one(both):
                yield f"{path}.{field}", f"{said}, with what the default says"
