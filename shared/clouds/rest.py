"""Azure's remote APIs over HTTP: Resource Manager, Graph, Defender for Endpoint, vaults.

What takes long, and what an error means: remote-apis-azure.md 0.3, 0.4 and 0.5.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from shared.model.errors import (
    ActionRefused,
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.rest import (
    ENDED_BADLY,
    SUCCEEDED,
    USUAL_WAIT,
    Document,
    Done,
    Pending,
    is_settled,
    provisioning_state,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.model.http import Http, Reply

LARGEST_DOCUMENT = 1024 * 1024
# What Azure says that one must be able to take.
LONGEST_POLL_URL = 4096
SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(hours=1)

MOST_PAGES = 50

# The target is busy, or has just been changed by somebody else: it is read anew, and
# tried again. [unverified names; each was seen in what other people's programs catch]
_BUSY = frozenset(
    {
        "AnotherOperationInProgress",
        "CanceledAndSupersededDueToAnotherOperation",
        "Conflict",
        "OperationNotAllowed",
        "ReferencedResourceNotProvisioned",
        "RetryableError",
        "RetryableErrorDueToAnotherOperation",
        "SecurityRuleConflict",
    }
)
# [unverified name, likewise]
_LOCKED = "ScopeLocked"
# A subscription that the identity does not see looks as if nothing were in it.
_UNSEEN = frozenset({"SubscriptionNotFound", "InvalidSubscriptionId"})

_REASONS = {
    401: FailureReason.AUTH,
    403: FailureReason.AUTH,
    404: FailureReason.NOT_FOUND,
    408: FailureReason.TIMEOUT,
    409: FailureReason.CONFLICT,
    410: FailureReason.NOT_FOUND,
    412: FailureReason.CONFLICT,
    429: FailureReason.RATE_LIMITED,
    502: FailureReason.UNAVAILABLE,
    503: FailureReason.UNAVAILABLE,
    504: FailureReason.TIMEOUT,
}
_TRANSIENT = frozenset({408, 412, 429})

_PORTS = {"https": 443, "http": 80}
# The codes of errors are identifiers; whatever else stands there is not repeated.
_CODE = re.compile(r"[A-Za-z_]{1,60}")
# Ids come from alerts: none may lead to another resource than it looks like.
_UNSAFE_PATH = re.compile(
    r"[^!-~]|[#\\]|//|%2f|%5c|/(?:\.|%2e){1,2}(?:[/?]|$)", re.IGNORECASE
)


class RestClient:
    """``shared.model.rest.Rest`` over the app's HTTP client.

    ``side`` names the API in messages, ``url`` has no slash at its end. ``audience`` is
    whom tokens are for, where that is not the URL's own host; on this machine it is
    always the URL's, so that no stand-in is shown a token of the app.
    """

    def __init__(
        self,
        side: str,
        url: str,
        *,
        http: Http,
        token: Callable[[str], Awaitable[str]],
        audience: str = "",
    ) -> None:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        self._side = side
        self._url = url
        self._origin = _origin(url)
        self._http = http
        self._token = token
        is_local = parts.scheme == "http"
        self._scope = f"{origin if is_local or not audience else audience}/.default"

    async def read(self, path: str, *, permission: str = "") -> Document:
        found = await self.find(path, permission=permission)
        if found is None:
            raise PermanentFailure(
                FailureReason.NOT_FOUND,
                f"{_about(path)}: {self._side} has no such thing",
            )
        return found

    async def find(self, path: str, *, permission: str = "") -> Document | None:
        reply = await self._send("GET", self._at(path))
        if _is_absent(reply):
            return None
        self._check(reply, f"GET {_about(path)}", permission)
        content = self._object(reply, path)
        etag = reply.headers.get("etag", "") or content.get("etag")
        return Document(content=content, etag=etag if isinstance(etag, str) else "")

    async def list_all(
        self, path: str, *, permission: str = ""
    ) -> list[dict[str, Any]]:
        url, about = self._at(path), _about(path)
        found: list[dict[str, Any]] = []
        for _ in range(MOST_PAGES):
            reply = await self._send("GET", url)
            self._check(reply, f"GET {about}", permission)
            content = self._object(reply, path)
            listed = content.get("value")
            if not isinstance(listed, list):
                raise self._invalid(about, "came as something else than a list")
            found += [each for each in listed if isinstance(each, dict)]
            following = content.get("nextLink") or content.get("@odata.nextLink")
            if not following:
                return found
            # The token goes wherever the link leads.
            if not isinstance(following, str) or _origin(following) != self._origin:
                raise self._invalid(about, "goes on at another host")
            url = following
        raise self._invalid(about, f"has more than {MOST_PAGES} pages")

    async def change(
        self,
        method: str,
        path: str,
        content: object = None,
        *,
        if_match: str = "",
        permission: str = "",
    ) -> Done | Pending:
        reply = await self._send(method, self._at(path), content, if_match)
        if method == "DELETE" and _is_absent(reply):
            return Done()
        self._check(reply, f"{method} {_about(path)}", permission)
        return self._outcome(reply)

    async def look(self, pending: Pending, *, permission: str = "") -> Done | Pending:
        if not pending.poll:
            return Done()
        # The token goes wherever the URL leads.
        if _origin(pending.poll) != self._origin:
            raise self._invalid("an operation", "lies on another host")
        reply = await self._send("GET", pending.poll)
        if reply.status in {404, 410}:
            return Done()
        self._check(reply, "GET of an operation", permission)
        if pending.is_location:
            return self._outcome(reply) if reply.status == 202 else _done(reply)
        content = self._object(reply, "an operation")
        status = content.get("status")
        if status == SUCCEEDED:
            return Done(content=content)
        if status in ENDED_BADLY:
            self._raise_ended(str(status), _code(content))
        return Pending(poll=pending.poll, retry_after=_wait(reply))

    async def _send(
        self, method: str, url: str, content: object = None, if_match: str = ""
    ) -> Reply:
        token = await self._token(self._scope)
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        if method == "GET":
            return await self._http.get(url, headers=headers, most=LARGEST_DOCUMENT)
        if if_match:
            headers["if-match"] = if_match
        body = b""
        if content is not None:
            headers["content-type"] = "application/json"
            body = json.dumps(content, allow_nan=False).encode()
        return await self._http.send(
            method, url, headers=headers, body=body, most=LARGEST_DOCUMENT
        )

    def _at(self, path: str) -> str:
        if not path.startswith("/") or _UNSAFE_PATH.search(path):
            raise PermanentFailure(
                FailureReason.INVALID, f"{self._side}: the path is not a safe one"
            )
        return f"{self._url}{path}"

    def _outcome(self, reply: Reply) -> Done | Pending:
        """Whether it is done, by the headers and by the state of what came back."""
        content = _parsed(reply) or {}
        is_over = is_settled(content)
        operation = reply.headers.get("azure-asyncoperation", "")
        is_told = reply.status == 200 and provisioning_state(content) is not None
        if operation and not (is_told and is_over):
            return self._pending(reply, operation)
        if reply.status == 202 or not is_over:
            location = reply.headers.get("location", "")
            return self._pending(reply, location, is_location=bool(location))
        return Done(content=content)

    def _pending(self, reply: Reply, url: str, *, is_location: bool = False) -> Pending:
        # One that is too long, or on another host, is none: the resource tells as well.
        if len(url) > LONGEST_POLL_URL or _origin(url) != self._origin:
            url, is_location = "", False
        return Pending(poll=url, is_location=is_location, retry_after=_wait(reply))

    def _check(self, reply: Reply, about: str, permission: str) -> None:
        """Return for a success; raise what any other status means."""
        if 200 <= reply.status < 300:
            return
        code = _code(_parsed(reply))
        named = f" ({code})" if code else ""
        said = f"{about}: {self._side} answered {reply.status}{named}"
        reason = _reason(reply.status)
        if code == _LOCKED:
            raise ActionRefused(f"{said}: a lock keeps it as it is")
        if code in _BUSY:
            raise TransientFailure(
                FailureReason.CONFLICT, said, retry_after=_asked(reply)
            )
        if reply.status in _TRANSIENT or reply.status >= 500:
            raise TransientFailure(reason, said, retry_after=_asked(reply))
        if reason is FailureReason.AUTH and permission:
            said = f"{said}; the app's identity needs {permission}"
        raise PermanentFailure(reason, said)

    def _raise_ended(self, status: str, code: str) -> NoReturn:
        said = f"{self._side}: what was begun ended as {status}"
        said = f"{said} ({code})" if code else said
        if code in _BUSY:
            raise TransientFailure(FailureReason.CONFLICT, said)
        raise PermanentFailure(FailureReason.SERVER, said)

    def _object(self, reply: Reply, about: str) -> dict[str, Any]:
        found = _parsed(reply)
        if found is None:
            raise self._invalid(_about(about), "came as something else than an object")
        return found

    def _invalid(self, about: str, what: str) -> PermanentFailure:
        return PermanentFailure(
            FailureReason.INVALID, f"{about}: {what}, from {self._side}"
        )


def _reason(status: int) -> FailureReason:
    other = FailureReason.SERVER if status >= 500 else FailureReason.INVALID
    return _REASONS.get(status, other)


def _done(reply: Reply) -> Done:
    return Done(content=_parsed(reply) or {})


def _is_absent(reply: Reply) -> bool:
    return reply.status == 404 and _code(_parsed(reply)) not in _UNSEEN


def _parsed(reply: Reply) -> dict[str, Any] | None:
    """The body as an object; None where it is none."""
    try:
        found = json.loads(reply.body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _no_number(_: str) -> NoReturn:
    raise ValueError("no number of JSON's")


def _code(content: dict[str, Any] | None) -> str:
    """The code of an error; empty where there is none that can be repeated."""
    error = (content or {}).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _about(path: str) -> str:
    """A path without its query."""
    return path.partition("?")[0]


def _wait(reply: Reply) -> timedelta:
    return _asked(reply) or USUAL_WAIT


def _asked(reply: Reply) -> timedelta | None:
    """What Retry-After asks for, in whole seconds and within bounds."""
    text = reply.headers.get("retry-after", "").strip()
    if not (text.isascii() and text.isdigit()):
        return None
    return min(max(timedelta(seconds=int(text[:9])), SHORTEST_WAIT), LONGEST_WAIT)


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; nothing where it is no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "", "", None
    return parts.scheme, parts.hostname or "", port
