"""Keeps an incident of Microsoft Sentinel for each of ours (remote-apis-azure.md 16).

Needs the app's identity as Microsoft Sentinel Responder at the workspace. Names are made
of our own keys, so that what is sent again is the same incident and the same comment. A
PUT replaces an incident whole and goes by the etag in its body; one without an etag is
taken for a new one, and refused where it is there [unverified].
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from responders.base import Notifier, notices, told, url_problem
from responders.tickets import correlation, html, reference, signature
from responders.tickets.parts import Part, parts
from responders.tickets.sentinel_api import GUID, SentinelApi
from shared.model import resource
from shared.model.action import Action, Kind, Outcome, Verb
from shared.model.alert import Severity
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    SettingsError,
    TransientFailure,
)
from shared.model.incident import Classification, ClosingReason, IncidentStatus
from shared.model.permission import Api, Permission
from shared.model.text import cut, instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from responders.base import Ports
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident, Verdict

WORKSPACE = "microsoft.operationalinsights/workspaces"

# [unverified], all three; a comment may have 30,000.
TITLE_LIMIT = 150
DESCRIPTION_LIMIT = 2_000
COMMENT_LIMIT = 28_000

# Names made by us are of this namespace, and of no other's (RFC 9562, version 5).
NAMESPACE = uuid.UUID("6e6f7469-6365-4f66-a66f-726177617463")

_LABEL = re.compile(r"[^\x00-\x1f<>]{1,100}")
# What a PUT sends back of what was read; the rest is Sentinel's own to say.
_KEPT = (
    "title",
    "severity",
    "status",
    "description",
    "owner",
    "labels",
    "firstActivityTimeUtc",
    "lastActivityTimeUtc",
    "classification",
    "classificationReason",
    "classificationComment",
)
_SEVERITIES = {
    Severity.HIGH: "High",
    Severity.MEDIUM: "Medium",
    Severity.LOW: "Low",
    Severity.INFORMATIONAL: "Informational",
}
# The reason that goes with each, where whoever closed ours gave none.
_REASONS: Mapping[str, ClosingReason] = {
    Classification.TRUE_POSITIVE: ClosingReason.SUSPICIOUS_ACTIVITY,
    Classification.BENIGN_POSITIVE: ClosingReason.SUSPICIOUS_BUT_EXPECTED,
    Classification.FALSE_POSITIVE: ClosingReason.INACCURATE_DATA,
}
_FLAT = str.maketrans({"<": "\u2039", ">": "\u203a"})


class Sentinel(Notifier):
    """One workspace."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says.

        ``workspace`` is its id in Azure Resource Manager, which is at ``url``.
        ``progress`` and ``close`` say whether an incident there becomes active when ours
        is acknowledged, and is closed at its end. ``labels`` are put on new ones.
        """

        workspace: str
        url: str = "https://management.azure.com"
        progress: bool = True
        close: bool = False
        labels: tuple[str, ...] = ()

    kind = Kind.TICKET
    permissions: tuple[Permission, ...] = tuple(
        Permission(Api.ARM, f"Microsoft.SecurityInsights/incidents/{action}", on)
        for action, on in (
            ("read", "incidents of the workspace"),
            ("write", "the same"),
            ("comments/write", "the same"),
        )
    )

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        self._config = config
        if problems := [f"responders.{name}.{each}" for each in _problems(config)]:
            raise SettingsError(problems)
        self._api = SentinelApi(config.url, config.workspace, ports)

    async def plan(
        self,
        incident: Incident,
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  the core renders it
    ) -> Sequence[Action]:
        """The incident to open, and at the end of ours what it turned out to be."""
        is_closed = incident.status is IncidentStatus.CLOSED
        verdict = incident.verdict if is_closed else None
        return notices(
            incident,
            name=self.name,
            kind=self.kind,
            content=lambda _: {"closing": _closing(verdict)},
        )

    async def apply(self, action: Action) -> Outcome:
        """Make the incident, and write on it."""
        given = action.reference or _named(correlation(action))
        guid = reference(given, GUID)
        if action.verb is Verb.TRIGGER and not action.reference:
            await self._open(guid, action)
        if not await self._say(guid, action):
            # What was never opened needs no end, and can be told nothing.
            return Outcome()
        if changes := self._changes(action):
            await self._move(guid, changes)
        return Outcome(reference=guid)

    async def _open(self, guid: str, action: Action) -> None:
        """Make it, unless it is there: nobody else has its name."""
        content = {"properties": self._new(action)}
        if await self._api.put(guid, content) or await self._api.find(guid):
            return
        if not await self._api.put(guid, content):
            raise _raced()

    async def _say(self, guid: str, action: Action) -> bool:
        """Comment on it, once; whether it is there."""
        said = html.document([*parts(action, html.size, COMMENT_LIMIT), _key(action)])
        if await self._api.comment(guid, _named(action.key), said):
            return True
        if action.verb is Verb.TRIGGER:
            raise PermanentFailure(FailureReason.NOT_FOUND, "the incident is gone")
        return False

    async def _move(self, guid: str, changes: Mapping[str, str]) -> None:
        """Change its status as it is now; what people closed stays so."""
        found = await self._api.find(guid)
        known = (found or {}).get("properties")
        if not isinstance(known, dict) or known.get("status") == "Closed":
            return
        if all(known.get(name) == value for name, value in changes.items()):
            return
        kept = {name: known[name] for name in _KEPT if known.get(name) is not None}
        content = {"etag": (found or {}).get("etag"), "properties": {**kept, **changes}}
        if not await self._api.put(guid, content):
            # Somebody wrote at the same time: it is read again.
            raise _raced()

    def _new(self, action: Action) -> dict[str, Any]:
        message = told(action)
        labels = ("firewatch", correlation(action), *self._config.labels)
        return {
            "title": cut(_flat(message.headline), TITLE_LIMIT),
            "description": cut(
                _flat(f"{message.why}. {message.resource}"), DESCRIPTION_LIMIT
            ),
            "severity": _SEVERITIES[message.severity],
            "status": "New",
            "labels": [{"labelName": each} for each in labels],
            "firstActivityTimeUtc": instant(message.first_seen),
            "lastActivityTimeUtc": instant(message.last_seen),
        }

    def _changes(self, action: Action) -> dict[str, str]:
        """What becomes of the incident there by this notice."""
        match action.verb:
            case Verb.ACKNOWLEDGE if self._config.progress:
                return {"status": "Active"}
            case Verb.RESOLVE if self._config.close:
                closing = action.content.get("closing") or _closing(None)
                return {"status": "Closed", **closing}
            case _:
                return {}


def _closing(verdict: Verdict | None) -> dict[str, str]:
    """What an incident is closed as, in Sentinel's words."""
    said = verdict.classification if verdict else Classification.UNDETERMINED
    reason = (verdict.reason if verdict else None) or _REASONS.get(said)
    why = {"classificationReason": _word(reason)} if reason else {}
    return {"classification": _word(said), **why}


def _word(text: str) -> str:
    return "".join(part.capitalize() for part in text.split("_"))


def _raced() -> TransientFailure:
    return TransientFailure(FailureReason.CONFLICT, "the incident was just changed")


def _named(key: str) -> str:
    """The name of what is made by a key of ours: the same each time."""
    return str(uuid.uuid5(NAMESPACE, key))


def _key(action: Action) -> Part:
    return Part("line", f"{correlation(action)}; {signature(action)}")


def _flat(text: str) -> str:
    """The text without what would be a tag, wherever it is shown as HTML."""
    return text.translate(_FLAT)


def _problems(config: Sentinel.Config) -> Iterator[str]:
    if problem := url_problem(config.url):
        yield f"url {problem}"
    known = resource.whole_id(config.workspace)
    if known is None or resource.type_of(known) != WORKSPACE:
        yield "workspace: expected the id of a Log Analytics workspace"
    if not all(map(_LABEL.fullmatch, config.labels)):
        yield "labels: a label is one line of at most 100 characters, without < and >"
