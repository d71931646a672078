"""What a query of the pack is, and the sentence that its rows come to."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from shared.model.evidence import Cost
from shared.model.text import cut, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST_CELL = 80
LONGEST_READING = 300

# The word in the list of plans that stands for all of them.
ANY_PLAN = "any"

PLACEHOLDER = re.compile(r"\{(?:(?P<verb>count|each|sum) )?(?P<what>[^{}]+)\}")
_MOST_EACH = 3
_NOT_SAID = "unknown"


class Kind(StrEnum):
    """The types of parameters and columns, by KQL's own names; `strings` is a list."""

    STRING = "string"
    STRINGS = "strings"
    LONG = "long"
    REAL = "real"
    BOOL = "bool"
    DATETIME = "datetime"
    TIMESPAN = "timespan"


class Parameter(msgspec.Struct, frozen=True):
    """A `let` value that the text of a query uses.

    One that is optional may be left out; it is empty then, and the text copes. Only a
    `string` or `strings` is.
    """

    name: str
    kind: Kind
    is_optional: bool = False


class Column(msgspec.Struct, frozen=True):
    """A column that a query returns."""

    name: str
    kind: Kind


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A query of the pack: its header, and its text as it stands below that.

    ``entities`` are the subjects it can be asked about (``subjects.SUBJECTS``),
    ``plans`` the Defender plans whose alerts it tells most about, or `any`. It is asked
    about the time from ``reach`` before the alerts to ``ahead`` after them; its rows
    arrive in the workspace up to ``lag`` after the fact. ``weight`` is 1 to 9: how much
    the answer tells whoever was just woken.

    ``reading`` is the template of the sentence that rows come to, ``nothing`` the
    sentence where there are none.
    """

    name: str
    question: str
    entities: tuple[str, ...]
    plans: tuple[str, ...]
    tables: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    reach: timedelta
    ahead: timedelta
    lag: timedelta
    cost: Cost
    weight: int
    columns: tuple[Column, ...]
    reading: str
    nothing: str
    text: str

    def is_for(self, plan: str) -> bool:
        """Whether the header names the plan; `any` names none."""
        return plan in self.plans


def reading(
    query: Query,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    row_count: int,
) -> str:
    """The rows as one plain sentence of at most 300 characters.

    ``rows`` may be the first of ``row_count``. Cells are an attacker's: each is one
    harmless line of at most 80 characters.
    """
    if not rows:
        return query.nothing
    by_name = {
        name: [row[place] for row in rows if place < len(row)]
        for place, name in enumerate(columns)
    }

    def said(found: re.Match[str]) -> str:
        return _said(found["verb"], found["what"], by_name, row_count)

    return cut(PLACEHOLDER.sub(said, query.reading), LONGEST_READING)


def _said(
    verb: str | None, what: str, cells: Mapping[str, Sequence[str]], row_count: int
) -> str:
    if verb == "count":
        one, _, many = what.partition("/")
        return f"{row_count} {one if row_count == 1 else many or f'{one}s'}"
    found = cells.get(what, ())
    if verb == "each":
        return _each(found)
    if verb == "sum" and found:
        more = "at least " if len(found) < row_count else ""
        return f"{more}{_sum(found)}"
    return _cell(found[0]) if found else _NOT_SAID


def _each(cells: Sequence[str]) -> str:
    """The first few different cells, and how many more there are."""
    different = [*dict.fromkeys(cell for cell in cells if cell.strip())]
    shown = ", ".join(_cell(cell) for cell in different[:_MOST_EACH])
    more = len(different) - _MOST_EACH
    return (f"{shown} and {more} more" if more > 0 else shown) or _NOT_SAID


def _sum(cells: Sequence[str]) -> int:
    total = 0.0
    for cell in cells:
        try:
            total += float(cell)
        except ValueError:
            continue
    # What is no number of anything adds nothing; a column is what a workspace says.
    return int(total) if abs(total) < 2**63 else 0


def _cell(cell: str) -> str:
    return plain(cell, LONGEST_CELL) or _NOT_SAID
