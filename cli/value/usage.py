"""How much each table took in, as the workspace itself counts it (table Usage)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from cli.value.figures import Volume
from shared.enrichment.kql import literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.model.logs import Answer, Logs

WITHIN = timedelta(minutes=2)

# Quantity is in megabytes; the price of ingestion is per a thousand of them.
TEXT = """\
// firewatch: table-usage
let Since = {since};
let Until = {until};
Usage
| where TimeGenerated between (Since .. Until)
| summarize GB = sum(Quantity) / 1000.0,
    BillableGB = sumif(Quantity, IsBillable) / 1000.0
    by DataType
| project DataType, GB, BillableGB
| order by BillableGB desc
"""

# Names become part of sentences and of KQL that people copy.
_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


def text(since: datetime, until: datetime) -> str:
    """The query as it is sent."""
    return TEXT.format(since=literal(since), until=literal(until))


async def of_workspace(
    logs: Logs, workspace: str, since: datetime, until: datetime
) -> dict[str, Volume]:
    """What each table of a workspace took in. Raises LogsUnavailable."""
    return _read(
        await logs.query(
            workspace, text(since, until), since=since, until=until, within=WITHIN
        )
    )


def together(found: list[Mapping[str, Volume]]) -> dict[str, Volume]:
    """The tables of several workspaces, those of one name added up."""
    summed: dict[str, Volume] = {}
    for tables in found:
        for name, volume in tables.items():
            has = summed.get(name, Volume(0, 0))
            summed[name] = Volume(
                has.gb + volume.gb, has.billable_gb + volume.billable_gb
            )
    return summed


def _read(answer: Answer) -> dict[str, Volume]:
    found = {}
    for row in answer.rows:
        cells = dict(zip(answer.columns, row, strict=False))
        name = cells.get("DataType", "")
        if _TABLE.fullmatch(name):
            found[name] = Volume(_gb(cells, "GB"), _gb(cells, "BillableGB"))
    return found


def _gb(cells: Mapping[str, str], column: str) -> float:
    try:
        gb = float(cells.get(column, ""))
    except ValueError:
        return 0.0
    return gb if 0 <= gb < 1e12 else 0.0
