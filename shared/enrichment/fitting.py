"""Answers and evidence made small: an Evidence is one property of a table row.

Everything in them may be an attacker's, and as long as a log line can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from shared.model.text import cut

if TYPE_CHECKING:
    from shared.model.evidence import Evidence
    from shared.model.logs import Answer

# A query is asked for so many rows; the page, the API and the report show the first.
ASKED_ROWS = 100
MOST_ROWS = 30
MOST_COLUMNS = 30
LONGEST_CELL = 300
LONGEST_NAME = 60
LONGEST_LINE = 350

# As JSON in UTF-8; a property of a row holds 32 Ki characters. One row of cells this
# short always fits, whatever is in them: a control character is six bytes.
MOST_BYTES = 30 * 1024
SHORT_CELL = 50


def bounded(answer: Answer) -> tuple[Answer, bool]:
    """The answer with at most ``ASKED_ROWS`` rows, and whether anything was cut."""
    columns = tuple(_text(name, LONGEST_NAME) for name in answer.columns[:MOST_COLUMNS])
    rows = tuple(
        tuple(_text(cell, LONGEST_CELL) for cell in row[:MOST_COLUMNS])
        for row in answer.rows[:ASKED_ROWS]
    )
    is_cut = (
        len(answer.rows) > ASKED_ROWS
        or len(answer.columns) > MOST_COLUMNS
        or any(len(cell) > LONGEST_CELL for row in answer.rows for cell in row)
    )
    return replace(answer, columns=columns, rows=rows), is_cut


def fitted(evidence: Evidence) -> Evidence:
    """The evidence with its first rows, as many as fit."""
    rows = evidence.rows[:MOST_ROWS]
    small = replace(
        evidence,
        question=_text(evidence.question, LONGEST_LINE),
        subject=_text(evidence.subject, LONGEST_LINE),
        workspace=_text(evidence.workspace, LONGEST_LINE),
        reading=_text(evidence.reading, LONGEST_LINE),
        rows=rows,
        is_truncated=evidence.is_truncated or len(rows) < len(evidence.rows),
    )
    while len(msgspec.json.encode(small)) > MOST_BYTES:
        if len(rows) > 1:
            rows = rows[: len(rows) * 4 // 5]
        else:
            rows = tuple(tuple(cut(c, SHORT_CELL) for c in row) for row in rows)
        small = replace(small, rows=rows, is_truncated=True)
    return small


def _text(text: str, most: int) -> str:
    """The text, cut; halves of characters, which no JSON can hold, are marked."""
    return cut(text.encode(errors="replace").decode(), most)
