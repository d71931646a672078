"""The API as a WSGI application, for programs that test such."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.fakes.api import Api


class Wsgi:
    """Answers each request in this thread, on one loop."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.runner = asyncio.Runner()

    def __call__(
        self, environ: dict[str, Any], start: Callable[..., Any]
    ) -> Iterable[bytes]:
        """The application."""
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        length = int(environ.get("CONTENT_LENGTH") or 0)
        # REQUEST_URI has the path as it was sent, and not always the query.
        path = environ["REQUEST_URI"].partition("?")[0]
        if query := environ.get("QUERY_STRING"):
            path = f"{path}?{query}"
        reply = self.runner.run(
            self.api.ask(
                environ["REQUEST_METHOD"],
                path,
                headers=headers,
                body=environ["wsgi.input"].read(length),
            )
        )
        status = HTTPStatus(reply.status)
        start(f"{status.value} {status.phrase}", [*reply.headers.items()])
        return [reply.raw]
