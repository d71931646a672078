"""Parameters: from files, from defaults, and checked as Azure checks them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.infra import bicep
from tests.infra.bicep import Text, argument
from tests.infra.values import LOCATION, SUBSCRIPTION, DeploymentError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.infra.bicep import Node, Source
    from tests.infra.values import Value

_TYPES: dict[str, type] = {
    "array": list,
    "bool": bool,
    "int": int,
    "object": dict,
    "string": str,
}


def given_by(
    path: Path, environment: Mapping[str, str] | None = None
) -> dict[str, Value]:
    """The values of a file of parameters; azd's name variables of its environment."""
    values = {}
    for name, each in json.loads(path.read_text("utf-8"))["parameters"].items():
        value = each["value"]
        if environment is not None and value.startswith("${"):
            variable, has_default, default = value[2:-1].partition("=")
            value = (
                environment.get(variable, default)
                if has_default
                else environment[variable]
            )
        values[name] = value
    return values


def parameters(source: Source, given: Mapping[str, Value]) -> dict[str, Value]:
    """Every parameter of a file. Raises DeploymentError."""
    declared = source.parameters
    if unknown := given.keys() - declared.keys():
        raise DeploymentError(f"{source} has no parameters {sorted(unknown)}")
    values: dict[str, Value] = {}
    for name, each in declared.items():
        if name not in given and each["default"] is None:
            raise DeploymentError(f"{source} needs {name}")
        values[name] = given[name] if name in given else default(each["default"])
        _check(f"{source}: {name}", each, values[name])
    return values


def default(node: Node) -> Value:
    """The value of a default; of what Azure knows, region and subscription alone."""
    if node == bicep.expression("deployment().location"):
        return LOCATION
    if node == bicep.expression("subscription().subscriptionId"):
        return SUBSCRIPTION
    if isinstance(node, list):
        return [default(inner) for inner in node]
    return str(node) if isinstance(node, Text) else node


def _check(where: str, declared: Mapping[str, Node], value: Value) -> None:
    kind = _TYPES[declared["type"]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise DeploymentError(f"{where} is {value!r}, no {declared['type']}")
    allowed = argument(declared, "allowed")
    if allowed is not None and value not in allowed:
        raise DeploymentError(f"{where} is {value!r}, none of {allowed}")
    counted = value if isinstance(value, str | list) else ()
    size = value if isinstance(value, int) else len(counted)
    bounds = ("min_value", "max_value") if kind is int else ("min_length", "max_length")
    least, most = (argument(declared, bound) for bound in bounds)
    if (least is not None and size < least) or (most is not None and size > most):
        raise DeploymentError(f"{where} is {value!r}: not within its bounds")
