"""Azure DevOps' work item API, as far as a keeper of tickets can tell.

(remote-apis-sinks.md 10.) People there are whoever else signs in: what they do goes by
the same API.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

TITLE_LIMIT = 255
MOST_FETCHED = 200

# Of every type of work item, in the order of its workflow.
STATES = {"To Do": "Proposed", "Doing": "InProgress", "Done": "Completed"}

_API = "/boards/{project}/_apis/wit"
_WIQL = re.compile(
    r"SELECT \[System\.Id\] FROM WorkItems WHERE \[System\.TeamProject\] = @project"
    r" AND \[System\.Tags\] CONTAINS '(?P<tag>[^']+)' ORDER BY \[System\.CreatedDate\] ASC"
)
_FIELD = re.compile(r"/fields/([A-Za-z][A-Za-z0-9.]+)")


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment; ``text`` is HTML."""

    id: int
    by: str
    at: datetime
    text: str


class WorkItem(msgspec.Struct, kw_only=True):
    """A work item; ``fields`` are those that were set."""

    id: int
    project: str
    kind: str
    fields: dict[str, Any]
    changed: datetime
    rev: int = 1
    comments: list[Comment] = []


class BoardsSide:
    """An organisation."""

    name = "boards"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.items: dict[int, WorkItem] = {}
        self.refused: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        """Where its API is, below `/boards`."""
        return [
            web.post(f"{_API}/wiql", self._query),
            web.post(f"{_API}/workitemsbatch", self._batch),
            web.post(f"{_API}/workitems/${{kind}}", self._create),
            web.get(f"{_API}/workitems/{{id:\\d+}}", self._get),
            web.patch(f"{_API}/workitems/{{id:\\d+}}", self._change),
            web.get(f"{_API}/workItems/{{id:\\d+}}/comments", self._comments),
            web.get(f"{_API}/workitemtypes/{{kind}}/states", self._states),
        ]

    def received(self) -> dict[str, Any]:
        """Every work item as it is, and what was refused."""
        return {"items": list(self.items.values()), "refused": self.refused}

    async def _query(self, request: web.Request) -> web.Response:
        self._user(request)
        found = _WIQL.fullmatch((await self._object(request)).get("query", ""))
        if found is None:
            raise self._bad("TF51006: The query statement cannot be parsed.")
        ids = [
            item.id
            for item in self.items.values()
            if item.project == request.match_info["project"]
            and found["tag"] in item.fields.get("System.Tags", "").split("; ")
        ]
        most = int(request.query.get("$top", "20000"))
        return web.json_response({"workItems": [{"id": i} for i in ids[:most]]})

    async def _batch(self, request: web.Request) -> web.Response:
        self._user(request)
        body = await self._object(request)
        ids = body.get("ids", [])
        if not 1 <= len(ids) <= MOST_FETCHED:
            raise self._bad(f"1 to {MOST_FETCHED} work items may be asked for.")
        if body.get("errorPolicy") != "omit" and not {*ids} <= self.items.keys():
            raise self._failed(web.HTTPNotFound, "TF401232: does not exist")
        items = [self.items.get(i) for i in ids]
        shown = [item and self._shown(item, body.get("fields", [])) for item in items]
        return web.json_response({"count": len(shown), "value": shown})

    async def _create(self, request: web.Request) -> web.Response:
        user = self._user(request)
        item = WorkItem(
            id=len(self.items) + 1,
            project=request.match_info["project"],
            kind=request.match_info["kind"],
            fields={"System.State": "To Do"},
            changed=self._clock(),
        )
        self._set(item, await self._patched(request), user)
        self.items[item.id] = item
        return web.json_response({"id": item.id, "rev": item.rev, "fields": {}})

    async def _get(self, request: web.Request) -> web.Response:
        self._user(request)
        fields = request.query.get("fields", "").split(",")
        return web.json_response(self._shown(self._item(request), fields))

    async def _change(self, request: web.Request) -> web.Response:
        user = self._user(request)
        item = self._item(request)
        self._set(item, await self._patched(request), user)
        item.rev += 1
        item.changed = self._clock()
        return web.json_response({"id": item.id, "rev": item.rev, "fields": {}})

    async def _comments(self, request: web.Request) -> web.Response:
        self._user(request, version="7.1-preview.4")
        found = self._item(request).comments
        if request.query.get("order") == "desc":
            found = found[::-1]
        shown = [
            {
                "id": each.id,
                "text": each.text,
                "createdBy": {"displayName": each.by},
                "createdDate": _time(each.at),
            }
            for each in found[: int(request.query.get("$top", "200"))]
        ]
        return web.json_response({"totalCount": len(found), "comments": shown})

    async def _states(self, request: web.Request) -> web.Response:
        self._user(request)
        shown = [{"name": n, "category": category} for n, category in STATES.items()]
        return web.json_response({"count": len(shown), "value": shown})

    def _set(self, item: WorkItem, fields: dict[str, Any], user: str) -> None:
        after = item.fields | fields
        title = after.get("System.Title")
        if not isinstance(title, str) or not 0 < len(title) <= TITLE_LIMIT:
            raise self._bad("TF401320: Rule Error for field Title.")
        if after["System.State"] not in STATES:
            raise self._bad("TF401320: Rule Error for field State.")
        if said := fields.pop("System.History", ""):
            number = sum(len(each.comments) for each in self.items.values()) + 1
            comment = Comment(id=number, by=user, at=self._clock(), text=said)
            item.comments.append(comment)
        item.fields.update(fields)

    def _shown(self, item: WorkItem, fields: list[str]) -> dict[str, Any]:
        known = item.fields | {"System.ChangedDate": _time(item.changed)}
        if owner := known.get("System.AssignedTo"):
            known["System.AssignedTo"] = {"displayName": owner}
        shown = {name: known[name] for name in fields if name in known}
        return {"id": item.id, "rev": item.rev, "fields": shown}

    def _item(self, request: web.Request) -> WorkItem:
        item = self.items.get(int(request.match_info["id"]))
        if item is None:
            raise self._failed(web.HTTPNotFound, "TF401232: does not exist")
        return item

    async def _patched(self, request: web.Request) -> dict[str, Any]:
        """The fields that a JSON patch sets."""
        if request.content_type != "application/json-patch+json":
            raise self._failed(web.HTTPUnsupportedMediaType, "VS403273")
        try:
            steps = json.loads(await request.read())
            found = [(_FIELD.fullmatch(each["path"]), each) for each in steps]
        except (ValueError, TypeError, KeyError):
            raise self._bad("VS403348: not a JSON patch") from None
        fields = {}
        for path, each in found:
            if path is None or each.get("op") not in {"add", "replace"}:
                raise self._bad("VS403348: not a step of a JSON patch")
            fields[path[1]] = each.get("value")
        return fields

    async def _object(self, request: web.Request) -> dict[str, Any]:
        try:
            body = json.loads(await request.read())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise self._bad("VS402337: the request has no body")
        return body

    def _user(self, request: web.Request, *, version: str = "7.1") -> str:
        """Who signs in: any token of an app, and any personal one by its user's name."""
        if request.query.get("api-version") != version:
            raise self._bad("VssVersionNotSpecifiedException")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and given:
            return "firewatch"
        try:
            pair = base64.b64decode(given, validate=True).decode()
        except (binascii.Error, ValueError):
            pair = ""
        user, _, token = pair.partition(":")
        if scheme.lower() != "basic" or not token:
            raise self._failed(web.HTTPUnauthorized, "TF400813")
        return user or "firewatch"

    def _bad(self, problem: str) -> web.HTTPException:
        return self._failed(web.HTTPBadRequest, problem)

    def _failed(self, kind: type[web.HTTPException], problem: str) -> web.HTTPException:
        self.refused.append(problem)
        text = json.dumps({"message": problem})
        return kind(text=text, content_type="application/json")


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
