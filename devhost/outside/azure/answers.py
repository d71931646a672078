"""How Azure's APIs refuse a request, and who may ask at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping


class Refused(Exception):
    """The request is answered with an error, and nothing was changed."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        super().__init__(f"{code}: {message}")

    def response(self, **more: Any) -> web.Response:  # noqa: ANN401  JSON
        """As Azure writes an error; ``more`` stands beside code and message."""
        error = {"code": self.code, "message": self.message, **more}
        return web.json_response(
            {"error": error}, status=self.status, headers=self.headers
        )


def demand_token(request: web.Request) -> None:
    """Refuse a request without a bearer token; any will do."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(401, "AuthenticationFailed", "no bearer token")


def demand_version(request: web.Request, served: str) -> None:
    """Refuse a request of another version than the one that is served here."""
    version = request.query.get("api-version")
    if version is None:
        raise Refused(400, "MissingApiVersionParameter", "no api-version")
    if version != served:
        # [unverified code]
        raise Refused(400, "InvalidApiVersionParameter", f"served here: {served}")


async def body_of(request: web.Request) -> dict[str, Any]:
    """The body, an object; empty where there is none."""
    raw = await request.read()
    if not raw:
        return {}
    try:
        found = json.loads(raw)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused(400, "InvalidRequestContent", "the body is no object of JSON")
    return found
