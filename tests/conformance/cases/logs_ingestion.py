"""Azure Monitor's Logs Ingestion API."""

import gzip
import json
from typing import Any

from devhost.outside.logs_ingestion import RULE
from tests.conformance.case import Case
from tests.fakes.http import Sent
from tests.fakes.ports import TOKEN


def rows(sent: Sent) -> list[dict[str, Any]]:
    """The rows of a request."""
    found: list[dict[str, Any]] = json.loads(opened(sent))
    return found


def opened(sent: Sent) -> bytes:
    """The body without its compression."""
    return gzip.decompress(sent.body)


CASE = Case(
    settings=lambda url: {"endpoint": f"{url}/logs-ingestion", "rule": RULE},
    secrets={},
    seeded=(TOKEN,),
    accepted={204},
    body_cap=1024 * 1024,
    identity=lambda sent: sorted(each["RowKey"] for each in rows(sent)),
    effects=lambda outside: sum(map(len, outside.logs_ingestion.rows.values())),
    tells_repeats=False,
    content=rows,
    opened=opened,
    link_paths={"[].Links[]"},
)
