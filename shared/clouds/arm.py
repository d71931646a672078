"""Azure Resource Manager: documents, questions, and Defender's alerts of subscriptions."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from shared.clouds.replies import origin_of
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from shared.model.http import Http, Reply

API_VERSION = "2022-01-01"
PERMISSION = "Microsoft.Security/alerts/read (role Security Reader)"

# Alerts are some kilobytes each; how many make a page is not documented.
LARGEST_PAGE = 16 * 1024 * 1024
MOST_PAGES = 200
LARGEST_DOCUMENT = 1024 * 1024

# The codes of errors are identifiers; whatever else stands there is not repeated.
_CODE = re.compile(r"[A-Za-z]{1,60}")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})")

_TRANSIENT = {
    408: FailureReason.TIMEOUT,
    429: FailureReason.RATE_LIMITED,
    502: FailureReason.UNAVAILABLE,
    503: FailureReason.UNAVAILABLE,
    504: FailureReason.TIMEOUT,
}
_DENIED = {
    401: FailureReason.AUTH,
    403: FailureReason.AUTH,
    404: FailureReason.NOT_FOUND,
}


class Arm:
    """Reads of Azure Resource Manager, under one URL and as one identity."""

    def __init__(
        self, url: str, *, http: Http, token: Callable[[str], Awaitable[str]]
    ) -> None:
        self._url = url
        self._http = http
        self._token = token
        self._origin = origin_of(url)
        self._scope = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}/.default"

    async def alerts(self, subscription: str) -> AsyncIterator[bytes]:
        """Each page of the subscription's alerts, whatever their status, as it came.

        Raises TransientFailure and PermanentFailure, also between two pages: a list
        that breaks off never looks like one that ended.
        """
        url = (
            f"{self._url}/subscriptions/{subscription}"
            f"/providers/Microsoft.Security/alerts?api-version={API_VERSION}"
        )
        for _ in range(MOST_PAGES):
            page = await self._page(url, subscription)
            following = _next_link(page, subscription)
            yield page
            if following is None:
                return
            # The token goes wherever the link leads.
            if origin_of(following) != self._origin:
                raise _invalid(subscription, "a next page on another host")
            url = following
        raise _invalid(subscription, f"more than {MOST_PAGES} pages")

    async def document(
        self, path: str, version: str, *, permission: str
    ) -> dict[str, Any]:
        """A document by its path, which begins with a slash.

        ``permission`` is what the identity needs for it. Raises TransientFailure and
        PermanentFailure.
        """
        url = f"{self._url}{path}?api-version={version}"
        return _object(await self._get(url, LARGEST_DOCUMENT), path, permission)

    async def ask(
        self, path: str, version: str, content: object, *, permission: str
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        """What comes of a POST that only asks, and the headers of the answer.

        Raises as ``document`` does.
        """
        reply = await self._http.send(
            "POST",
            f"{self._url}{path}?api-version={version}",
            headers={**await self._headers(), "content-type": "application/json"},
            body=json.dumps(content).encode(),
            most=LARGEST_DOCUMENT,
        )
        return _object(reply, path, permission), reply.headers

    async def _page(self, url: str, subscription: str) -> bytes:
        reply = await self._get(url, LARGEST_PAGE)
        if reply.status != 200:
            _raise(reply, f"subscription {subscription}", PERMISSION)
        return reply.body

    async def _get(self, url: str, most: int) -> Reply:
        return await self._http.get(url, headers=await self._headers(), most=most)

    async def _headers(self) -> dict[str, str]:
        token = await self._token(self._scope)
        return {"authorization": f"Bearer {token}", "accept": "application/json"}


def resets_after(headers: Mapping[str, str]) -> timedelta | None:
    """When Resource Graph has room again, as it says it: ``00:00:05``.

    (remote-apis-azure.md 0.4)
    """
    found = _CLOCK.fullmatch(headers.get("x-ms-user-quota-resets-after", "").strip())
    if found is None:
        return None
    hours, minutes, seconds = (int(part) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _object(reply: Reply, path: str, permission: str) -> dict[str, Any]:
    if reply.status != 200:
        _raise(reply, path, permission)
    try:
        found = json.loads(reply.body, parse_int=float)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise PermanentFailure(
            FailureReason.INVALID,
            f"{path}: Azure Resource Manager sent something else than an object",
        )
    return found


def _raise(reply: Reply, about: str, permission: str) -> NoReturn:
    side = f"{about}: Azure Resource Manager"
    said = f"{side} answered {reply.status}{_code(reply.body)}"
    if reply.status in _TRANSIENT or reply.status >= 500:
        raise TransientFailure(
            _TRANSIENT.get(reply.status, FailureReason.SERVER),
            said,
            retry_after=_seconds(reply.headers.get("retry-after", ""))
            or resets_after(reply.headers),
        )
    if reply.status in _DENIED:
        raise PermanentFailure(
            _DENIED[reply.status], f"{said}; whoever asks needs {permission}"
        )
    raise PermanentFailure(FailureReason.INVALID, said)


def _next_link(page: bytes, subscription: str) -> str | None:
    """Where the next page is; None after the last."""
    try:
        # Not msgspec: alerts may hold halves of characters, which it refuses. A huge
        # number in one must not hide the others either.
        found = json.loads(page, parse_int=float)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("value"), list):
        raise _invalid(subscription, "something else than a list")
    link = found.get("nextLink")
    return link if isinstance(link, str) and link else None


def _code(body: bytes) -> str:
    """The code of ARM's error, in brackets."""
    try:
        code = json.loads(body)["error"]["code"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return ""
    return f" ({code})" if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _seconds(text: str) -> timedelta | None:
    """ARM's Retry-After is whole seconds."""
    if not (text.isascii() and text.isdigit()):
        return None
    return timedelta(seconds=int(text[:6]))


def _invalid(subscription: str, what: str) -> PermanentFailure:
    return PermanentFailure(
        FailureReason.INVALID,
        f"subscription {subscription}: Azure Resource Manager listed {what}",
    )
