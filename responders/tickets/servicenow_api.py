"""The part of ServiceNow's Table API that tickets need (remote-apis-sinks.md 8)."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from responders.base import raise_for_status
from responders.tickets import LARGE, answered, reference
from shared.model.errors import FailureReason, TransientFailure
from shared.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from responders.base import Ports
    from shared.model.http import Reply

# Records of one query; more would make its URL too long.
MOST_AT_ONCE = 100
# Journal entries of as many records.
MOST_ENTRIES = 500

SYS_ID = re.compile(r"[0-9a-f]{32}")

_SIDE = "ServiceNow"
_READ = (200,)
_WRITTEN = (200, 201)

# A token is not used until its very end: the clocks of two machines differ.
_SPARE = timedelta(minutes=1)


class Shown(msgspec.Struct, frozen=True):
    """A field: as it is stored, and as people see it."""

    value: str = ""
    display_value: str = ""


class Record(msgspec.Struct, frozen=True):
    """An incident, as far as it was asked for."""

    sys_id: Shown
    number: Shown = Shown()
    state: Shown = Shown()
    assigned_to: Shown = Shown()
    work_notes: Shown = Shown()
    sys_mod_count: Shown = Shown()
    sys_updated_on: Shown = Shown()


class Entry(msgspec.Struct, frozen=True):
    """What somebody wrote: a work note, or a comment."""

    sys_id: str
    element_id: str
    value: str = ""
    sys_created_by: str = ""
    sys_created_on: str = ""


class _Made(msgspec.Struct, frozen=True):
    sys_id: str
    correlation_id: str = ""


class _MadeOne(msgspec.Struct, frozen=True):
    result: _Made


class _Found(msgspec.Struct, frozen=True):
    result: tuple[_Made, ...]


class _One(msgspec.Struct, frozen=True):
    result: Record


class _Records(msgspec.Struct, frozen=True):
    result: tuple[Record, ...]


class _Entries(msgspec.Struct, frozen=True):
    result: tuple[Entry, ...]


class _Granted(msgspec.Struct, frozen=True):
    access_token: str
    # Some releases write it as a text.
    expires_in: int | str = 0


class _Token(NamedTuple):
    value: Secret
    until: datetime


class Account(NamedTuple):
    """Who signs in: a user with a password, or a client of OAuth with its secret."""

    name: str
    secret: Secret
    is_client: bool


class ServiceNowApi:
    """One instance. Every method raises TransientFailure and PermanentFailure."""

    def __init__(self, url: str, account: Account, ports: Ports) -> None:
        self._url = url.rstrip("/")
        self._account = account
        self._http = ports.http
        self._clock = ports.clock
        self._token: _Token | None = None

    async def correlated(self, key: str) -> str:
        """The sys_id of the oldest incident with that key; empty where none has it.

        A condition that is not understood would be dropped and find every incident, so
        each is looked at.
        """
        query = {
            "sysparm_query": f"correlation_id={key}^ORDERBYsys_created_on",
            "sysparm_fields": "sys_id,correlation_id",
            "sysparm_limit": "2",
        }
        reply = await self._ask("GET", "/incident", query)
        for each in answered(reply, _Found, side=_SIDE).result:
            if each.correlation_id == key:
                return reference(each.sys_id, SYS_ID)
        return ""

    async def create(self, fields: Mapping[str, Any]) -> str:
        """Make an incident; its sys_id."""
        query = {"sysparm_fields": "sys_id"}
        reply = await self._ask("POST", "/incident", query, fields)
        return reference(answered(reply, _MadeOne, side=_SIDE).result.sys_id, SYS_ID)

    async def standing(self, sys_id: str) -> Record:
        """An incident with its state and all of its work notes, as one text."""
        query = {
            "sysparm_fields": "sys_id,state,work_notes",
            "sysparm_display_value": "all",
        }
        reply = await self._ask("GET", f"/incident/{sys_id}", query)
        return answered(reply, _One, side=_SIDE).result

    async def change(self, sys_id: str, fields: Mapping[str, Any]) -> None:
        """Set fields of an incident; a work note is added."""
        query = {"sysparm_fields": "sys_id"}
        await self._ask("PATCH", f"/incident/{sys_id}", query, fields)

    async def fetch(self, sys_ids: Sequence[str]) -> Sequence[Record]:
        """Those of at most ``MOST_AT_ONCE`` incidents that are there and may be seen."""
        query = {
            "sysparm_query": f"sys_idIN{','.join(sys_ids)}",
            "sysparm_fields": "sys_id,number,state,assigned_to,"
            "sys_mod_count,sys_updated_on",
            "sysparm_display_value": "all",
            "sysparm_limit": str(MOST_AT_ONCE),
        }
        reply = await self._ask("GET", "/incident", query)
        return answered(reply, _Records, side=_SIDE).result

    async def entries(self, sys_ids: Sequence[str]) -> Sequence[Entry]:
        """What was last written into these incidents, the latest first."""
        query = {
            "sysparm_query": f"element_idIN{','.join(sys_ids)}"
            "^elementINwork_notes,comments^ORDERBYDESCsys_created_on",
            "sysparm_fields": "sys_id,element_id,value,sys_created_by,sys_created_on",
            "sysparm_limit": str(MOST_ENTRIES),
        }
        reply = await self._ask("GET", "/sys_journal_field", query)
        return answered(reply, _Entries, side=_SIDE).result

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        content: object = None,
    ) -> Reply:
        known = self._token
        reply = await self._http.send(
            method,
            f"{self._url}/api/now/table{path}?{urlencode(query)}",
            headers={
                "accept": "application/json",
                "authorization": await self._authorization(),
                "content-type": "application/json",
            },
            body=b"" if content is None else msgspec.json.encode(content),
            most=LARGE,
        )
        if reply.status == 401 and self._token is not None:
            self._token = None
            if known is not None:
                raise TransientFailure(
                    FailureReason.AUTH, "ServiceNow takes the token no more"
                )
        accepted = _READ if method == "GET" else _WRITTEN
        raise_for_status(reply, side=_SIDE, accepted=accepted, now=self._clock)
        return reply

    async def _authorization(self) -> str:
        account = self._account
        if not account.is_client:
            pair = f"{account.name}:{account.secret.reveal()}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        if self._token is None or self._token.until <= self._clock():
            self._token = await self._granted()
        return f"Bearer {self._token.value.reveal()}"

    async def _granted(self) -> _Token:
        """A token for the client; ServiceNow gives the same one until it ends."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self._account.name,
            "client_secret": self._account.secret.reveal(),
        }
        reply = await self._http.post(
            f"{self._url}/oauth_token.do",
            headers={
                "accept": "application/json",
                "content-type": "application/x-www-form-urlencoded",
            },
            body=urlencode(form).encode(),
        )
        raise_for_status(reply, side=_SIDE, accepted=_READ, now=self._clock)
        granted = answered(reply, _Granted, side=_SIDE)
        token = granted.access_token
        if not (token.isascii() and token.isprintable()):
            raise TransientFailure(
                FailureReason.AUTH, "ServiceNow gave no usable token"
            )
        return _Token(Secret(token), self._clock() + _lasting(granted) - _SPARE)


def _lasting(granted: _Granted) -> timedelta:
    """How long a token lasts, a day at most; no time where it is not said."""
    text = str(granted.expires_in)
    is_number = text.isascii() and text.isdigit()
    seconds = int(text[:9]) if is_number else 0
    return min(timedelta(seconds=seconds), timedelta(days=1))
