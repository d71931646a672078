"""docs/queries.md, made of the headers of the queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.queries import span
from shared.enrichment.pack import pack
from shared.enrichment.query import ANY_PLAN
from shared.enrichment.subjects import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.enrichment.query import Query

_INTRODUCTION = """\
# Queries

<!-- Made by `make queries` from the headers in shared/enrichment/queries/. -->

What Firewatch asks Log Analytics about an incident.
Each query is a file in `shared/enrichment/queries/`; this page is made of their headers by `make queries`.
`firewatch queries NAME` shows one with its text.

Nothing of an alert becomes part of a query's text.
Values enter as typed `let` statements, through one function that escapes them (`shared/enrichment/kql.py`);
each query is bound to the time from `Since` to `Until`, and returns at most `MostRows` rows.
`make check` has Microsoft's own parser read every query as it is sent, with plain and with hostile values,
against the schema of the tables in `devhost/kql/tables.json`.

A table that a workspace does not have gives no rows where a query reads several (`union isfuzzy=true`);
where it reads one, the evidence says that the table is missing.

## What can be asked about

A query is asked about a subject that the alerts name, if they give it the parameters that it needs.
A parameter with `?` may be missing; where all are, one must be there.
Every subject also gives `TheFirstAlert`, the hour in which its first alert began.
Names that are cut, or that every machine has (`localhost`, `SYSTEM`, `root`), are nothing to ask about.

"""
_CHOICE = """\

## Which are asked

The weightiest first: the weight in the header, 2 more where an alert is of a plan that the header names, less 1 for medium and 2 for high cost.
What the detector calls the attacked, and what more alerts name, comes before the rest of its kind; each next one of a kind counts 2 less.
No question is asked twice.

The time begins `reach` before the first alert that names the subject, and ends `ahead` after the last one, in whole hours.
Detectors' times are believed as far as 14 days before the incident's own.

## The pack

"""
_WRITING = """\
## Writing a query

A file `name-in-lower-case.kql`: the header, an empty line, the text.
The fields of the header stand in this order, each once, as `// field: value`; a value goes on in lines with four more spaces.

| field | what it is |
|---|---|
| `question` | one sentence with a question mark, for people |
| `entities` | the subjects it can be asked about, from the table above |
| `plans` | the Defender plans whose alerts it tells most about, or `any` |
| `tables` | every table that the text reads |
| `parameters` | `TheName type`, with `?` where it may be missing; types are `string`, `strings`, `long`, `real`, `bool`, `datetime`, `timespan` |
| `reach`, `ahead` | how far before and after the alerts it looks, such as `6h` or `14d` |
| `lag` | how late its rows can arrive in the workspace |
| `cost` | `low`, `medium` or `high`: how much it asks of a workspace |
| `weight` | 1 to 9: how much the answer tells whoever was just woken |
| `columns` | `Name type` of each column that it returns, in order |
| `reading` | the sentence that rows come to: `{Column}` is that of the first row, `{each Column}` up to three different ones, `{sum Column}` the sum, `{count noun}` or `{count noun/nouns}` the number of rows |
| `nothing` | the sentence where there are no rows |

Names of parameters begin with `The`, since a column of the same name would win over them.
The first line behind every table is `| where TimeGenerated between (Since .. Until)`, and the last operator `take MostRows` or `top MostRows by`.
Names are compared whole (`=~`, `in~`, `startswith strcat(TheHost, ".")`), never by a part: web1 is not web10.
What it finds of the attack that `firewatch run` plays is `devhost/outside/logs/NAME.json`, in the columns of the header ([devhost](devhost.md#the-outside-world)).
Then `make queries` and `make check`.
"""


def text() -> str:
    """The document."""
    found = pack()
    return "".join(
        (
            _INTRODUCTION,
            *_table(("subject", "gives", "queries"), _subjects(found.values())),
            _CHOICE,
            *_table(
                ("query", "question", "cost", "weight"),
                (
                    (f"[{q.name}](#{q.name})", q.question, q.cost, str(q.weight))
                    for q in found.values()
                ),
            ),
            "\n",
            *(part for query in found.values() for part in _section(query)),
            _WRITING,
        )
    )


def _subjects(found: Iterable[Query]) -> Iterator[Sequence[str]]:
    queries = [*found]
    for name, values in SUBJECTS.items():
        asked = [f"[{q.name}](#{q.name})" for q in queries if name in q.entities]
        gives = ", ".join(f"`{value}`" for value in values)
        yield f"`{name}`", gives, ", ".join(asked)


def _section(query: Query) -> Iterator[str]:
    yield f"### {query.name}\n\n"
    yield f"{query.question}\n\n"
    parameters = ", ".join(
        f"`{each.name} {each.kind}{'?' if each.is_optional else ''}`"
        for each in query.parameters
    )
    plans = [plan for plan in query.plans if plan != ANY_PLAN]
    times = f"{span(query.reach)} before the alerts to {span(query.ahead)} after"
    yield f"- Asked about: {', '.join(query.entities)}, by {parameters}\n"
    yield f"- Plans: {', '.join(plans)}\n" if plans else ""
    yield f"- Tables: {', '.join(query.tables)}\n"
    yield f"- Time: {times}; rows arrive up to {span(query.lag)} late\n"
    yield f"- Cost {query.cost}, weight {query.weight}\n"
    yield f"- Reads as: `{query.reading}`\n"
    yield f"- Or: {query.nothing}\n\n"
    yield from _table(
        ("column", "type"), ((f"`{c.name}`", c.kind) for c in query.columns)
    )
    yield f"\n[The text](../shared/enrichment/queries/{query.name}.kql)\n\n"


def _table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |\n"
    yield f"|{'---|' * len(columns)}\n"
    for line in lines:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n"
