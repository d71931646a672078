"""The HTTP API over fake storage, asked as the host asks it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

import azure.functions as func
import msgspec

from shared.api.routes import ROUTES
from shared.triggers import api as trigger
from tests.fakes.app import POLICY, FakeApp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.fakes.firewatch import World

_SLASH = re.compile("%2f", re.IGNORECASE)


class Reply(NamedTuple):
    """What came back; header names in lower case, ``body`` as JSON where it is some."""

    status: int
    headers: dict[str, str]
    body: Any
    raw: bytes


class Api:
    """A client of the API of one app."""

    def __init__(
        self,
        folder: Path,
        *,
        policy: str = POLICY,
        changes: Mapping[str, str] | None = None,
        world: World | None = None,
    ) -> None:
        self.app = FakeApp(folder, policy=policy, changes=changes, world=world)

    @property
    def world(self) -> World:
        """The storage below."""
        return self.app.world

    async def get(self, path: str, **headers: str) -> Reply:
        """GET; underscores in the names of headers are hyphens."""
        return await self.ask("GET", path, headers=headers)

    async def post(
        self,
        path: str,
        body: object = None,
        **headers: str,
    ) -> Reply:
        """POST a value as JSON, or nothing."""
        kind = {} if body is None else {"content_type": "application/json"}
        raw = b"" if body is None else msgspec.json.encode(body)
        return await self.ask("POST", path, body=raw, headers={**kind, **headers})

    async def delete(self, path: str, **headers: str) -> Reply:
        """DELETE."""
        return await self.ask("DELETE", path, headers=headers)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        """Any request; one that no function takes is 404, as the host has it."""
        found = route(method, path.partition("?")[0])
        if found is None:
            return Reply(404, {}, None, b"")
        name, parts = found
        request = func.HttpRequest(
            method=method,
            url=f"https://firewatch.example.com{path}",
            headers={k.replace("_", "-"): v for k, v in (headers or {}).items()},
            params={},
            route_params=parts,
            body=body,
        )
        answer = await trigger.function(self.app, name)(request)
        raw = answer.get_body()
        return Reply(
            status=answer.status_code,
            headers={
                "content-type": answer.mimetype,
                **{name.lower(): value for name, value in answer.headers.items()},
            },
            body=json.loads(raw) if raw else None,
            raw=raw,
        )


def route(method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """The name of the operation that takes such a request, and the parts of its route."""
    for name, (taken, where) in ROUTES.items():
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", f"/api/{where}")
        found = re.fullmatch(pattern, path)
        if found and taken == method:
            # A slash that was escaped stays so.
            parts = found.groupdict()
            kept = {k: _SLASH.sub("%252F", text) for k, text in parts.items()}
            return name, {k: unquote(text) for k, text in kept.items()}
    return None


def escaped(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="")
