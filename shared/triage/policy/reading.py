"""Plain values to typed structs, with every mistake collected.

``msgspec.convert`` stops at its first; here each leaf is read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from shared.triage.policy import between, checks, names, rules
from shared.triage.policy.document import Problem, step
from shared.triage.policy.leaves import LEAVES

_T = TypeVar("_T")

# Field names that a message repeats; any other may be a secret in the wrong place.
_FIELD = re.compile(r"[a-z_]{1,30}")


def convert(
    raw: object,
    kind: type[_T],
    path: str = "$",
    *,
    each: Mapping[rules.Field, checks.Rule] | None = None,
) -> tuple[_T | None, list[Problem]]:
    """The struct of plain values, or None and everything that is wrong with them.

    ``each`` are rules besides those of ``rules.EACH``.
    """
    reader = _Reader({**rules.EACH, **(each or {})})
    clean = reader.read(raw, inspect.type_info(kind), path)
    if reader.problems:
        return None, reader.problems
    try:
        return msgspec.convert(clean, kind), []
    except msgspec.ValidationError as error:
        # What a type says in a way that nothing above looks at.
        return None, [Problem(path, str(error))]


Check = Callable[[Any], object]


class _Reader:
    """One walk; ``problems`` are those found so far, in the order of the text."""

    def __init__(self, each: Mapping[rules.Field, checks.Rule]) -> None:
        self.problems: list[Problem] = []
        self._each = each

    def read(
        self, value: object, kind: inspect.Type, path: str, check: Check | None = None
    ) -> Any:  # noqa: ANN401  whatever the type is; None where there is a problem
        match kind:
            case inspect.StructType():
                return self._struct(value, kind, path)
            case inspect.UnionType():
                return self._union(value, kind, path, check)
            case inspect.VarTupleType():
                return self._list(value, kind, path, check)
            case inspect.DictType():
                return self._dict(value, kind, path, check)
            case _:
                return self._leaf(value, kind, path, check)

    def _add(self, path: str, said: object) -> None:
        self.problems.append(Problem(path, str(said)))

    def _struct(self, value: object, kind: inspect.StructType, path: str) -> Any:  # noqa: ANN401
        if not isinstance(value, dict):
            return self._add(path, f"expected a mapping with {_fields(kind)}")
        known = {field.encode_name: field for field in kind.fields}
        tags = {kind.tag_field} if kind.tag_field else set()
        for number, name in enumerate(value):
            if name not in known.keys() | tags:
                self._unknown(step(path, name, number), name, [*known, *sorted(tags)])
        found = {name: value[name] for name in tags}
        for name, field in known.items():
            inside = f"{path}.{name}"
            if name in value:
                found[name] = self._field(value[name], kind.cls, field, inside)
            elif field.required:
                self._add(inside, f"is required{_hint(kind.cls, field.name)}")
        for name, said in between.struct_problems(kind.cls, found):
            self._add(f"{path}.{name}", said)
        return found

    def _unknown(self, path: str, name: object, known: list[str]) -> None:
        shown = name if isinstance(name, str) and _FIELD.fullmatch(name) else ""
        self._add(
            path if shown else path.rpartition(".")[0],
            (f"unknown field {shown}" if shown else "holds a field that is not known")
            + (
                names.suggestion(shown, known)
                or f"; known are {', '.join(sorted(known))}"
            ),
        )

    def _field(
        self, value: object, struct: type, field: inspect.Field, path: str
    ) -> Any:  # noqa: ANN401
        key = (struct, field.name)
        rule = self._each.get(key)
        found = self.read(value, field.type, path, rule.check if rule else None)
        if key in rules.WHOLE and isinstance(found, list | dict):
            self._judge(rules.WHOLE[key], found, path)
        if key in rules.NAMED and isinstance(value, dict):
            self._names(value, path)
        if key in rules.DISTINCT and isinstance(found, list):
            self._distinct(found, path)
        return found

    def _names(self, value: dict[object, object], path: str) -> None:
        for number, name in enumerate(value):
            if isinstance(name, str):
                self._judge(checks.NAME.check, name, step(path, name, number))

    def _distinct(self, found: list[Any], path: str) -> None:
        known: set[str] = set()
        for place, item in enumerate(found):
            name = item.get("name") if isinstance(item, dict) else None
            if name and name in known:
                self._add(f"{path}[{place}].name", "is the name of another one above")
            elif name:
                known.add(name)

    def _union(
        self,
        value: object,
        kind: inspect.UnionType,
        path: str,
        check: Check | None,
    ) -> Any:  # noqa: ANN401
        if value is None and kind.includes_none:
            return None
        rest = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        if len(rest) == 1:
            return self.read(value, rest[0], path, check)
        structs = {s.tag: s for s in rest if isinstance(s, inspect.StructType)}
        if not structs:
            return self._either(value, rest, path)
        tag = str(next(iter(structs.values())).tag_field)
        expected = f"expected one of {', '.join(sorted(map(str, structs)))}"
        if not isinstance(value, dict):
            return self._add(path, f"expected a mapping with {tag}")
        chosen = value.get(tag)
        if not isinstance(chosen, str) or chosen not in structs:
            return self._add(f"{path}.{tag}", expected)
        return self._struct(value, structs[chosen], path)

    def _either(self, value: object, kinds: Sequence[inspect.Type], path: str) -> Any:  # noqa: ANN401
        """A value of the first of several simple types that takes it."""
        said = []
        for kind in kinds:
            try:
                return LEAVES[type(kind)](value, kind)
            except ValueError as error:
                said.append(str(error))
        return self._add(path, ", or ".join(said))

    def _list(
        self,
        value: object,
        kind: inspect.VarTupleType,
        path: str,
        check: Check | None,
    ) -> Any:  # noqa: ANN401
        if not isinstance(value, list):
            hint = "; leave the line out where there is nothing" * (value is None)
            return self._add(path, f"expected a list{hint}")
        if len(value) < (kind.min_length or 0):
            self._add(path, "is empty; name at least one")
        return [
            self.read(item, kind.item_type, f"{path}[{place}]", check)
            for place, item in enumerate(value)
        ]

    def _dict(
        self,
        value: object,
        kind: inspect.DictType,
        path: str,
        check: Check | None,
    ) -> Any:  # noqa: ANN401
        if not isinstance(value, dict):
            hint = "; leave the line out where there is nothing" * (value is None)
            return self._add(path, f"expected a mapping{hint}")
        found = {}
        for number, (name, inner) in enumerate(value.items()):
            inside = step(path, name, number)
            if isinstance(name, str):
                found[name] = self.read(inner, kind.value_type, inside, check)
            else:
                self._add(inside, "the name is no text; put it in quotes")
        return found

    def _leaf(
        self, value: object, kind: inspect.Type, path: str, check: Check | None
    ) -> Any:  # noqa: ANN401
        read = LEAVES.get(type(kind))
        try:
            found = read(value, kind) if read else value
            if check is not None:
                check(found)
        except ValueError as error:
            return self._add(path, error)
        return found

    def _judge(self, check: Check, value: object, path: str) -> None:
        try:
            check(value)
        except ValueError as error:
            self._add(path, error)


def _fields(kind: inspect.StructType) -> str:
    required = [field.encode_name for field in kind.fields if field.required]
    return ", ".join(required or [field.encode_name for field in kind.fields][:3])


def _hint(struct: type, name: str) -> str:
    rule = rules.EACH.get((struct, name))
    return f": {rule.describes}" if rule and len(rule.describes) < 80 else ""
