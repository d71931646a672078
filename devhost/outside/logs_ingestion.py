"""Azure Monitor's Logs Ingestion API (remote-apis-sinks.md 11).

One data collection rule, whose streams are those that `infra/forward/` makes. What a
stream does not declare is dropped without a word, as Azure does it.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

RULE = f"dcr-{'0123456789abcdef' * 2}"
STREAMS = Path(__file__).parents[2] / "infra" / "forward" / "streams.json"

BODY_LIMIT = 1024 * 1024
FIELD_LIMIT = 64 * 1024

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "datetime": (str,),
    "int": (int,),
    "long": (int,),
    "real": (int, float),
    "boolean": (bool,),
    "dynamic": (list, dict, str, int, float, bool),
}


class LogsIngestionSide:
    """The tables, and what was dropped on the way to them."""

    name = "logs-ingestion"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._streams: dict[str, dict[str, str]] = {
            stream: {column["name"]: column["type"] for column in each["columns"]}
            for stream, each in json.loads(STREAMS.read_text("utf-8")).items()
        }
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.dropped: set[str] = set()
        self.refused: list[str] = []
        self.calls = 0
        self.bytes = 0

    def routes(self) -> list[web.RouteDef]:
        """Where the rule is, below `/logs-ingestion`."""
        path = "/logs-ingestion/dataCollectionRules/{rule}/streams/{stream}"
        return [web.post(path, self._ingest)]

    def received(self) -> dict[str, Any]:
        """The tables, what was dropped and refused, and what is paid for."""
        return {
            "rows": self.rows,
            "dropped": sorted(self.dropped),
            "refused": self.refused,
            "calls": self.calls,
            "bytes": self.bytes,
        }

    async def _ingest(self, request: web.Request) -> web.Response:
        # aiohttp has taken the compression off by now.
        body = await request.read()
        self.calls += 1
        self.bytes += int(request.headers.get("Content-Length", len(body)))
        stream = request.match_info["stream"]
        columns = self._streams.get(stream, {})
        rows: list[dict[str, Any]] = []
        status, problem = _problem(request, columns)
        if not problem and len(body) > BODY_LIMIT:
            status, problem = 413, "over 1 MB"
        if not problem:
            rows, problem = _read(body, columns)
            status = 400
        if problem:
            self.refused.append(problem)
            error = {"error": {"code": "InvalidRequest", "message": problem}}
            return web.json_response(error, status=status)
        self._keep(stream, columns, rows)
        return web.Response(status=204)

    def _keep(
        self, stream: str, columns: dict[str, str], rows: list[dict[str, Any]]
    ) -> None:
        table = self.rows.setdefault(f"{stream.removeprefix('Custom-')}_CL", [])
        for row in rows:
            self.dropped |= {f"{stream}.{name}" for name in row.keys() - columns.keys()}
            table.append(
                {name: _cut(row[name]) for name in columns if row.get(name) is not None}
            )


def _problem(request: web.Request, columns: dict[str, str]) -> tuple[int, str]:
    """What is wrong with a request before its body is looked at."""
    if not request.headers.get("Authorization", "").startswith("Bearer "):
        return 401, "no token"
    if request.query.get("api-version") != "2023-01-01":
        return 400, "no api-version that is known"
    if request.match_info["rule"] != RULE:
        return 404, "no such rule"
    return 400, "" if columns else "no such stream"


def _read(body: bytes, columns: dict[str, str]) -> tuple[list[dict[str, Any]], str]:
    """The rows of a body, and what is wrong with it."""
    try:
        rows = json.loads(body)
    except ValueError:
        return [], "the body is not JSON"
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return [], "the body is no list of objects"
    for row in rows:
        for name, kind in columns.items():
            value = row.get(name)
            if value is not None and not _fits(value, kind):
                return [], f"{name} is no {kind}"
        if "TimeGenerated" not in row:
            return [], "TimeGenerated is missing"
    return rows, ""


def _fits(value: object, kind: str) -> bool:
    if isinstance(value, bool) and kind not in {"boolean", "dynamic"}:
        return False
    if not isinstance(value, _TYPES[kind]):
        return False
    if kind != "datetime":
        return True
    try:
        return datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        return False


def _cut(value: Any) -> Any:  # noqa: ANN401  whatever JSON there is
    """The value; a text that is too long loses its end."""
    return value[:FIELD_LIMIT] if isinstance(value, str) else value
