"""Documents of Azure's APIs, read so that nothing in one can break the reader.

Whatever is not what it should be is as if it were not there. Texts are one harmless
line: people who may name a resource may name it as they like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.model import resource
from shared.model.rest import inner
from shared.model.text import cut, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_TEXT = 300


def part(value: object, *names: str) -> Any:  # noqa: ANN401  JSON
    """What stands at the end of a path of names; None where it breaks off."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def properties(document: object) -> dict[str, Any]:
    """The properties of a resource; none where there are none."""
    return inner(document, "properties")


def items(value: object) -> Iterator[dict[str, Any]]:
    """The objects of a list."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield each


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list."""
    found = value if isinstance(value, list) else ()
    return tuple(text(each) for each in found if isinstance(each, str))


def text(value: object) -> str:
    """A text as one line; empty where it is none."""
    if not isinstance(value, str):
        return ""
    return cut(one_line(value.encode(errors="replace").decode()), LONGEST_TEXT)


def number(value: object) -> float | None:
    """A number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value


def whole_number(value: object) -> int | None:
    """A number of days or the like; None where it is none."""
    found = number(value)
    # What is no number of days that a time could be moved by is none.
    return int(found) if found is not None and abs(found) < 100_000 else None


def arm_id(value: object) -> str:
    """An id in its canonical form; empty where it is none."""
    found = resource.canonical(value) if isinstance(value, str) else None
    return found or ""


def id_of(document: object) -> str:
    """The canonical id of a resource; empty where it has none."""
    return arm_id(part(document, "id"))
