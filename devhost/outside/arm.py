"""Azure Resource Manager: Defender's alerts, where logs go, who hears of alerts, and tags.

Resources themselves are `azure/manager.py`'s, which is asked first. Of Resource Graph
it understands the tags of some resources, and the questions of `azure/questions.py`.
(remote-apis-azure.md 0, 15a and 19)
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiohttp import web

from devhost.outside.azure import questions, reads
from devhost.outside.azure.answers import Refused
from devhost.outside.azure.resources import type_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devhost.outside.azure.manager import Manager
    from devhost.outside.azure.rights import Rights

API_VERSION = "2022-01-01"
PAGE = 100

GRAPH_VERSION = "2022-10-01"
GRAPH_PAGE = 1_000

_GRAPH = "/arm/providers/Microsoft.ResourceGraph/resources"
_ASKED = re.compile(
    r"resources \| where id in~ \((?P<ids>'[^']+'(?:, '[^']+')*)\)"
    r" \| project id = tolower\(id\), tags \| order by id asc"
)
# One identity's, and when it has all of it again.
_QUOTA = {
    "x-ms-user-quota-remaining": "14",
    "x-ms-user-quota-resets-after": "00:00:05",
}

_PATH = "/arm/subscriptions/{subscription}/providers/Microsoft.Security/alerts"
_ALERT = re.compile(
    r"/subscriptions/[^?#]+/providers/Microsoft\.Security/locations/[^/]+/alerts/[^/]+",
    re.IGNORECASE,
)
_DOCUMENT = "/arm/{path:subscriptions/.+}"
_SUBSCRIPTIONS = "/arm/subscriptions"
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class ArmSide:
    """The alerts of each subscription; one that nobody spoke of has none.

    Nor has a resource that nobody spoke of any tags; where its tags are None it is not
    shown at all.
    """

    name = "arm"

    def __init__(self, manager: Manager, rights: Rights) -> None:
        self.page_size = PAGE
        self.graph_page = GRAPH_PAGE
        self.alerts: dict[str, list[dict[str, Any]]] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self._resources = manager.resources
        self._quotas = manager.quotas
        self._rights = rights
        self._tags: dict[str, dict[str, str] | None] = {}
        self.asked: list[list[str]] = []
        self.listed: list[dict[str, Any]] = []
        self.refused: list[str] = []

    def put(self, subscription: str, alerts: Sequence[dict[str, Any]]) -> None:
        """List these for the subscription from now on, in this order."""
        if not _GUID.fullmatch(subscription.lower()):
            raise ValueError("a subscription is a GUID")
        self.alerts[subscription.lower()] = list(alerts)
        for alert in alerts:
            # Each has a place of its own, where people change its status.
            if _ALERT.fullmatch(str(alert.get("id"))):
                self._resources.write(alert)

    def document(self, path: str, content: dict[str, Any]) -> None:
        """Answer so where this path is read from now on; its case does not matter."""
        self.documents[path.lower()] = content

    def tag(self, resource: str, tags: dict[str, str] | None) -> None:
        """Show a resource with these tags from now on, or not at all."""
        self._tags[resource.lower()] = tags

    def routes(self) -> list[web.RouteDef]:
        """Where its API is, below `/arm`."""
        return [
            web.get(_PATH, self._list),
            web.get(_SUBSCRIPTIONS, self._subscriptions),
            web.get(_DOCUMENT, self._document),
            web.post(_GRAPH, self._graph),
        ]

    def received(self) -> dict[str, Any]:
        """Which pages were listed, whose tags were asked for, and what was refused."""
        return {"listed": self.listed, "asked": self.asked, "refused": self.refused}

    async def _graph(self, request: web.Request) -> web.Response:
        """The resources that are shown, each with its tags."""
        if not _is_signed(request):
            return self._refuse(401, "AuthenticationFailed", "no bearer token")
        problem = self._version_problem(request, GRAPH_VERSION)
        if problem is not None:
            return problem
        body = await request.read()
        rows = self._rows(body)
        if rows is not None:
            return self._graph_page(body, rows)
        ids = _asked(body)
        if ids is None:
            return self._refuse(400, "BadRequest", "not a query that is understood")
        self.asked.append(ids)
        found = [(each, self._tags_of(each)) for each in sorted(ids)]
        shown = [
            {"id": each, "tags": tags or None}
            for each, tags in found
            if tags is not None
        ]
        content = {
            "totalRecords": len(shown),
            "count": len(shown),
            "resultTruncated": "false",
            "data": shown,
        }
        return web.json_response(content, headers=_QUOTA)

    def _rows(self, body: bytes) -> list[dict[str, str]] | None:
        """The rows of a question; None where it is none that is understood."""
        content = _object(body)
        scopes = {str(each).lower() for each in content.get("subscriptions") or ()}
        query = str(content.get("query"))
        return questions.answer(query, self._resources, self._rights, scopes)

    def _graph_page(self, body: bytes, rows: list[dict[str, str]]) -> web.Response:
        options = _object(body).get("options") or {}
        token = str(options.get("$skipToken", "0"))
        if not (token.isascii() and token.isdigit() and len(token) < 9):
            return self._refuse(400, "BadRequest", "not a token of ours")
        most = min(int(options.get("$top", 100)), self.graph_page)
        end = int(token) + most
        page = rows[int(token) : end]
        content: dict[str, Any] = {
            "totalRecords": len(rows),
            "count": len(page),
            "resultTruncated": "false",
            "data": page,
        }
        if end < len(rows):
            content["$skipToken"] = str(end)
        return web.json_response(content, headers=_QUOTA)

    async def _subscriptions(self, request: web.Request) -> web.Response:
        if not _is_signed(request):
            return self._refuse(401, "AuthenticationFailed", "no bearer token")
        problem = self._version_problem(request, reads.SUBSCRIPTIONS_VERSION)
        if problem is not None:
            return problem
        # Whoever may read none is shown none.
        may_read = self._rights.allows("Microsoft.Resources/subscriptions/read")
        found = reads.subscriptions(self._resources) if may_read else []
        return web.json_response({"value": found})

    def _tags_of(self, resource: str) -> dict[str, str] | None:
        """What was said of it last, else what it has; none where it is not known."""
        if resource in self._tags:
            return self._tags[resource]
        tags: dict[str, str] = (self._resources.find(resource) or {}).get("tags") or {}
        return tags

    async def _list(self, request: web.Request) -> web.Response:
        subscription = request.match_info["subscription"].lower()
        if not _is_signed(request):
            return self._refuse(401, "AuthenticationFailed", "no bearer token")
        if not _GUID.fullmatch(subscription):
            return self._refuse(400, "InvalidSubscriptionId", "not a GUID")
        return self._version_problem(request, API_VERSION) or self._page(
            request, subscription
        )

    async def _document(self, request: web.Request) -> web.Response:
        """A document that was put here, else an empty list or nothing."""
        path = f"/{request.match_info['path'].lower()}"
        if not _is_signed(request):
            return self._refuse(401, "AuthenticationFailed", "no bearer token")
        kind = type_of(path)
        if kind not in reads.VERSIONS:
            return self._refuse(400, "NoRegisteredProviderFound", "not served here")
        problem = self._version_problem(request, reads.VERSIONS[kind])
        if problem is not None:
            return problem
        try:
            left = self._quotas.take(path.split("/")[2], request.method)
            self._rights.demand(f"{kind}/read", path)
        except Refused as refused:
            self.refused.append(str(refused))
            return refused.response()
        known = self.documents.get(path) or self._resources.find(path)
        if known is None and not reads.is_list(path):
            return self._refuse(404, "ResourceNotFound", "not there")
        content = known or {"value": reads.listed(self._resources, path)}
        return web.json_response(content, headers=left)

    def _version_problem(
        self, request: web.Request, served: str
    ) -> web.Response | None:
        version = request.query.get("api-version")
        if version is None:
            return self._refuse(400, "MissingApiVersionParameter", "no api-version")
        if version != served:
            return self._refuse(400, "InvalidApiVersionParameter", "not served")
        return None

    def _page(self, request: web.Request, subscription: str) -> web.Response:
        skip = request.query.get("$skiptoken", "0")
        if not (skip.isascii() and skip.isdigit() and len(skip) < 9):
            return self._refuse(400, "InvalidSkipToken", "not one of ours")
        alerts = self.alerts.get(subscription, [])
        end = int(skip) + self.page_size
        page = alerts[int(skip) : end]
        content: dict[str, Any] = {
            "value": [self._resources.find(str(e.get("id"))) or e for e in page]
        }
        if end < len(alerts):
            query = urlencode({"api-version": API_VERSION, "$skiptoken": end})
            content["nextLink"] = f"http://{request.host}{request.path}?{query}"
        self.listed.append({"subscription": subscription, "from": int(skip)})
        return web.json_response(content)

    def _refuse(self, status: int, code: str, message: str) -> web.Response:
        self.refused.append(f"{code}: {message}")
        error = {"error": {"code": code, "message": message}}
        return web.json_response(error, status=status)


def _asked(body: bytes) -> list[str] | None:
    """The ids that a query is about, in lower case; None where it is another one.

    Each must be in a subscription that is named, as the service only looks there.
    """
    content = _object(body)
    try:
        found = _ASKED.fullmatch(content["query"])
        scopes = {str(each).lower() for each in content["subscriptions"]}
    except (LookupError, TypeError):
        return None
    if found is None or not scopes or not all(map(_GUID.fullmatch, scopes)):
        return None
    ids = [quoted[1:-1].lower() for quoted in found["ids"].split(", ")]
    return [
        each for each in ids if each.split("/")[2:3] and each.split("/")[2] in scopes
    ]


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_signed(request: web.Request) -> bool:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and bool(token)
