"""The queries that Firewatch knows: a file for each in `queries/`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from shared.enrichment import header

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.enrichment.query import Query

FOLDER = Path(__file__).with_name("queries")


@cache
def pack() -> Mapping[str, Query]:
    """Every query by its name, in the order of the names; read at the first call.

    Raises ValueError where a header is wrong, with file and line.
    """
    return MappingProxyType(
        {
            query.name: query
            for path in sorted(FOLDER.glob("*.kql"))
            for query in (header.parse(path.name, path.read_text("utf-8")),)
        }
    )
