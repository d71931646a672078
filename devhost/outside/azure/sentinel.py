"""Incidents of Sentinel, and what is written on them.

(remote-apis-azure.md 16)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devhost.outside.azure.answers import Refused
from devhost.outside.azure.kinds import (
    Asked,
    Change,
    How,
    Kind,
    Readable,
    bad,
    properties_of,
)
from devhost.outside.azure.resources import name_of, parent_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devhost.outside.azure.resources import Document

VERSION = "2024-03-01"
LONGEST_MESSAGE = 30_000  # [unverified]

_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_ENUMS = {
    "severity": ("High", "Medium", "Low", "Informational"),
    "status": ("New", "Active", "Closed"),
}


class Incident(Kind):
    """An incident. A PUT replaces it whole, and goes by the etag in its body."""

    type = "Microsoft.SecurityInsights/incidents"
    version = VERSION

    def put(self, asked: Asked) -> Change:
        _demand_name(asked)
        given = properties_of(asked.body)
        if not isinstance(given.get("title"), str) or not given["title"]:
            raise bad("title is missing")
        for name, words in _ENUMS.items():
            if given.get(name) not in words:
                raise bad(f"{name} is none of {', '.join(words)}")
        old = asked.old
        if old is not None and asked.body.get("etag") != old["etag"]:
            raise Refused(
                409, "Conflict", "Newer version of resource exists. Data was not saved"
            )
        now = f"{asked.now:%Y-%m-%dT%H:%M:%SZ}"
        made = {} if old is None else old["properties"]
        properties = {
            **given,
            "createdTimeUtc": made.get("createdTimeUtc", now),
            "lastModifiedTimeUtc": now,
            "incidentNumber": made.get("incidentNumber", _number(asked)),
        }
        document = _document(asked, self.type, properties)
        return Change(document, How.AT_ONCE, 201 if old is None else 200)

    def delete(self, asked: Asked) -> Change:  # noqa: ARG002  all are alike
        return Change(None, How.AT_ONCE, 200)


class Part(Kind):
    """What hangs on an incident; the same name again is the same one, written anew."""

    version = VERSION

    def __init__(
        self, name: str, problem_of: Callable[[Mapping[str, object]], str]
    ) -> None:
        self.type = f"{Incident.type}/{name}"
        self._problem_of = problem_of

    def put(self, asked: Asked) -> Change:
        _demand_name(asked)
        if asked.resources.find(parent_of(asked.id)) is None:
            raise Refused(404, "NotFound", "the incident is not there")
        given = properties_of(asked.body)
        problem = self._problem_of(given)
        if problem:
            raise bad(problem)
        document = _document(asked, self.type, given)
        return Change(document, How.AT_ONCE, 201 if asked.old is None else 200)

    def delete(self, asked: Asked) -> Change:  # noqa: ARG002  all are alike
        return Change(None, How.AT_ONCE, 200)


def _problem_of_comment(given: Mapping[str, object]) -> str:
    """It is rendered as HTML; whoever writes it escapes."""
    message = given.get("message")
    if not isinstance(message, str) or not 0 < len(message) <= LONGEST_MESSAGE:
        return f"message is no text of at most {LONGEST_MESSAGE} characters"
    return ""


def _problem_of_task(given: Mapping[str, object]) -> str:
    if not isinstance(given.get("title"), str):
        return "title is missing"
    is_known = given.get("status") in {"New", "Completed"}
    return "" if is_known else "status is neither New nor Completed"


PARTS = (
    Part("comments", _problem_of_comment),
    Part("tasks", _problem_of_task),
    # Rules are here to be read; the version is [unverified].
    Readable("Microsoft.SecurityInsights/alertRules", VERSION),
)


def _demand_name(asked: Asked) -> None:
    if not _GUID.fullmatch(name_of(asked.id)):
        raise bad("the name is no GUID", "BadRequest")


def _number(asked: Asked) -> int:
    return 1 + sum(1 for _ in asked.resources.of_type(Incident.type))


def _document(asked: Asked, kind: str, properties: Document) -> Document:
    name = name_of(asked.id)
    return {"id": asked.id, "name": name, "type": kind, "properties": properties}
