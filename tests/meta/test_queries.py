"""What is made of the headers of the queries, and what answers them, agree with them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from cli.query_document import text
from devhost.kql_parser import TABLES
from devhost.outside.log_analytics import FOLDER, Answers
from shared.enrichment.pack import pack
from shared.enrichment.query import Kind
from tests.meta.source_tree import ROOT

FILES = sorted(FOLDER.glob("*.json"))

# What the API gives for each type, in JSON.
TYPES = {
    Kind.STRING: str,
    Kind.DATETIME: str,
    Kind.LONG: int,
    Kind.REAL: float,
    Kind.BOOL: bool,
}


def test_the_document_is_that_of_the_headers() -> None:
    """`make queries` was run after a change of the pack."""
    assert (ROOT / "docs/queries.md").read_text("utf-8") == text()


def test_the_schema_has_the_tables_of_the_pack_and_no_others() -> None:
    """Tables and their columns stand sorted, so that a change of them is seen."""
    schema = json.loads(TABLES.read_text("utf-8"))

    assert [*schema] == sorted({t for query in pack().values() for t in query.tables})
    assert all([*columns] == sorted(columns) for columns in schema.values())
    assert all("TimeGenerated" in columns for columns in schema.values())


def test_every_query_has_rows_on_one_machine() -> None:
    """The stand-in of Log Analytics has something to say to each, and to no other."""
    assert {file.stem for file in FILES} == {*pack()}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_rows_on_one_machine_are_those_of_the_query(file: Any) -> None:  # noqa: ANN401
    """In the columns that its header names, and in their types."""
    answers = msgspec.json.decode(file.read_bytes(), type=Answers)
    query = pack()[file.stem]

    found = [(column.name, column.type) for column in answers.columns]
    assert found == [(column.name, column.kind.value) for column in query.columns]
    rows = [row for told in answers.told for row in told.rows]
    assert rows
    for row in rows:
        assert len(row) == len(answers.columns)
        for cell, column in zip(row, query.columns, strict=True):
            assert type(cell) is TYPES[column.kind], column.name
