"""The part of Azure DevOps' work item API that tickets need (remote-apis-sinks.md 10)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from responders.base import raise_for_status
from responders.tickets import LARGE, MOST_REMARKS, answered
from shared.model.ticket import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.base import Ports
    from shared.model.http import Reply
    from shared.model.secret import Secret

# Work items of one batch.
MOST_AT_ONCE = 200

# Azure DevOps, to whom a token of the app's identity is addressed (10).
SCOPE = "499b84ac-1321-427f-aa17-267ca6975798/.default"

_SIDE = "Azure Boards"
_VERSION = "api-version=7.1"
_COMMENTS_VERSION = "api-version=7.1-preview.4"
_JSON = "application/json"
_PATCH = "application/json-patch+json"

# What is resolved there waits for somebody to look whether it is.
_STAGES = {
    "Proposed": Stage.NEW,
    "InProgress": Stage.IN_PROGRESS,
    "Resolved": Stage.IN_PROGRESS,
    "Completed": Stage.CLOSED,
    "Removed": Stage.CLOSED,
}


class Person(msgspec.Struct, frozen=True):
    """Somebody, by the name that is shown."""

    name: str = msgspec.field(name="displayName", default="")


class Fields(msgspec.Struct, frozen=True):
    """Those that were asked for."""

    state: str = msgspec.field(name="System.State", default="")
    assigned_to: Person | None = msgspec.field(name="System.AssignedTo", default=None)
    changed: str = msgspec.field(name="System.ChangedDate", default="")


class WorkItem(msgspec.Struct, frozen=True):
    """A work item, as far as it was asked for."""

    id: int
    rev: int = 0
    fields: Fields = Fields()


class State(msgspec.Struct, frozen=True):
    """A state of a type of work item; its category says what it means."""

    name: str
    category: str = ""

    @property
    def stage(self) -> Stage:
        """How far a work item of that state is."""
        return _STAGES.get(self.category, Stage.NEW)


class Comment(msgspec.Struct, frozen=True):
    """A comment; its text is HTML."""

    id: int
    text: str = ""
    by: Person | None = msgspec.field(name="createdBy", default=None)
    created: str = msgspec.field(name="createdDate", default="")


class _Id(msgspec.Struct, frozen=True):
    id: int


class _Query(msgspec.Struct, frozen=True):
    found: tuple[_Id, ...] = msgspec.field(name="workItems")


class _Batch(msgspec.Struct, frozen=True):
    value: tuple[WorkItem | None, ...]


class _States(msgspec.Struct, frozen=True):
    value: tuple[State, ...]


class _Comments(msgspec.Struct, frozen=True):
    comments: tuple[Comment, ...]


class BoardsApi:
    """One project. Every method raises TransientFailure and PermanentFailure.

    ``token`` is a personal access token; without one the app's identity signs in.
    """

    def __init__(
        self, url: str, project: str, token: Secret | None, ports: Ports
    ) -> None:
        self._url = f"{url.rstrip('/')}/{quote(project, safe='')}/_apis/wit"
        self._token = token
        self._ports = ports

    async def tagged(self, tag: str) -> str:
        """The id of the oldest work item with that tag; empty where none has it.

        The tag stands in the query as it is.
        """
        query = " ".join(
            (
                "SELECT [System.Id] FROM WorkItems",
                "WHERE [System.TeamProject] = @project",
                f"AND [System.Tags] CONTAINS '{tag}'",
                "ORDER BY [System.CreatedDate] ASC",
            )
        )
        reply = await self._ask("POST", f"/wiql?$top=1&{_VERSION}", {"query": query})
        found = answered(reply, _Query, side=_SIDE).found
        return str(found[0].id) if found else ""

    async def create(self, kind: str, fields: Mapping[str, Any]) -> str:
        """Make a work item of that type; its id."""
        path = f"/workitems/${quote(kind, safe='')}?{_VERSION}"
        reply = await self._ask("POST", path, _patch(fields), _PATCH)
        return str(answered(reply, _Id, side=_SIDE).id)

    async def state(self, number: str) -> str:
        """The state of a work item."""
        path = f"/workitems/{number}?fields=System.State&{_VERSION}"
        reply = await self._ask("GET", path)
        return answered(reply, WorkItem, side=_SIDE).fields.state

    async def change(self, number: str, fields: Mapping[str, Any]) -> None:
        """Set fields of a work item; its history is added to."""
        path = f"/workitems/{number}?{_VERSION}"
        await self._ask("PATCH", path, _patch(fields), _PATCH)

    async def states(self, kind: str) -> Sequence[State]:
        """The states of a type of work item, in the order of its workflow."""
        path = f"/workitemtypes/{quote(kind, safe='')}/states?{_VERSION}"
        return answered(await self._ask("GET", path), _States, side=_SIDE).value

    async def fetch(self, numbers: Sequence[str]) -> Sequence[WorkItem]:
        """Those of at most ``MOST_AT_ONCE`` work items that are there and may be seen."""
        body = {
            "ids": [*map(int, numbers)],
            "fields": ["System.State", "System.AssignedTo", "System.ChangedDate"],
            "errorPolicy": "omit",
        }
        reply = await self._ask("POST", f"/workitemsbatch?{_VERSION}", body)
        found = answered(reply, _Batch, side=_SIDE).value
        return [item for item in found if item is not None]

    async def comments(self, number: str) -> Sequence[Comment]:
        """The latest comments of a work item, the latest first."""
        path = (
            f"/workItems/{number}/comments?$top={MOST_REMARKS}&order=desc"
            f"&{_COMMENTS_VERSION}"
        )
        reply = await self._ask("GET", path)
        return answered(reply, _Comments, side=_SIDE).comments

    async def _ask(
        self, method: str, path: str, content: object = None, kind: str = _JSON
    ) -> Reply:
        reply = await self._ports.http.send(
            method,
            self._url + path,
            headers={
                "accept": _JSON,
                "authorization": await self._authorization(),
                "content-type": kind,
            },
            body=b"" if content is None else msgspec.json.encode(content),
            most=LARGE,
        )
        raise_for_status(reply, side=_SIDE, accepted=[200], now=self._ports.clock)
        return reply

    async def _authorization(self) -> str:
        if self._token is None:
            return f"Bearer {await self._ports.token(SCOPE)}"
        pair = f":{self._token.reveal()}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


def _patch(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"op": "add", "path": f"/fields/{name}", "value": value}
        for name, value in fields.items()
    ]
