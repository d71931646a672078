"""What Azure's APIs answer: documents, codes, and how long to wait.

What an error means: remote-apis-azure.md 0.4 and 0.5.
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
from shared.model.rest import USUAL_WAIT

if TYPE_CHECKING:
    from shared.model.http import Reply

SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(hours=1)


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
        "PendingCopyOperation",
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


# Ids come from alerts: none may lead to another resource than it looks like. What stands
# in a query leads nowhere.
_UNSAFE = re.compile(r"[^!-~]|[#\\]")
_UNSAFE_PATH = re.compile(r"//|%2f|%5c|/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)


def is_safe(path: str) -> bool:
    """Whether a path leads to what it looks like, whoever wrote the names in it."""
    place = path.partition("?")[0]
    is_unsafe = _UNSAFE.search(path) or _UNSAFE_PATH.search(place)
    return path.startswith("/") and not is_unsafe


def check(reply: Reply, about: str, permission: str = "") -> None:
    """Return for a success; raise what any other status means.

    ``about`` says who was asked for what. Nothing of the answer is repeated but a code.
    Raises TransientFailure, PermanentFailure and, for a lock, ActionRefused.
    """
    if 200 <= reply.status < 300:
        return
    code = code_in(reply)
    named = f" ({code})" if code else ""
    said = f"{about} answered {reply.status}{named}"
    reason = _reason(reply.status)
    if code == _LOCKED:
        raise ActionRefused(f"{said}: a lock keeps it as it is")
    if code in _BUSY:
        raise TransientFailure(
            FailureReason.CONFLICT, said, retry_after=retry_after(reply)
        )
    if reply.status in _TRANSIENT or reply.status >= 500:
        raise TransientFailure(reason, said, retry_after=retry_after(reply))
    if reason is FailureReason.AUTH and permission:
        said = f"{said}; whoever asks needs {permission}"
    raise PermanentFailure(reason, said)


def ended(side: str, status: str, code: str) -> TransientFailure | PermanentFailure:
    """What an operation that ended badly means: what was overtaken passes."""
    said = f"{side}: what was begun ended as {status}"
    said = f"{said} ({code})" if code else said
    if code in _BUSY:
        return TransientFailure(FailureReason.CONFLICT, said)
    return PermanentFailure(FailureReason.SERVER, said)


def _reason(status: int) -> FailureReason:
    other = FailureReason.SERVER if status >= 500 else FailureReason.INVALID
    return _REASONS.get(status, other)


def is_absent(reply: Reply) -> bool:
    """Whether what was asked for is not there, for all that the identity may see."""
    return reply.status == 404 and code_of(parsed(reply)) not in _UNSEEN


def parsed(reply: Reply) -> dict[str, Any] | None:
    """The body as an object; None where it is none."""
    try:
        found = json.loads(reply.body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _no_number(_: str) -> NoReturn:
    raise ValueError("no number of JSON's")


def code_of(content: dict[str, Any] | None) -> str:
    """The code of an error; empty where there is none that can be repeated."""
    error = (content or {}).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def code_in(reply: Reply) -> str:
    """The code of an answer's error; storage says it in a header."""
    said = reply.headers.get("x-ms-error-code", "")
    return code_of(parsed(reply)) or (said if _CODE.fullmatch(said) else "")


def wait_of(reply: Reply) -> timedelta:
    """When to look again, whether or not it says so."""
    return retry_after(reply) or USUAL_WAIT


def retry_after(reply: Reply) -> timedelta | None:
    """What Retry-After asks for, in whole seconds and within bounds."""
    text = reply.headers.get("retry-after", "").strip()
    if not (text.isascii() and text.isdigit()):
        return None
    return min(max(timedelta(seconds=int(text[:9])), SHORTEST_WAIT), LONGEST_WAIT)


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; nothing where it is no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "", "", None
    return parts.scheme, parts.hostname or "", port
