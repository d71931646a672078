"""Log Analytics, by its SDK: one query, once, to one answer or one reason."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime, timedelta
from http import HTTPStatus
from math import ceil
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.model.errors import LogsUnavailable, PermanentFailure, TransientFailure
from shared.model.evidence import Lack
from shared.model.logs import TOGETHER, Answer, is_resource
from shared.model.text import instant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

PERMISSION = (
    "Microsoft.OperationalInsights/workspaces/query/*/read (role Log Analytics Reader)"
)

# The workspace's own limit is given in whole seconds, and ends at ten minutes.
LONGEST_WAIT_S = 600

# One try: when to try again is decided by whoever keeps the deadline. Redirects could
# take the token along.
_ONCE: dict[str, Any] = {"retry_total": 0, "permit_redirects": False}

# What Kusto says where a table was expected. A column that is not there is a `scalar
# expression` or a `column` alone.
_NO_TABLE = re.compile(
    r"Failed to resolve table(?: or column)?(?: or scalar)? expression"
    r" named '(?P<name>[A-Za-z_][A-Za-z0-9_]{0,99})'"
)

_LACKS: Mapping[int, Lack] = {
    HTTPStatus.BAD_REQUEST: Lack.BAD_QUERY,
    HTTPStatus.UNAUTHORIZED: Lack.FORBIDDEN,
    HTTPStatus.FORBIDDEN: Lack.FORBIDDEN,
    HTTPStatus.NOT_FOUND: Lack.NO_WORKSPACE,
    HTTPStatus.REQUEST_TIMEOUT: Lack.TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS: Lack.THROTTLED,
    HTTPStatus.GATEWAY_TIMEOUT: Lack.TIMEOUT,
}


class LogAnalytics:
    """``shared.model.logs.Logs`` by azure-monitor-query; opened at first use.

    ``url`` is the service's own address in each cloud, ``token`` gives a bearer token
    for a scope of it.
    """

    def __init__(self, url: str, *, token: Callable[[str], Awaitable[str]]) -> None:
        self._url = url
        self._token = token
        parts = urlsplit(url)
        self._scope = f"{parts.scheme}://{parts.netloc}/.default"
        self._client: Any = None

    async def query(
        self,
        workspace: str,
        kql: str,
        *,
        since: datetime,
        until: datetime,
        within: timedelta,
    ) -> Answer:
        # Imported here: it takes a third of a second that only this road pays.
        from azure.core.exceptions import (  # noqa: PLC0415
            AzureError,
            ServiceRequestTimeoutError,
            ServiceResponseTimeoutError,
        )

        seen = _Seen()
        seconds = within.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                found = await self._asked(
                    workspace,
                    kql,
                    timespan=(since, until),
                    server_timeout=min(LONGEST_WAIT_S, max(1, ceil(seconds))),
                    raw_response_hook=seen,
                    **_ONCE,
                )
                return _answer(found)
        except (
            TimeoutError,
            ServiceRequestTimeoutError,
            ServiceResponseTimeoutError,
        ) as error:
            raise LogsUnavailable(Lack.TIMEOUT) from error
        except PermanentFailure as error:
            raise LogsUnavailable(Lack.FORBIDDEN, str(error)) from error
        except TransientFailure as error:
            raise LogsUnavailable(Lack.UNREACHABLE, str(error)) from error
        except (
            AzureError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
        ) as error:
            # The SDK takes every body for the JSON that it should be, those of errors
            # and of "no content" too, and fails over others in ways of Python's own.
            if seen.status == HTTPStatus.NO_CONTENT:
                return Answer(columns=(), rows=())
            raise _unavailable(seen, error) from error

    async def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _asked(self, workspace: str, kql: str, **options: Any) -> Any:  # noqa: ANN401
        client = self._opened()
        if is_resource(workspace):
            return await client.query_resource(workspace, kql, **options)
        first, *others = workspace.split(TOGETHER)
        return await client.query_workspace(
            first, kql, additional_workspaces=others or None, **options
        )

    def _opened(self) -> Any:  # noqa: ANN401  clients are only known once imported
        if self._client is None:
            from azure.monitor.query.aio import LogsQueryClient  # noqa: PLC0415

            self._client = LogsQueryClient(
                # Never asked: the policy below is.
                _Nobody(),  # type: ignore[arg-type]
                endpoint=self._url,
                authentication_policy=_bearer(self._scope, self._token),
            )
        return self._client


class _Nobody:
    """A credential in name."""


class _Seen:
    """What the other side answered, whatever the SDK made of it."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.body = b""

    def __call__(self, response: Any) -> None:  # noqa: ANN401  the SDK's
        self.status = response.http_response.status_code
        self.headers = response.http_response.headers
        if self.status != HTTPStatus.OK:
            self.body = response.http_response.body()


def _bearer(scope: str, token: Callable[[str], Awaitable[str]]) -> Any:  # noqa: ANN401
    """A policy of the SDK's pipeline that signs each request.

    The SDK's own refuses plain http, which is how a stand-in on this machine is spoken
    to; the settings take that for no other.
    """
    from azure.core.pipeline.policies import AsyncHTTPPolicy  # noqa: PLC0415

    class Bearer(AsyncHTTPPolicy[Any, Any]):
        async def send(self, request: Any) -> Any:  # noqa: ANN401
            value = await token(scope)
            request.http_request.headers["Authorization"] = f"Bearer {value}"
            return await self.next.send(request)

    return Bearer()


def _answer(found: Any) -> Answer:  # noqa: ANN401
    """The first table of a result of the SDK, its cells as texts."""
    tables = getattr(found, "tables", None) or getattr(found, "partial_data", None)
    is_partial = bool(getattr(found, "partial_error", None))
    if not tables:
        return Answer(columns=(), rows=(), is_partial=is_partial)
    first = tables[0]
    return Answer(
        columns=tuple(str(name) for name in first.columns),
        rows=tuple(tuple(_text(cell) for cell in row) for row in first.rows),
        is_partial=is_partial,
    )


def _text(cell: object) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return str(cell).lower()
        case datetime():
            return instant(cell)
        case str():
            return cell
        case dict() | list():
            return json.dumps(cell)
        case _:
            return str(cell)


def _unavailable(seen: _Seen, error: Exception) -> LogsUnavailable:
    """Why there is no answer, by its status; without one nobody answered."""
    if not seen.status:
        return LogsUnavailable(Lack.UNREACHABLE, type(error).__name__)
    said = _said(seen.body)
    lack = _LACKS.get(seen.status, Lack.UNREACHABLE)
    if lack is Lack.FORBIDDEN:
        said = f"{said}; whoever asks needs {PERMISSION}"
    missing = _NO_TABLE.search(said) if lack is Lack.BAD_QUERY else None
    return LogsUnavailable(
        Lack.MISSING_TABLE if missing else lack,
        f"answered {seen.status}: {said}",
        retry_after=_seconds(seen.headers.get("Retry-After", "")),
        table=missing["name"] if missing else "",
    )


def _said(body: bytes) -> str:
    """The messages of an error, from the outermost to the innermost."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return "no reason"
    said: list[str] = []
    while isinstance(error, dict) and len(said) < 8:
        said += [str(error.get("message") or error.get("code") or "")]
        error = error.get("innererror")
    return ": ".join(each[:1_000] for each in said if each) or "no reason"


def _seconds(text: str) -> timedelta | None:
    """Retry-After in whole seconds, as this service gives it."""
    if not (text.isascii() and text.isdigit()):
        return None
    return timedelta(seconds=int(text[:6]))
