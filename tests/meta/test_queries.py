"""docs/queries.md is what the headers of the queries say."""

from __future__ import annotations

import json

from cli.query_document import text
from devhost.kql_parser import TABLES
from shared.enrichment.pack import pack
from tests.meta.source_tree import ROOT


def test_the_document_is_that_of_the_headers() -> None:
    """`make queries` was run after a change of the pack."""
    assert (ROOT / "docs/queries.md").read_text("utf-8") == text()


def test_the_schema_has_the_tables_of_the_pack_and_no_others() -> None:
    """Tables and their columns stand sorted, so that a change of them is seen."""
    schema = json.loads(TABLES.read_text("utf-8"))

    assert [*schema] == sorted({t for query in pack().values() for t in query.tables})
    assert all([*columns] == sorted(columns) for columns in schema.values())
    assert all("TimeGenerated" in columns for columns in schema.values())
