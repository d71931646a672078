"""What a deployment would make, without Azure: Bicep evaluated for given parameters.

Loops and conditions are carried out, modules deployed. It knows the functions and
operators that our files use and no others. What only Azure knows is answered from a
table, or by a text that says what was asked (values.py).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.infra import bicep
from tests.infra.bicep import Text
from tests.infra.parameters import parameters
from tests.infra.values import (
    FUNCTIONS,
    OPERATORS,
    DeploymentError,
    Made,
    Place,
    item,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.infra.bicep import Declared, Node, Source
    from tests.infra.values import Value

GROUP = "Microsoft.Resources/resourceGroups"


class Deployment:
    """A file deployed at a place; ``made`` is what it makes itself."""

    def __init__(self, source: Source, given: Mapping[str, Value], at: Place) -> None:
        if source.scope != at.kind:
            raise DeploymentError(f"{source} is not deployed to a {at.kind}")
        self._source, self._place = source, at
        self._values = parameters(source, given)
        self._declared = {d.symbol: d for d in (*source.resources, *source.modules)}
        self._busy: set[str] = set()
        self.made: list[Made] = []
        self.modules: list[Deployment] = []
        for symbol in self._declared:
            self._name(symbol)
        self.outputs = {
            name: self._value(each["value"], {})
            for name, each in source.outputs.items()
        }

    def get(self, name: str) -> Value:
        """What others ask of a module."""
        return {"outputs": self.outputs}[name]

    def everything(self) -> Iterator[Made]:
        """Every resource that is made, by this file and its modules."""
        yield from self.made
        for module in self.modules:
            yield from module.everything()

    def _name(self, name: str) -> Value:
        if name in self._values:
            return self._values[name]
        if name in self._busy:
            raise DeploymentError(f"{self._source}: {name} needs itself")
        self._busy.add(name)
        if name in self._declared:
            found = self._repeated(self._declared[name])
        elif name in self._source.variables:
            found = self._value(self._source.variables[name], {})
        else:
            raise DeploymentError(f"{self._source}: nothing is called {name}")
        self._values[name] = found
        return found

    def _repeated(self, declared: Declared) -> Value:
        if declared.loop is None:
            return self._one(declared, {})
        each, index, items = declared.loop
        return [
            self._one(declared, {each: value, index: number})
            for number, value in enumerate(self._value(items, {}))
        ]

    def _one(self, declared: Declared, names: dict[str, Value]) -> Made | Deployment:
        condition = declared.condition
        is_made = condition is None or self._value(condition, names) is True
        if declared.kind.endswith(".bicep"):
            module = self._module(declared, names)
            self.modules += [module] if is_made else []
            return module
        made = self._resource(declared, names)
        self.made += [made] if is_made and not declared.is_existing else []
        return made

    def _module(self, declared: Declared, names: dict[str, Value]) -> Deployment:
        body = self._value(declared.body, names)
        scope = body.get("scope", self._place)
        if isinstance(scope, Made):
            scope = Place(self._place.subscription, scope.name)
        path = (self._source.path.parent / declared.kind).resolve()
        return Deployment(bicep.read(path), body.get("params", {}), scope)

    def _resource(self, declared: Declared, names: dict[str, Value]) -> Made:
        body = self._value(declared.body, names)
        parent, kind, name = body.get("parent"), declared.kind, body["name"]
        where = body["scope"].id if "scope" in body else self._place.id
        identifier = f"{where}/providers/{kind}/{name}"
        if parent is not None:
            outer, _, last = kind.rpartition("/")
            if outer != parent.type:
                raise DeploymentError(f"{kind} is no child of {parent.type}")
            identifier, name = f"{parent.id}/{last}/{name}", f"{parent.name}/{name}"
        elif kind == GROUP:
            identifier = Place(self._place.subscription, name).id
        version, symbol = declared.version, declared.symbol
        return Made(self._source, symbol, kind, version, name, identifier, where, body)

    def _value(self, node: Node, names: dict[str, Value]) -> Value:
        if isinstance(node, str):
            if isinstance(node, Text):
                return self._text(node, names)
            return names[node] if node in names else self._name(node)
        if isinstance(node, list):
            return [self._value(inner, names) for inner in node]
        return self._object(node, names) if isinstance(node, dict) else node

    def _object(self, node: dict[str, Node], names: dict[str, Value]) -> Value:
        if set(node) == {"function"}:
            return self._function(node["function"], names)
        if set(node) == {"operator"}:
            return self._operator(node["operator"], names)
        if "loop_type" in node:
            detail = node["loop_type"]["detail"]
            each, index = detail["item_name"], detail.get("index_name", "")
            return [
                self._value(node["config"], {**names, each: value, index: number})
                for number, value in enumerate(self._value(detail["array_name"], names))
            ]
        return {
            self._text(Text(name), names): self._value(inner, names)
            for name, inner in node.items()
        }

    def _text(self, text: Text, names: dict[str, Value]) -> str:
        return "".join(
            shown(self._value(bicep.expression(part), names))
            if is_expression
            else part.replace("\\'", "'").replace("\\n", "\n").replace("\\\\", "\\")
            for is_expression, part in bicep.pieces(text)
        )

    def _operator(self, found: dict[str, Node], names: dict[str, Value]) -> Value:
        kind, operands = found["type"], [*found["operands"].values()]
        first = self._value(operands[0], names)
        if kind == "conditional":
            return self._value(operands[1 if first else 2], names)
        if kind == "property_accessor":
            return self._step(first, operands[1], names)
        if kind == "and" and not first:
            return False
        others = [self._value(each, names) for each in operands[1:]]
        if kind == "index_accessor":
            return item(first, *others)
        return others[0] if kind == "and" else OPERATORS[kind](first, *others)

    def _step(self, base: Value, node: Node, names: dict[str, Value]) -> Value:
        """What is reached from a value by the rest of a path, which nests to the right."""
        if isinstance(node, str):
            return item(base, node)
        found = node["operator"]
        first, second = found["operands"].values()
        if found["type"] == "coalesce":
            is_there = first in base
            return item(base, first) if is_there else self._value(second, names)
        inner = self._step(base, first, names)
        if found["type"] == "property_accessor":
            return self._step(inner, second, names)
        return item(inner, self._value(second, names))

    def _function(self, found: dict[str, Node], names: dict[str, Value]) -> Value:
        kind, arguments = found["type"], found.get("parameters") or {}
        given = {n: self._value(each, names) for n, each in arguments.items()}
        values = [value for value in given.values() if value is not None]
        if kind in {"load_json_content", "load_text_content"}:
            text = (self._source.path.parent / values[0]).read_text("utf-8")
            return json.loads(text) if kind == "load_json_content" else text
        here = self._place
        if kind == "management_group":
            return here
        if kind in {"resource_group", "subscription"}:
            other = given["subscription_id"] or here.subscription
            if kind == "subscription":
                return Place(other)
            return Place(other, given["resource_group_name"] or here.group)
        if kind == "subscription_resource_id":
            return f"{Place(here.subscription).id}/providers/{'/'.join(values)}"
        return FUNCTIONS[kind](*values)


def deploy(
    path: Path, given: Mapping[str, Value], at: Place | None = None
) -> Deployment:
    """Deploy a file. Raises DeploymentError where Azure or the compiler would refuse."""
    return Deployment(bicep.read(path), given, at or Place())
