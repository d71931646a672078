"""ServiceNow's Table API, as far as a keeper of tickets can tell.

(remote-apis-sinks.md 8.) People there are whoever else signs in: what they do goes by the
same API.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable

# What is longer is cut without a word.
LENGTHS = {
    "short_description": 160,
    "description": 4_000,
    "correlation_id": 100,
    "close_notes": 4_000,
}
JOURNALS = ("work_notes", "comments")
ENDED = {"6", "7"}
TOKEN_LASTS_S = 1_799

_TABLE = "/servicenow/api/now/table"
_CORRELATED = re.compile(r"correlation_id=(?P<key>[^\^]+)\^ORDERBYsys_created_on")
_AMONG = re.compile(r"sys_idIN(?P<ids>[0-9a-f,]+)")
_OF = re.compile(
    r"element_idIN(?P<ids>[0-9a-f,]+)\^elementINwork_notes,comments"
    r"\^ORDERBYDESCsys_created_on"
)


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a journal."""

    id: str
    of: str
    element: str
    by: str
    at: datetime
    value: str


class Incident(msgspec.Struct, kw_only=True):
    """An incident; ``fields`` are texts by name."""

    sys_id: str
    number: str
    fields: dict[str, str]
    created: datetime
    updated: datetime
    changes: int = 0


class ServiceNowSide:
    """An instance. ``hides_journal`` is whether nobody may read journal entries."""

    name = "servicenow"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.incidents: dict[str, Incident] = {}
        self.notes: list[Note] = []
        self.tokens: set[str] = set()
        self.refused: list[str] = []
        self.hides_journal = False

    def routes(self) -> list[web.RouteDef]:
        """Where its API is, below `/servicenow`."""
        return [
            web.post("/servicenow/oauth_token.do", self._grant),
            web.get(f"{_TABLE}/incident", self._list),
            web.post(f"{_TABLE}/incident", self._create),
            web.get(f"{_TABLE}/incident/{{sys_id}}", self._get),
            web.patch(f"{_TABLE}/incident/{{sys_id}}", self._change),
            web.get(f"{_TABLE}/sys_journal_field", self._journal),
        ]

    def received(self) -> dict[str, Any]:
        """Every incident as it is, what was written into it, and what was refused."""
        return {
            "incidents": list(self.incidents.values()),
            "notes": self.notes,
            "refused": self.refused,
        }

    async def _grant(self, request: web.Request) -> web.Response:
        form = parse_qs((await request.read()).decode())
        if form.get("grant_type") != ["client_credentials"] or not all(
            form.get(name) for name in ("client_id", "client_secret")
        ):
            self.refused.append("access_denied")
            return web.json_response({"error": "access_denied"}, status=401)
        token = secrets.token_urlsafe(24)
        self.tokens.add(token)
        granted = {"access_token": token, "expires_in": TOKEN_LASTS_S}
        return web.json_response(granted)

    async def _list(self, request: web.Request) -> web.Response:
        self._user(request)
        query = request.query.get("sysparm_query", "")
        if found := _CORRELATED.fullmatch(query):
            incidents = [
                each
                for each in self.incidents.values()
                if each.fields.get("correlation_id") == found["key"]
            ]
        elif found := _AMONG.fullmatch(query):
            ids = found["ids"].split(",")
            incidents = [self.incidents[i] for i in ids if i in self.incidents]
        else:
            # A condition that is not understood is dropped (8).
            incidents = list(self.incidents.values())
        most = int(request.query.get("sysparm_limit", "10000"))
        shown = [self._shown(each, request) for each in incidents[:most]]
        return web.json_response({"result": shown})

    async def _create(self, request: web.Request) -> web.Response:
        user = self._user(request)
        body = await self._body(request)
        now = self._clock()
        sys_id = secrets.token_hex(16)
        incident = Incident(
            sys_id=sys_id,
            number=f"INC{len(self.incidents) + 1:07}",
            fields={},
            created=now,
            updated=now,
        )
        self._set(incident, {"state": "1"} | body, user)
        self.incidents[sys_id] = incident
        shown = self._shown(incident, request)
        return web.json_response({"result": shown}, status=201)

    async def _get(self, request: web.Request) -> web.Response:
        self._user(request)
        incident = self._incident(request)
        return web.json_response({"result": self._shown(incident, request)})

    async def _change(self, request: web.Request) -> web.Response:
        user = self._user(request)
        incident = self._incident(request)
        self._set(incident, await self._body(request), user)
        incident.changes += 1
        incident.updated = self._clock()
        return web.json_response({"result": self._shown(incident, request)})

    async def _journal(self, request: web.Request) -> web.Response:
        self._user(request)
        if self.hides_journal:
            raise self._failed(
                web.HTTPForbidden, "Insufficient rights to query records"
            )
        found = _OF.fullmatch(request.query.get("sysparm_query", ""))
        ids = found["ids"].split(",") if found else []
        most = int(request.query.get("sysparm_limit", "10000"))
        shown = [
            {
                "sys_id": note.id,
                "element_id": note.of,
                "value": note.value,
                "sys_created_by": note.by,
                "sys_created_on": _time(note.at),
            }
            for note in reversed(self.notes)
            if note.of in ids
        ]
        return web.json_response({"result": shown[:most]})

    def _set(self, incident: Incident, body: dict[str, Any], user: str) -> None:
        fields = {name: str(value) for name, value in body.items()}
        after = incident.fields | fields
        if after.get("state") in ENDED and not (
            after.get("close_code") and after.get("close_notes")
        ):
            raise self._failed(
                web.HTTPBadRequest, "Data Policy Exception: close_code, close_notes"
            )
        for name in JOURNALS:
            if value := fields.pop(name, ""):
                note = Note(
                    id=secrets.token_hex(16),
                    of=incident.sys_id,
                    element=name,
                    by=user,
                    at=self._clock(),
                    value=value,
                )
                self.notes.append(note)
        cut = {name: text[: LENGTHS.get(name)] for name, text in fields.items()}
        incident.fields.update(cut)

    def _shown(self, incident: Incident, request: web.Request) -> dict[str, Any]:
        """The fields that were asked for; those that are not known are left out."""
        notes = "\n\n".join(
            f"{_time(note.at)} - {note.by} (Work notes)\n{note.value}"
            for note in reversed(self.notes)
            if note.of == incident.sys_id and note.element == "work_notes"
        )
        stored = {
            "assigned_to": "",
            **incident.fields,
            "sys_id": incident.sys_id,
            "number": incident.number,
            "sys_mod_count": str(incident.changes),
            "sys_updated_on": _time(incident.updated),
            "work_notes": "",
        }
        seen = stored | {"work_notes": notes}
        asked = request.query.get("sysparm_fields", "").split(",")
        shows_both = request.query.get("sysparm_display_value") == "all"
        return {
            name: {"value": stored[name], "display_value": seen[name]}
            if shows_both
            else stored[name]
            for name in asked
            if name in stored
        }

    def _incident(self, request: web.Request) -> Incident:
        found = self.incidents.get(request.match_info["sys_id"])
        if found is None:
            raise self._failed(web.HTTPNotFound, "No Record found")
        return found

    async def _body(self, request: web.Request) -> dict[str, Any]:
        try:
            body = json.loads(await request.read())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise self._failed(web.HTTPBadRequest, "Exception while reading request")
        return body

    def _user(self, request: web.Request) -> str:
        """Who signs in: any user with a password, or who has a token of ours."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and given in self.tokens:
            return "firewatch"
        try:
            pair = base64.b64decode(given, validate=True).decode()
        except (binascii.Error, ValueError):
            pair = ""
        user, _, password = pair.partition(":")
        if scheme.lower() != "basic" or not user or not password:
            raise self._failed(web.HTTPUnauthorized, "User Not Authenticated")
        return user

    def _failed(self, kind: type[web.HTTPException], problem: str) -> web.HTTPException:
        self.refused.append(problem)
        text = json.dumps({"error": {"message": problem}, "status": "failure"})
        return kind(text=text, content_type="application/json")


def _time(at: datetime) -> str:
    """As ServiceNow writes times: in UTC, to the second."""
    rounded = at.astimezone(UTC) - timedelta(microseconds=at.microsecond)
    return f"{rounded:%Y-%m-%d %H:%M:%S}"
