"""Jira Cloud's REST API v3, as far as a keeper of tickets can tell.

(remote-apis-sinks.md 9.) People there are whoever else signs in: what they do goes by the
same API.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from devhost.outside.adf import EMPTY, problems_of

if TYPE_CHECKING:
    from collections.abc import Callable

SUMMARY_LIMIT = 255
TEXT_LIMIT = 32_767
MOST_FETCHED = 100

# Name of a status -> what it means, and the transition that leads to it.
STATUSES = {
    "To Do": ("new", "11", "Back to do"),
    "In Progress": ("indeterminate", "21", "Start progress"),
    "Done": ("done", "31", "Close issue"),
}

_API = "/jira/rest/api/3"
_JQL = re.compile(
    r'project = "(?P<project>[A-Z][A-Z0-9_]*)" AND labels = "(?P<label>[^"\\]+)"'
    r" ORDER BY created ASC"
)


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment; ``body`` is a document."""

    id: str
    by: str
    at: datetime
    body: dict[str, Any]


class Issue(msgspec.Struct, kw_only=True):
    """An issue; ``fields`` are those that it was made with."""

    key: str
    fields: dict[str, Any]
    by: str
    created: datetime
    updated: datetime
    status: str = "To Do"
    assignee: str = ""
    resolution: str = ""
    comments: list[Comment] = []


class JiraSide:
    """A site. ``lag`` is how long a search does not find what was made."""

    name = "jira"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._last = datetime.min.replace(tzinfo=UTC)
        self.lag = timedelta(0)
        self.issues: dict[str, Issue] = {}
        self.refused: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        """Where its API is, below `/jira`."""
        issue = f"{_API}/issue/{{key}}"
        return [
            web.post(f"{_API}/search/jql", self._search),
            web.post(f"{_API}/issue/bulkfetch", self._fetch),
            web.post(f"{_API}/issue", self._create),
            web.get(issue, self._get),
            web.put(f"{issue}/assignee", self._assign),
            web.get(f"{issue}/comment", self._comments),
            web.post(f"{issue}/comment", self._comment),
            web.post(f"{issue}/transitions", self._transition),
        ]

    def received(self) -> dict[str, Any]:
        """Every issue as it is, and what was refused."""
        return {"issues": list(self.issues.values()), "refused": self.refused}

    async def _search(self, request: web.Request) -> web.Response:
        _user(request)
        body = await self._body(request)
        found = _JQL.fullmatch(body.get("jql", ""))
        if found is None:
            raise self._bad("The query cannot be parsed.")
        before = self._clock() - self.lag
        issues = [
            issue
            for issue in self.issues.values()
            if found["label"] in issue.fields["labels"]
            and issue.fields["project"]["key"] == found["project"]
            and issue.created <= before
        ]
        most = body.get("maxResults", 50)
        fields = body.get("fields", [])
        shown = [_shown(issue, fields) for issue in issues[:most]]
        return web.json_response({"issues": shown, "isLast": len(issues) <= most})

    async def _fetch(self, request: web.Request) -> web.Response:
        _user(request)
        body = await self._body(request)
        keys = body.get("issueIdsOrKeys", [])
        if not 1 <= len(keys) <= MOST_FETCHED:
            raise self._bad(f"1 to {MOST_FETCHED} issues may be fetched.")
        fields = body.get("fields", [])
        return web.json_response(
            {
                "issues": [
                    _shown(self.issues[key], fields)
                    for key in keys
                    if key in self.issues
                ],
                "issueErrors": [{"id": key} for key in keys if key not in self.issues],
            }
        )

    async def _create(self, request: web.Request) -> web.Response:
        user = _user(request)
        fields = (await self._body(request)).get("fields", {})
        if problem := _fields_problem(fields):
            raise self._bad(problem)
        now = self._now()
        key = f"{fields['project']['key']}-{len(self.issues) + 1}"
        self.issues[key] = Issue(
            key=key, fields=fields, by=user, created=now, updated=now
        )
        return web.json_response({"id": f"1{key[-1]}", "key": key}, status=201)

    async def _get(self, request: web.Request) -> web.Response:
        _user(request)
        issue = self._issue(request)
        shown = _shown(issue, request.query.get("fields", "").split(","))
        if request.query.get("expand") == "transitions":
            shown["transitions"] = [
                {"id": number, "name": name, "to": _status(status)}
                for status, (_, number, name) in STATUSES.items()
                if status != issue.status
            ]
        return web.json_response(shown)

    async def _assign(self, request: web.Request) -> web.Response:
        _user(request)
        issue = self._issue(request)
        issue.assignee = (await self._body(request)).get("accountId") or ""
        issue.updated = self._now()
        return web.Response(status=204)

    async def _comments(self, request: web.Request) -> web.Response:
        _user(request)
        found = self._issue(request).comments
        if request.query.get("orderBy") == "-created":
            found = found[::-1]
        shown = [
            {
                "id": each.id,
                "author": {"displayName": each.by},
                "created": _time(each.at),
                "body": each.body,
            }
            for each in found[: int(request.query.get("maxResults", "50"))]
        ]
        return web.json_response({"comments": shown, "total": len(found)})

    async def _comment(self, request: web.Request) -> web.Response:
        user = _user(request)
        issue = self._issue(request)
        body: Any = (await self._body(request)).get("body")
        if problems := problems_of(body, TEXT_LIMIT):
            raise self._bad(f"Comment body is not valid! {problems[0]}")
        number = str(10_000 + sum(len(i.comments) for i in self.issues.values()))
        issue.updated = self._now()
        issue.comments.append(Comment(id=number, by=user, at=issue.updated, body=body))
        return web.json_response({"id": number}, status=201)

    async def _transition(self, request: web.Request) -> web.Response:
        _user(request)
        issue = self._issue(request)
        body = await self._body(request)
        asked = body.get("transition", {}).get("id")
        for status, (_, number, _name) in STATUSES.items():
            if number == asked and status != issue.status:
                break
        else:
            raise self._bad("It seems that you have tried an illegal transition.")
        issue.status = status
        issue.resolution = body.get("fields", {}).get("resolution", {}).get("name", "")
        issue.updated = self._now()
        return web.Response(status=204)

    def _issue(self, request: web.Request) -> Issue:
        issue = self.issues.get(request.match_info["key"])
        if issue is None:
            raise _failed(web.HTTPNotFound, "Issue does not exist.")
        return issue

    async def _body(self, request: web.Request) -> dict[str, Any]:
        try:
            body = json.loads(await request.read())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise self._bad("There was an error parsing JSON.")
        return body

    def _bad(self, problem: str) -> web.HTTPException:
        self.refused.append(problem)
        return _failed(web.HTTPBadRequest, problem)

    def _now(self) -> datetime:
        """The time, a millisecond later than the last: no two changes share one."""
        self._last = max(self._clock(), self._last + timedelta(milliseconds=1))
        return self._last


def _user(request: web.Request) -> str:
    """Who signs in; any token of any e-mail address will do."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, token = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        user = token = ""
    if scheme.lower() != "basic" or "@" not in user or not token:
        raise _failed(web.HTTPUnauthorized, "Client must be authenticated.")
    return user


def _fields_problem(fields: Any) -> str:  # noqa: ANN401  JSON
    """Why no issue can be made of these; empty if one can."""
    try:
        key, kind = fields["project"]["key"], fields["issuetype"]["name"]
        summary, labels = fields["summary"], fields.get("labels", [])
    except (KeyError, TypeError):
        return "project, issuetype and summary are required"
    if not (isinstance(key, str) and re.fullmatch(r"[A-Z][A-Z0-9_]*", key) and kind):
        return "valid project and issue type are required"
    if not isinstance(summary, str) or not summary.strip() or "\n" in summary:
        return "The summary is invalid because it contains newline characters."
    if len(summary) > SUMMARY_LIMIT:
        return "Summary must be less than 255 characters."
    if any(" " in label or len(label) > SUMMARY_LIMIT for label in labels):
        return "The label contains spaces which is invalid."
    return next(iter(problems_of(fields.get("description", EMPTY), TEXT_LIMIT)), "")


def _shown(issue: Issue, fields: list[str]) -> dict[str, Any]:
    """The issue with those fields and no other, as the search of now does it."""
    known = {
        "labels": issue.fields["labels"],
        "status": _status(issue.status),
        "updated": _time(issue.updated),
        "assignee": {"displayName": issue.assignee} if issue.assignee else None,
    }
    return {
        "key": issue.key,
        "fields": {name: known[name] for name in fields if name in known},
    }


def _status(name: str) -> dict[str, Any]:
    return {"name": name, "statusCategory": {"key": STATUSES[name][0]}}


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}+0000"


def _failed(kind: type[web.HTTPException], problem: str) -> web.HTTPException:
    text = json.dumps({"errorMessages": [problem], "errors": {}})
    return kind(text=text, content_type="application/json")
