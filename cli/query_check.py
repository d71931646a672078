"""The pack through Microsoft's parser, as it is sent: with plain and hostile values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from devhost import kql_parser
from devhost.kql_parser import Text
from shared.enrichment import header, kql
from shared.enrichment.pack import FOLDER
from shared.enrichment.query import ANY_PLAN, Kind
from shared.enrichment.subjects import CONTEXT, FIRST_ALERT, SUBJECTS
from shared.triage import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devhost.kql_parser import Checked
    from shared.enrichment.kql import Value
    from shared.enrichment.query import Query

PLAIN = "web1"

# Whatever could end a string, begin a comment or another statement, or be no text that
# a parser of UTF-16 expects.
HOSTILE: tuple[str, ...] = (
    '"',
    "'",
    "\\",
    '\\"',
    "ends in \\",
    "two\nlines\r\nor three",
    '"; SecurityEvent | take 10 //',
    "'] | union (SecurityEvent) | where ('' == '",
    "a | b // c /* d */",
    "```\nfenced\n``` ~~~",
    '@"verbatim" h"hidden" h@\'both\'',
    "\\u0022 \\x22 \\042 \\n",
    "{}[]();,.$%`^&",
    "let Since = datetime(null);",
    "".join(map(chr, [*range(0x20), *range(0x7F, 0xA1)])),
    "\u2028\u2029\u0085\ufeff\u200b\u202e\u00ad\ufffe",
    "José — Ελλάδα — 東京 — \U0001f525\U000e0041\U0010ffff",
)
LONG = ('\\"\n|//\u2028\U0001f525' * 15_000)[:100_000]

_LAST_OPERATORS = (f"take {header.MOST_ROWS}", f"top {header.MOST_ROWS} by ")
_UNTIL = datetime(2026, 11, 23, 12, tzinfo=UTC)
_VALUES: Mapping[Kind, Value] = {
    Kind.LONG: -(2**63),
    Kind.REAL: 0.5,
    Kind.BOOL: True,
    Kind.DATETIME: _UNTIL,
    Kind.TIMESPAN: _UNTIL - datetime(2026, 11, 22, 23, 59, 59, 1, tzinfo=UTC),
}


class Outcome(NamedTuple):
    """How much was looked at, and what is wrong with it."""

    queries: int
    renderings: int
    problems: list[str]


class _Rendering(NamedTuple):
    query: Query
    texts: Mapping[str, Value]
    where: str
    sent: Text


def check() -> Outcome:
    """Check every file of the pack. Raises ParserMissing.

    Nothing to check is a problem too.
    """
    queries: list[Query] = []
    problems: list[str] = []
    for path in sorted(FOLDER.glob("*.kql")):
        try:
            queries.append(header.check(path.name, path.read_text("utf-8")))
        except ValueError as error:
            problems.append(str(error))
    schema = kql_parser.tables()
    for query in queries:
        problems += (f"{query.name}: {problem}" for problem in misfits(query, schema))
    renderings = [
        each
        for place, query in enumerate(queries)
        for each in _renderings(query, place)
    ]
    said = kql_parser.check([each.sent for each in renderings], schema)
    for rendering, checked in zip(renderings, said, strict=True):
        problems += _problems(rendering, checked)
    if not renderings:
        problems.append(f"{FOLDER} holds no query that can be checked")
    return Outcome(len(queries), len(renderings), problems)


def misfits(query: Query, schema: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """What the header says that nothing else knows of."""
    for table in query.tables:
        if table not in schema:
            yield f"tables.json has no {table}"
    names = {*header.RESERVED, *(parameter.name for parameter in query.parameters)}
    for table, columns in schema.items():
        for name in sorted(names & columns.keys()):
            yield f"{name} is a column of {table}, and would be taken for it"
    for entity in query.entities:
        given = {**SUBJECTS.get(entity, {}), FIRST_ALERT: Kind.DATETIME}
        if entity not in SUBJECTS:
            yield f"nothing is a {entity}"
        elif not _can_be_asked(query, given):
            yield f"a {entity} gives none of its parameters, or not all it needs"
    known = {each.plan for each in catalogue.load().types} | {ANY_PLAN}
    for plan in query.plans:
        if plan not in known:
            yield f"no alert type is of the plan {plan!r}"


def _can_be_asked(query: Query, given: Mapping[str, Kind]) -> bool:
    needed = [p for p in query.parameters if not p.is_optional]
    if any(given.get(p.name) != p.kind for p in needed):
        return False
    named = [p for p in query.parameters if p.name not in CONTEXT]
    return any(given.get(p.name) == p.kind for p in named)


def _renderings(query: Query, place: int) -> Iterator[_Rendering]:
    """The query with texts for all its parameters, and without the optional ones.

    Every query meets a plain text, all the hostile ones in one, and a long one; and one
    of the hostile ones alone, the next query the next.
    """
    texts = [p for p in query.parameters if p.kind in {Kind.STRING, Kind.STRINGS}]

    def given(text: str) -> dict[str, Value]:
        return {p.name: _value(p.kind, text) for p in texts}

    yield _rendering(query, given(PLAIN), "a plain text")
    yield _rendering(query, given("".join(HOSTILE)), "all hostile texts")
    number = place % len(HOSTILE)
    alone = given(HOSTILE[number])
    long = {p.name: _value(p.kind, LONG) for p in texts[:1]}
    yield _rendering(query, {**alone, **long}, f"a long text and hostile {number}")
    needed = {p.name: alone[p.name] for p in texts if not p.is_optional}
    yield _rendering(query, needed, f"no optional values and hostile {number}")


def _rendering(query: Query, texts: Mapping[str, Value], shown: str) -> _Rendering:
    others = {p.name: _VALUES[p.kind] for p in query.parameters if p.kind in _VALUES}
    since = _UNTIL - query.reach
    values = {**texts, **others}
    made = kql.render(query, values, since=since, until=_UNTIL, most_rows=100)
    return _Rendering(query, texts, f"{query.name} of {shown}", Text(query.name, made))


def _value(kind: Kind, text: str) -> Value:
    return text if kind is Kind.STRING else [text, PLAIN]


def _problems(rendering: _Rendering, checked: Checked) -> Iterator[str]:
    query, where = rendering.query, rendering.where
    for each in checked.diagnostics:
        said = f"{each.severity} {each.code}: {each.message}"
        yield f"{where}, line {each.line}, at {each.at!r}: {said}"
    returned = [(column.name, column.type) for column in checked.columns]
    declared = [(column.name, column.kind.value) for column in query.columns]
    if returned != declared:
        yield f"{where}: returns {returned}, its header says {declared}"
    if {*checked.tables} != {*query.tables}:
        yield f"{where}: reads {checked.tables}, its header says {[*query.tables]}"
    if checked.shadowed:
        yield f"{where}: {checked.shadowed} mean columns somewhere"
    if not checked.ends.startswith(_LAST_OPERATORS):
        yield f"{where}: ends in {checked.ends!r}, not in take or top {header.MOST_ROWS}"
    for name, value in rendering.texts.items():
        given = [value] if isinstance(value, str) else value
        if checked.strings.get(name) != given:
            yield f"{where}: the parser reads another {name} than was given"
