"""Log Analytics' query API: each query of the pack, answered by its name.

It reads no KQL. What it is asked is told by the first line of a query, `// firewatch:
NAME`; the rows are those of `logs/NAME.json`, which tell the attack that `firewatch run`
plays. Any other query finds nothing. (local-parts.md 3, log-analytics.md 4)
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FOLDER = Path(__file__).with_name("logs")
# What a workspace says of itself; no query of the pack asks that.
OWN = FOLDER / "workspace"

# The attack lasts this long, and its last minute is when the stand-in was started.
STORY = timedelta(minutes=90)

# A cell that is the time at which it is asked.
NOW = "NOW"

_WORKSPACE = "/log-analytics/v1/workspaces/{workspace}/query"
_RESOURCE = "/log-analytics/v1/{resource:subscriptions/.+}/query"
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_NAME = re.compile(r"//\s*firewatch:\s*(?P<name>[a-z0-9-]+)\s*$", re.IGNORECASE)
_MOMENT = re.compile(r"T(?P<sign>[+-])(?P<number>[0-9]{1,5})(?P<unit>[smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows for a query whose text has one of the words of ``about``; any, where empty.

    A cell `T+12m` is the time twelve minutes into the attack, `NOW` the present one.
    """

    about: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...]


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column as the API describes it."""

    name: str
    type: str


class Answers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What there is to say to one query."""

    columns: tuple[Column, ...]
    told: tuple[Told, ...]


class Way(StrEnum):
    """How a query may go wrong that no status alone can show."""

    PARTIAL = "partial"
    NO_CONTENT = "no content"
    BAD_QUERY = "bad query"
    GARBLED = "garbled"


class Odd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wrong with a workspace, or with all: until the faults are taken away.

    ``missing`` are tables that it does not have. ``way`` is for one ``query``, or for
    each.
    """

    workspace: str = ""
    missing: tuple[str, ...] = ()
    query: str = ""
    way: Way | None = None


class LogAnalyticsSide:
    """Every workspace: they hold the same, but for what is odd about one."""

    name = "log-analytics"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._began = clock() - STORY
        self._answers: dict[str, Answers] = {}
        self.odd: list[Odd] = []
        self.asked: list[dict[str, Any]] = []
        self.refused: list[str] = []

    def put(self, query: str, answers: Answers) -> None:
        """Answer a query so from now on."""
        self._answers[query] = answers

    def routes(self) -> list[web.RouteDef]:
        """Where its API is, below `/log-analytics`."""
        return [web.post(_WORKSPACE, self._query), web.post(_RESOURCE, self._query)]

    def received(self) -> dict[str, Any]:
        """What was asked of whom, and what was refused."""
        return {
            "asked": [
                {name: value for name, value in each.items() if name != "kql"}
                for each in self.asked
            ],
            "refused": self.refused,
        }

    async def _query(self, request: web.Request) -> web.Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return self._refuse(401, "AuthenticationFailed", "no bearer token")
        if request.content_type != "application/json":
            # As the service does.
            return web.Response(status=200)
        body = await _body(request)
        kql = body.get("query")
        if not isinstance(kql, str) or not kql.strip():
            return self._refuse(400, "BadArgumentError", "Query cannot be empty")
        workspace = request.match_info.get("workspace", "").lower()
        if workspace and not _GUID.fullmatch(workspace):
            return self._refuse(404, "PathNotFoundError", "no such workspace")
        if not _is_interval(body.get("timespan")):
            return self._refuse(400, "BadArgumentError", "timespan is not ISO 8601")
        named = _NAME.match(kql.partition("\n")[0])
        name = named["name"] if named else ""
        where = workspace or f"/{request.match_info['resource'].lower()}"
        self.asked.append(
            {
                "at": self._clock(),
                "workspace": where,
                "with": body.get("workspaces") or [],
                "query": name,
                "timespan": body["timespan"],
                "prefer": request.headers.get("prefer", ""),
                "kql": kql,
            }
        )
        return self._answered(where, name, kql)

    def _answered(self, where: str, name: str, kql: str) -> web.Response:
        odd = [each for each in self.odd if each.workspace in {"", where}]
        for table in (table for each in odd for table in each.missing):
            if re.search(rf"\b{re.escape(table)}\b", kql):
                return self._no_table(table)
        ways = {each.way for each in odd if each.query in {"", name}}
        if Way.BAD_QUERY in ways:
            return self._refuse_query(
                "SyntaxError", "SYN0002", "Query could not be parsed"
            )
        if Way.NO_CONTENT in ways:
            return web.Response(status=204)
        if Way.GARBLED in ways:
            return web.json_response({"tables": [{"columns": [{}], "rows": [7]}]})
        content: dict[str, Any] = {"tables": [self._table(name, kql)]}
        if Way.PARTIAL in ways:
            content["error"] = _PARTIAL
        return web.json_response(content, dumps=_dumps)

    def _table(self, name: str, kql: str) -> dict[str, Any]:
        """The first rows that are about something in the query."""
        answers = self._answers.get(name) or _read(name)
        lowered = kql.lower()
        rows: Sequence[Sequence[Any]] = next(
            (
                told.rows
                for told in answers.told
                if not told.about or any(word.lower() in lowered for word in told.about)
            ),
            (),
        )
        return {
            "name": "PrimaryResult",
            "columns": [{"name": c.name, "type": c.type} for c in answers.columns],
            "rows": [[self._cell(cell) for cell in row] for row in rows],
        }

    def _cell(self, cell: Any) -> Any:  # noqa: ANN401  JSON
        if cell == NOW:
            return f"{self._clock():%Y-%m-%dT%H:%M:%S.%f}0Z"
        found = _MOMENT.fullmatch(cell) if isinstance(cell, str) else None
        if found is None:
            return cell
        after = timedelta(**{_UNITS[found["unit"]]: int(found["number"])})
        at = self._began + (after if found["sign"] == "+" else -after)
        # Seven digits, as the service writes them.
        return f"{at:%Y-%m-%dT%H:%M:%S.%f}0Z"

    def _no_table(self, table: str) -> web.Response:
        return self._refuse_query(
            "SemanticError",
            "SEM0100",
            f"'where' operator: Failed to resolve table or column expression named"
            f" '{table}'",
        )

    def _refuse_query(self, kind: str, code: str, message: str) -> web.Response:
        """The service's way to say what is wrong with a query: from outside in."""
        self.refused.append(f"{code}: {message}")
        inner = {"code": code, "message": message}
        semantic = {
            "code": kind,
            "message": "A semantic error occurred."
            if kind == "SemanticError"
            else "A recognition error occurred in the query.",
            "innererror": inner,
        }
        outer = {
            "message": "The request had some invalid properties",
            "code": "BadArgumentError",
            "innererror": semantic,
        }
        return web.json_response({"error": outer}, status=400)

    def _refuse(self, status: int, code: str, message: str) -> web.Response:
        self.refused.append(f"{code}: {message}")
        error = {"error": {"code": code, "message": message}}
        return web.json_response(error, status=status)


_PARTIAL = {
    "code": "PartialError",
    "message": "There were some errors when processing your query.",
    "details": [
        {
            "code": "EngineError",
            "message": "Something went wrong processing your query on the server.",
            "innererror": {
                "code": "-2133196797",
                "message": "The results of this query exceed the set limit.",
                "severity": 2,
                "severityName": "Error",
            },
        }
    ],
}


def _read(name: str) -> Answers:
    """What there is to say to a query; nothing of no columns to one that is not known."""
    paths = (folder / f"{name}.json" for folder in (FOLDER, OWN))
    path = next((path for path in paths if name and path.is_file()), None)
    if path is None:
        return Answers(columns=(), told=())
    return msgspec.json.decode(path.read_bytes(), type=Answers)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.read())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_interval(timespan: object) -> bool:
    """Whether it is two times with a slash between, as Firewatch always sends."""
    if not isinstance(timespan, str):
        return False
    try:
        since, until = map(datetime.fromisoformat, timespan.split("/"))
    except ValueError:
        return False
    return since <= until


def _dumps(content: object) -> str:
    return msgspec.json.encode(content).decode()
