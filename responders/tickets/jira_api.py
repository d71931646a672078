"""The part of Jira Cloud's REST API v3 that tickets need (remote-apis-sinks.md 9)."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import msgspec

from responders.base import raise_for_status
from responders.tickets import LARGE, MOST_REMARKS, answered, reference
from shared.model.ticket import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.base import Ports
    from shared.model.http import Reply
    from shared.model.secret import Secret

# Issues of one bulk fetch.
MOST_AT_ONCE = 100

ISSUE = re.compile(r"[A-Z][A-Z0-9_]{0,99}-[0-9]{1,18}")

_SIDE = "Jira"
_READ = (200,)
_WRITTEN = (200, 201, 204)

_STAGES = {
    "new": Stage.NEW,
    "indeterminate": Stage.IN_PROGRESS,
    "done": Stage.CLOSED,
}


class Category(msgspec.Struct, frozen=True):
    """What a status means, whatever it is called."""

    key: str = ""


class Status(msgspec.Struct, frozen=True):
    """A step of a workflow."""

    name: str = ""
    category: Category = msgspec.field(name="statusCategory", default=Category())

    @property
    def stage(self) -> Stage:
        """How far an issue of that status is."""
        return _STAGES.get(self.category.key, Stage.NEW)


class Person(msgspec.Struct, frozen=True):
    """Somebody, by the name that is shown."""

    name: str = msgspec.field(name="displayName", default="")


class Fields(msgspec.Struct, frozen=True):
    """Those that were asked for."""

    status: Status = Status()
    updated: str = ""
    assignee: Person | None = None
    labels: tuple[str, ...] = ()


class Transition(msgspec.Struct, frozen=True):
    """A way from the status of now to another."""

    id: str
    name: str = ""
    to: Status = Status()


class Issue(msgspec.Struct, frozen=True):
    """An issue, as far as it was asked for."""

    key: str
    fields: Fields = Fields()
    transitions: tuple[Transition, ...] = ()


class Comment(msgspec.Struct, frozen=True):
    """A comment; its body is a document."""

    id: str
    created: str = ""
    author: Person | None = None
    body: Any = None


class _Issues(msgspec.Struct, frozen=True):
    issues: tuple[Issue, ...]


class _Comments(msgspec.Struct, frozen=True):
    comments: tuple[Comment, ...]


class JiraApi:
    """One site, as one user. Every method raises TransientFailure and PermanentFailure."""

    def __init__(self, url: str, *, user: str, token: Secret, ports: Ports) -> None:
        self._url = f"{url.rstrip('/')}/rest/api/3"
        self._user = user
        self._token = token
        self._http = ports.http
        self._clock = ports.clock

    async def labelled(self, project: str, label: str) -> str:
        """The key of the oldest issue with that label; empty where there is none.

        Both stand in the query as they are. An issue that was made less than some
        seconds ago may not be found.
        """
        query = f'project = "{project}" AND labels = "{label}" ORDER BY created ASC'
        body = {"jql": query, "fields": ["labels"], "maxResults": 2}
        reply = await self._ask("POST", "/search/jql", body)
        for issue in answered(reply, _Issues, side=_SIDE).issues:
            if label in issue.fields.labels:
                return reference(issue.key, ISSUE)
        return ""

    async def create(self, fields: Mapping[str, Any]) -> str:
        """Make an issue; its key."""
        reply = await self._ask("POST", "/issue", {"fields": fields}, _WRITTEN)
        return reference(answered(reply, Issue, side=_SIDE).key, ISSUE)

    async def fetch(self, keys: Sequence[str]) -> Sequence[Issue]:
        """Those of at most ``MOST_AT_ONCE`` issues that are there and may be seen.

        By their keys, not by a search: one key that is gone would fail the query.
        """
        asked = ["updated", "status", "assignee"]
        body = {"issueIdsOrKeys": keys, "fields": asked}
        reply = await self._ask("POST", "/issue/bulkfetch", body)
        return answered(reply, _Issues, side=_SIDE).issues

    async def standing(self, key: str) -> Issue:
        """An issue with its status, and the transitions that there are from it."""
        path = f"/issue/{key}?fields=status&expand=transitions"
        return answered(await self._ask("GET", path), Issue, side=_SIDE)

    async def transition(self, key: str, body: Mapping[str, Any]) -> None:
        """Take a transition."""
        await self._ask("POST", f"/issue/{key}/transitions", body, _WRITTEN)

    async def comments(self, key: str) -> Sequence[Comment]:
        """The latest comments of an issue, the latest first."""
        path = f"/issue/{key}/comment?orderBy=-created&maxResults={MOST_REMARKS}"
        reply = await self._ask("GET", path)
        return answered(reply, _Comments, side=_SIDE).comments

    async def comment(self, key: str, document: Mapping[str, Any]) -> None:
        """Write a comment."""
        await self._ask("POST", f"/issue/{key}/comment", {"body": document}, _WRITTEN)

    async def _ask(
        self,
        method: str,
        path: str,
        content: object = None,
        accepted: Sequence[int] = _READ,
    ) -> Reply:
        pair = f"{self._user}:{self._token.reveal()}".encode()
        reply = await self._http.send(
            method,
            self._url + path,
            headers={
                "accept": "application/json",
                "authorization": f"Basic {base64.b64encode(pair).decode()}",
                "content-type": "application/json",
            },
            body=b"" if content is None else msgspec.json.encode(content),
            most=LARGE,
        )
        raise_for_status(reply, side=_SIDE, accepted=accepted, now=self._clock)
        return reply
