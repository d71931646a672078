"""What Azure takes of each type of resource, and what it would not take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.infra.values import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.values import Made, Value

SHAPES = Path(__file__).with_name("shapes.json")

# Of an object, its properties; see make_shapes.py.
Shape: TypeAlias = dict[str, Any]
Part: TypeAlias = Any

# Bicep's own words, which are no properties of a resource.
_BICEP = {"dependsOn", "name", "parent", "scope"}
# Types whose properties go by their names.
_BY_NAME = {"Microsoft.Web/sites/config"}

_SCALARS: dict[str, type | tuple[type, ...]] = {
    "any": object,
    "bool": bool,
    "int": int,
    "list": list,
    "number": (int, float),
    "object": dict,
    "str": str,
}


def load() -> dict[str, Shape]:
    """Every shape, by type and API version."""
    found: dict[str, Shape] = json.loads(SHAPES.read_text("utf-8"))
    return found


def body_of(made: Made) -> tuple[str, dict[str, Any]]:
    """The key of a resource's shape, and what Azure is sent."""
    key = f"{made.type}@{made.version}"
    if made.type in _BY_NAME:
        key += f" {made.name.rpartition('/')[2]}"
    return key, {n: v for n, v in made.body.items() if n not in _BICEP}


def misfits(shape: Part, value: Value, where: str = "") -> Iterator[str]:
    """What of a value the shape does not know, by its path."""
    if value is None or isinstance(value, Unknown):
        return
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{where}: {value!r} is no object"
            return
        for name, inner in value.items():
            known = shape.get(name, shape.get("*"))
            if known is None:
                yield f"{where}.{name}: there is no such property"
            else:
                yield from misfits(known, inner, f"{where}.{name}")
    elif isinstance(shape, list) and isinstance(value, list):
        for number, inner in enumerate(value):
            yield from misfits(shape[0], inner, f"{where}[{number}]")
    elif isinstance(shape, list):
        if value not in shape:
            yield f"{where}: {value!r} is none of {shape}"
    elif not isinstance(value, _SCALARS[shape]) or (
        shape == "int" and isinstance(value, bool)
    ):
        yield f"{where}: {value!r} is no {shape}"
