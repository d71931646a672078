"""The header of a query file: comment lines that say what the query is.

Every field stands once, in the order of ``FIELDS``, as ``// name: value``; a value goes
on in lines with four or more spaces behind the slashes. An empty line ends the header.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeVar

from shared.enrichment.query import PLACEHOLDER, Column, Kind, Parameter, Query
from shared.model.evidence import Cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FIELDS = (
    "question",
    "entities",
    "plans",
    "tables",
    "parameters",
    "reach",
    "ahead",
    "lag",
    "cost",
    "weight",
    "columns",
    "reading",
    "nothing",
)

# What every text is bounded by; render gives them.
SINCE, UNTIL, MOST_ROWS = "Since", "Until", "MostRows"
RESERVED = (SINCE, UNTIL, MOST_ROWS)

# Nothing in a workspace's default retention is older.
LONGEST_REACH = timedelta(days=90)

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_COLUMN = re.compile(r"[A-Z][A-Za-z0-9]*")
# A column of the same name would win over the parameter, and no column begins so.
_PARAMETER = re.compile(r"The[A-Z][A-Za-z0-9]*")
_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SPAN = re.compile(r"([0-9]{1,4})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_BOUND_TEXT = "| where TimeGenerated between (Since .. Until)"
_BOUND = re.compile(rf"\s*{re.escape(_BOUND_TEXT)}\n")
_LET = re.compile(r"\blet\s+(\w+)")
_PIPED = re.compile(r"\b([A-Za-z]\w*)\s*\|")
_LITERALS = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|//[^\n]*')
_WORDS = re.compile(r"\b[A-Za-z_]\w*")
_EXAMPLES = {"column": "Name type", "parameter": "TheName type"}
_KINDS = {kind.value: kind for kind in Kind}
_COLUMN_KINDS = {word: kind for word, kind in _KINDS.items() if kind != Kind.STRINGS}
_OPTIONAL = frozenset({Kind.STRING, Kind.STRINGS})


_T = TypeVar("_T")


class _Field(NamedTuple):
    """The value of a field and the line it begins on; what reads it fails there."""

    path: str
    line: int
    value: str

    def fail(self, expected: str, found: str) -> NoReturn:
        raise ValueError(f"{self.path}:{self.line}: expected {expected}, found {found}")

    def items(self, what: str) -> list[str]:
        """The parts between commas, each there and there once."""
        items = [item.strip() for item in self.value.split(",")]
        for place, item in enumerate(items):
            if not item:
                self.fail(what, "nothing between commas")
            if item in items[:place]:
                self.fail(f"each {what} once", f"{item!r} twice")
        return items


def parse(path: str, source: str) -> Query:
    """The query of a file's text; ``path`` ends in its name and `.kql`.

    Raises ValueError with path, line and what was expected where the header breaks its
    format. The text is taken as it is: what ships was checked.
    """
    return _parsed(path, source)[0]


def check(path: str, source: str) -> Query:
    """The same, and a look at the text.

    Raises ValueError also where it does not use what the header declares, or reads a
    table without a bound of time.
    """
    query, line = _parsed(path, source)
    _check_text(_Field(path, line, query.text), query)
    return query


def _parsed(path: str, source: str) -> tuple[Query, int]:
    """The query, and the line that its text begins on."""
    name = path.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".kql")
    if not _NAME.fullmatch(name):
        _Field(path, 1, "").fail("a file name in lower case with hyphens", repr(name))
    fields, line, text = _fields(path, source)
    query = Query(
        name=name,
        question=_sentence(fields["question"], "?"),
        entities=_names(fields["entities"], _NAME, "subject"),
        plans=tuple(fields["plans"].items("plan")),
        tables=_names(fields["tables"], _TABLE, "table"),
        parameters=tuple(_parameters(fields["parameters"])),
        reach=_span(fields["reach"]),
        ahead=_span(fields["ahead"]),
        lag=_span(fields["lag"]),
        cost=_word(fields["cost"], {each.value: each for each in Cost}),
        weight=_word(fields["weight"], {str(n): n for n in range(1, 10)}),
        columns=tuple(_columns(fields["columns"])),
        reading=_sentence(fields["reading"], "."),
        nothing=_sentence(fields["nothing"], "."),
        text=text,
    )
    _check_template(fields["reading"], {column.name for column in query.columns})
    return query, line


def identifiers(text: str) -> set[str]:
    """The words of KQL that are neither in strings nor in comments."""
    return set(_WORDS.findall(_LITERALS.sub(" ", text)))


def _fields(path: str, source: str) -> tuple[dict[str, _Field], int, str]:
    """Each field, the line that the text begins on, and the text."""
    lines = source.split("\n")
    fields: dict[str, _Field] = {}
    for number, line in enumerate(lines, start=1):
        at = _Field(path, number, line)
        if line.startswith("//    ") and fields:
            last = FIELDS[len(fields) - 1]
            value = f"{fields[last].value} {line[2:].strip()}".strip()
            fields[last] = fields[last]._replace(value=value)
        elif len(fields) < len(FIELDS):
            name = FIELDS[len(fields)]
            prefix = f"// {name}:"
            if not line.startswith(prefix):
                at.fail(f"`{prefix} ...`", repr(line))
            fields[name] = at._replace(value=line.removeprefix(prefix).strip())
        else:
            if line:
                at.fail("an empty line behind the header", repr(line))
            break
    text = "\n".join(lines[number:]).strip()
    if len(fields) < len(FIELDS) or not text:
        name = FIELDS[len(fields)] if len(fields) < len(FIELDS) else "a text"
        _Field(path, len(lines), "").fail(name, "the end of the file")
    return fields, number + 1, text


def _sentence(field: _Field, end: str) -> str:
    if not field.value.endswith(end) or len(field.value) < 5:
        field.fail(f"a sentence that ends in {end!r}", repr(field.value))
    return field.value


def _names(field: _Field, form: re.Pattern[str], what: str) -> tuple[str, ...]:
    for item in field.items(what):
        if not form.fullmatch(item):
            field.fail(f"the name of a {what}", repr(item))
    return tuple(field.items(what))


def _parameters(field: _Field) -> Iterator[Parameter]:
    for name, word in _pairs(field, "parameter", _PARAMETER):
        kind = word.removesuffix("?")
        made = Parameter(name, _word(field._replace(value=kind), _KINDS), kind != word)
        if made.is_optional and made.kind not in _OPTIONAL:
            field.fail("only a string or strings to be optional", f"{name} {word}")
        yield made


def _columns(field: _Field) -> Iterator[Column]:
    for name, word in _pairs(field, "column", _COLUMN):
        yield Column(name, _word(field._replace(value=word), _COLUMN_KINDS))


def _pairs(
    field: _Field, what: str, form: re.Pattern[str]
) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for item in field.items(what):
        name, space, word = item.partition(" ")
        if not (space and form.fullmatch(name)):
            field.fail(f"a {what} as `{_EXAMPLES[what]}`", repr(item))
        if name in seen:
            field.fail(f"each {what} once", f"{name!r} twice")
        seen.add(name)
        yield name, word.strip()


def _word(field: _Field, words: Mapping[str, _T]) -> _T:
    if field.value not in words:
        field.fail(f"one of {', '.join(sorted(words))}", repr(field.value))
    return words[field.value]


def _span(field: _Field) -> timedelta:
    found = _SPAN.fullmatch(field.value)
    if found is None:
        field.fail("a time such as 20m, 6h or 14d", repr(field.value))
    span = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if span > LONGEST_REACH:
        field.fail("at most 90 days", repr(field.value))
    return span


def _check_template(field: _Field, columns: set[str]) -> None:
    rest = PLACEHOLDER.sub("", field.value)
    if "{" in rest or "}" in rest:
        field.fail(
            "`{Column}`, `{each Column}`, `{sum Column}` or `{count noun}`", rest
        )
    for found in PLACEHOLDER.finditer(field.value):
        if found["verb"] != "count" and found["what"] not in columns:
            field.fail("a column of the query in the braces", repr(found["what"]))


def _check_text(field: _Field, query: Query) -> None:
    """See that the text is bounded, and uses what the header declares."""
    used = identifiers(field.value)
    given = (*RESERVED, *(each.name for each in query.parameters))
    for name in (*given, *query.tables):
        if name not in used:
            field.fail(f"the text to use {name}", "no use of it")
    for name in _LET.findall(field.value):
        if name in given:
            field.fail(f"{name} to be given", "a `let` of it in the text")
    for found in _PIPED.finditer(field.value):
        if found[1] in query.tables and not _BOUND.match(field.value, found.end(1)):
            line = field.line + field.value.count("\n", 0, found.start(1))
            field._replace(line=line).fail(
                f"{found[1]} to be bounded at once, by `{_BOUND_TEXT}`", "no such line"
            )
