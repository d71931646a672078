"""`firewatch queries`: the pack of queries, as a table, one whole, or a document."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated

import typer

from cli import tables
from shared.enrichment.pack import pack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from shared.enrichment.query import Query

console = tables.console()


def queries(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="Show this query whole.", show_default=False
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print docs/queries.md.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Have Microsoft's parser read every query, with hostile values too;"
            " 1 if anything is wrong.",
        ),
    ] = False,
) -> None:
    """Show the queries that incidents are enriched with."""
    if sum((name is not None, markdown, check)) > 1:
        raise typer.BadParameter("one of NAME, --markdown and --check at a time")
    if check:
        _check()
    elif markdown:
        from cli.query_document import text  # noqa: PLC0415  the others do without

        typer.echo(text(), nl=False)
    elif name is None:
        _print_all()
    else:
        _print_one(_found(name))


def facts(query: Query) -> Iterator[tuple[str, str]]:
    """What the header says, for people: each name and what is said."""
    yield "question", query.question
    yield "asked about", ", ".join(query.entities)
    yield "plans", ", ".join(query.plans)
    yield "tables", ", ".join(query.tables)
    yield (
        "parameters",
        ", ".join(
            f"{each.name} {each.kind}{'?' if each.is_optional else ''}"
            for each in query.parameters
        ),
    )
    yield "time", f"{span(query.reach)} before the alerts, {span(query.ahead)} after"
    yield "rows arrive", f"up to {span(query.lag)} late"
    yield "cost", query.cost
    yield "weight", f"{query.weight} of 9"
    yield "columns", ", ".join(f"{each.name} {each.kind}" for each in query.columns)
    yield "reading", query.reading
    yield "nothing", query.nothing


def span(value: timedelta) -> str:
    """A span of time in the words of the headers, such as 14d or 20m."""
    seconds = int(value.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and not seconds % size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _print_all() -> None:
    found = pack().values()
    console.print(
        tables.table(
            f"{len(found)} queries",
            ("query", "cost", ">back", "about", "question"),
            (
                (q.name, q.cost, span(q.reach), ", ".join(q.entities), q.question)
                for q in found
            ),
        )
    )


def _print_one(query: Query) -> None:
    console.print(tables.table(query.name, ("what", "is"), facts(query)))
    console.print(query.text, markup=False, highlight=False, soft_wrap=True)


def _found(name: str) -> Query:
    query = pack().get(name)
    if query is None:
        near = difflib.get_close_matches(name, pack(), n=3)
        said = f"; did you mean {', '.join(near)}?" if near else ""
        raise typer.BadParameter(
            f"no query is called {tables.plain(name)!r}{said}", param_hint="NAME"
        )
    return query


def _check() -> None:
    from cli.query_check import check  # noqa: PLC0415  the others need no parser
    from devhost.kql_parser import ParserMissing  # noqa: PLC0415

    try:
        outcome = check()
    except ParserMissing as error:
        raise typer.BadParameter(str(error), param_hint="--check") from None
    for problem in outcome.problems:
        _say(problem)
    wrong = len(outcome.problems)
    _say(
        f"{outcome.queries} queries, read by the parser with {outcome.renderings} sets"
        f" of values: {tables.counted(wrong, 'problem') if wrong else 'nothing wrong'}"
    )
    raise typer.Exit(int(bool(wrong)))


def _say(text: str) -> None:
    console.print(tables.plain(text), markup=False, highlight=False, soft_wrap=True)
