"""How senders ask whether this address wants their events, before they send any.

Event Grid posts a validation event, CloudEvents asks with OPTIONS ("HTTP 1.1 Web Hooks
for Event Delivery", 4). Both are answered to authenticated senders only, and only over
HTTP (review F13). Nothing here fetches an address that a request names: neither
validationUrl nor WebHook-Request-Callback.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from shared.triggers.answer import Answer, problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

EVENT_GRID = "event-grid"
CLOUD_EVENTS = "cloud-events"

EVENT_TYPE_HEADER = "aeg-event-type"
VALIDATION = "SubscriptionValidation"
VALIDATION_EVENT = "Microsoft.EventGrid.SubscriptionValidationEvent"

ORIGIN_HEADER = "webhook-request-origin"
RATE_HEADER = "webhook-request-rate"

# Of the rate only: the specification wants one in every grant (4.2.2).
NO_LIMIT = "*"

# A GUID in every sample; it goes back into an answer, so it is held to that alphabet.
_CODE = re.compile(r"[0-9A-Za-z-]{1,128}")
_LABEL = r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
_ORIGIN = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+(?=[A-Za-z]){_LABEL}")
_RATE = re.compile(r"[1-9][0-9]{0,8}")

_OPTIONS_ALLOW = {"allow": "OPTIONS, POST"}
_POST_ALLOW = {"allow": "POST"}


def answer(
    *, method: str, headers: Mapping[str, str], body: bytes, formats: Collection[str]
) -> Answer | None:
    """The answer to a handshake; None where the request brings alerts.

    Its sender is authenticated and may send ``formats``; header names are in lower
    case.
    """
    if method == "OPTIONS":
        return _permission(headers, formats)
    if method != "POST":
        return Answer(HTTPStatus.METHOD_NOT_ALLOWED, headers=_OPTIONS_ALLOW)
    if headers.get(EVENT_TYPE_HEADER, "").strip().lower() == VALIDATION.lower():
        return _validation(body, formats)
    return None


def _permission(headers: Mapping[str, str], formats: Collection[str]) -> Answer:
    """Grant the origin that asks, never every origin, as often as it asks."""
    if CLOUD_EVENTS not in formats:
        return Answer(HTTPStatus.METHOD_NOT_ALLOWED, headers=_POST_ALLOW)
    origin = headers.get(ORIGIN_HEADER, "").strip()
    if not _ORIGIN.fullmatch(origin):
        return _bad(ORIGIN_HEADER, "expected a DNS name")
    rate = headers[RATE_HEADER].strip() if RATE_HEADER in headers else NO_LIMIT
    if rate != NO_LIMIT and not _RATE.fullmatch(rate):
        return _bad(RATE_HEADER, "expected requests per minute, 1 or more")
    granted = {"webhook-allowed-origin": origin, "webhook-allowed-rate": rate}
    return Answer(HTTPStatus.OK, headers={**_OPTIONS_ALLOW, **granted})


def _validation(body: bytes, formats: Collection[str]) -> Answer:
    """Give the code back; Event Grid takes 200 alone, not 202."""
    if EVENT_GRID not in formats:
        return _bad("$", f"this sender may not send {EVENT_GRID} units")
    try:
        events = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return _bad("$", "not JSON")
    if not isinstance(events, list) or len(events) != 1:
        return _bad("$", "expected a list of exactly one event")
    event = events[0] if isinstance(events[0], dict) else {}
    if event.get("eventType") != VALIDATION_EVENT:
        return _bad("$[0].eventType", f"expected {VALIDATION_EVENT}")
    data = event.get("data")
    code = data.get("validationCode") if isinstance(data, dict) else None
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return _bad("$[0].data.validationCode", "expected letters, digits and hyphens")
    return Answer(HTTPStatus.OK, {"validationResponse": code})


def _bad(path: str, text: str) -> Answer:
    return Answer(HTTPStatus.BAD_REQUEST, problem(path, text))
