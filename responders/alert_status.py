"""Gives Defender for Cloud's alerts the status that their incident has here.

(remote-apis-azure.md 15a.) Only forward, from a status that nobody has set since: what
people resolved or dismissed there stays so. An incident that ended by itself says nothing
about its alerts; a person who ended it does.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from responders.base import Notifier, notices, url_problem
from responders.sides.arm import at
from responders.sides.manager import URL, Manager
from shared.model.action import Action, Kind, Outcome, Verb
from shared.model.errors import SettingsError
from shared.model.incident import QUIET, SOURCE, Classification, IncidentStatus
from shared.model.permission import Api, Permission
from shared.model.places import places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident

# The export's format, and what Resource Manager lists: nobody else's alerts are its.
KINDS = frozenset({"defender", "arm"})

# What an act makes of an alert, and the statuses that it may make it of.
_FROM = {
    "inProgress": ("Active",),
    "resolve": ("Active", "InProgress"),
    "dismiss": ("Active", "InProgress"),
}
_DISMISSES = frozenset({Classification.FALSE_POSITIVE, Classification.BENIGN_POSITIVE})


class Progress(StrEnum):
    """When alerts become In progress."""

    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    NEVER = "never"


class AlertStatus(Notifier):
    """Defender for Cloud."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says.

        ``progress`` is when alerts become In progress, ``ends`` whether they are
        resolved, or dismissed as no threat, when a person ends their incident.
        ``url`` is where Azure Resource Manager is.
        """

        progress: Progress = Progress.NEVER
        ends: bool = True
        url: str = URL

    # It tells nobody.
    kind = Kind.TICKET
    verbs = frozenset({Verb.TRIGGER, Verb.ACKNOWLEDGE, Verb.RESOLVE})
    # What it takes for `progress` no custom role can name [unverified].
    permissions: tuple[Permission, ...] = tuple(
        Permission(Api.ARM, f"Microsoft.Security/locations/alerts/{action}", on)
        for action, on in (
            ("read", "Defender's alerts"),
            ("resolve/action", "the same"),
            ("dismiss/action", "the same"),
        )
    )

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        self._config = config
        self._alerts = ports.alerts
        self._manager = Manager(config.url, "Defender for Cloud", ports)
        if problem := url_problem(config.url):
            raise SettingsError([f"responders.{name}.url {problem}"])

    async def plan(
        self,
        incident: Incident,
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  nothing is told
    ) -> Sequence[Action]:
        """What becomes of the alerts when it opens and when it ends."""
        return notices(
            incident,
            name=self.name,
            kind=self.kind,
            content=lambda _: {"end": _end(incident)},
        )

    async def apply(self, action: Action) -> Outcome:
        """Give the status to each alert that may have it."""
        act = self._act(action)
        if not act:
            return Outcome()
        rows = await self._alerts(action.incident)
        known = sorted((r for r in rows if r.kind in KINDS), key=lambda r: r.id)
        for row in known:
            await self._set(row, act)
        return Outcome(reference=act)

    def _act(self, action: Action) -> str:
        """What alerts are told; empty for nothing."""
        progress = self._config.progress
        match action.verb:
            case Verb.TRIGGER if progress is Progress.OPENED:
                return "inProgress"
            case Verb.ACKNOWLEDGE if progress is not Progress.NEVER:
                return "inProgress"
            case Verb.RESOLVE if self._config.ends:
                return str(action.content.get("end", ""))
            case _:
                return ""

    async def _set(self, row: AlertRow, act: str) -> None:
        """Give the alert the status; one that has expired, or never was, has none."""
        for place in places(row):
            found = await self._manager.find(at(place))
            if found is None:
                continue
            properties = found.get("properties")
            status = properties.get("status") if isinstance(properties, dict) else None
            if status in _FROM[act]:
                reply = await self._manager.send("POST", at(place, act=act))
                self._manager.check(reply, 200, 204)
            return


def _end(incident: Incident) -> str:
    """What a person who ended it says of its alerts; empty where nobody did."""
    by = incident.resolved.by if incident.resolved else ""
    has_ended = incident.status in {IncidentStatus.RESOLVED, IncidentStatus.CLOSED}
    if not has_ended or by in {SOURCE, QUIET}:
        return ""
    is_closed = incident.status is IncidentStatus.CLOSED
    verdict = incident.verdict if is_closed else None
    is_no_threat = verdict is not None and verdict.classification in _DISMISSES
    return "dismiss" if is_no_threat else "resolve"
