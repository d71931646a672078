"""Indicators of Defender for Endpoint: what machines are to stop, or to let pass.

(remote-apis-azure.md 14c)
"""

from __future__ import annotations

import itertools
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from devhost.outside.azure.answers import Refused
from devhost.outside.azure.upsets import Way

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devhost.outside.azure.odata import Filter
    from devhost.outside.azure.upsets import Upsets

FIELDS = frozenset(
    {
        "indicatorValue",
        "indicatorType",
        "creationTimeDateTimeUtc",
        "createdBy",
        "severity",
        "action",
    }
)
MOST = 15_000
DIGITS = {
    "FileSha1": 40,
    "FileSha256": 64,
    "FileMd5": 32,
    "CertificateThumbprint": 40,
}
TYPES = (*DIGITS, "IpAddress", "DomainName", "Url")
ACTIONS = ("Audit", "Warn", "Block", "BlockAndRemediate", "Allowed")
SEVERITIES = ("Informational", "Low", "Medium", "High")


class Indicators:
    """The indicators of a tenant; one of a type and value is written over."""

    def __init__(
        self, clock: Callable[[], datetime], upsets: Upsets, *, side: str
    ) -> None:
        self._clock = clock
        self._upsets = upsets
        self._side = side
        self._unseen = 0
        self.changes = 0
        self._numbers = itertools.count(1)
        self._known: dict[tuple[str, str], dict[str, Any]] = {}

    def put(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make one, or write over whoever's has the same type and value."""
        problem = _problem(body)
        if problem:
            raise Refused(400, "InvalidInput", problem)
        key = (body["indicatorType"], body["indicatorValue"].lower())
        known = self._known.get(key)
        if known is None and len(self._active()) >= MOST:
            raise Refused(400, "MaximumIndicatorsReached", "too many")  # [unverified]
        made = {
            "id": known["id"] if known else str(next(self._numbers)),
            **body,
            "createdBy": known["createdBy"] if known else "firewatch",
            "creationTimeDateTimeUtc": f"{self._clock():%Y-%m-%dT%H:%M:%S}Z",
        }
        self.changes += 1
        upset = self._upsets.next(self._side, "POST", "/indicators")
        way = upset.way if upset else None
        if way is Way.FAILS:
            raise Refused(500, "InternalServerError", "upset on request")
        if way is not Way.IS_LOST:
            self._known[key] = made
        self._unseen = upset.reads if upset and way is Way.IS_STALE else 0
        return made

    def delete(self, indicator: str) -> None:
        """Take one away."""
        for key, each in self._active().items():
            if each["id"] == indicator:
                self.changes += 1
                del self._known[key]
                return
        raise Refused(404, "ResourceNotFound", "no such indicator")

    def listed(self, wanted: Filter) -> list[dict[str, Any]]:
        """Those that are in force and that a filter lets through."""
        if self._unseen:
            self._unseen -= 1
            return []
        return [each for each in self._active().values() if wanted(each)]

    def state(self) -> dict[str, Any]:
        """What each does, but for its number and its times: for a comparison."""
        own = {"id", "creationTimeDateTimeUtc"}
        return {
            " ".join(key): {k: v for k, v in each.items() if k not in own}
            for key, each in self._active().items()
        }

    def _active(self) -> dict[tuple[str, str], dict[str, Any]]:
        now = self._clock()
        return {
            key: each
            for key, each in self._known.items()
            if not each.get("expirationTime")
            or datetime.fromisoformat(each["expirationTime"]) > now
        }


def _problem(body: Mapping[str, Any]) -> str:
    for name in ("indicatorValue", "title", "description"):
        if not isinstance(body.get(name), str) or not body[name]:
            return f"{name} is missing"
    for name, words in (
        ("indicatorType", TYPES),
        ("action", ACTIONS),
        ("severity", SEVERITIES),
    ):
        if body.get(name, "High" if name == "severity" else None) not in words:
            return f"{name} is none of {', '.join(words)}"
    if body["action"] == "Audit" and body.get("generateAlert") is not True:
        return "what only audits generates alerts"
    return _problem_of_time(body) or _problem_of_value(
        body["indicatorType"], body["indicatorValue"]
    )


def _problem_of_time(body: Mapping[str, Any]) -> str:
    if body.get("expirationTime") is None:
        return ""
    try:
        at = datetime.fromisoformat(body["expirationTime"])
    except (TypeError, ValueError):
        return "expirationTime is no time"
    return "" if at.tzinfo else "expirationTime has no zone"


def _problem_of_value(kind: str, value: str) -> str:
    if kind in DIGITS:
        is_hash = len(value) == DIGITS[kind] and set(value.lower()) <= {
            *"0123456789abcdef"
        }
        return "" if is_hash else f"the value is no {kind}"
    if kind == "IpAddress":
        try:
            ip_address(value)
        except ValueError:
            # Networks are not taken.
            return "the value is no single address"
    return ""
