"""Pages whoever is on call, by PagerDuty's Events API v2.

Needs the integration key of a service. An incident is one PagerDuty alert: opened when
the incident is, resolved when it is resolved or merged. PagerDuty drops repeats of a
``dedup_key`` itself, so an action that is sent twice pages once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from responders.base import (
    answered,
    because,
    missing,
    notices,
    raise_for_status,
    url_problem,
    worst_first,
)
from shared.model.action import Action, Kind, Outcome, Verb
from shared.model.alert import Severity
from shared.model.errors import SettingsError
from shared.model.resource import display_name
from shared.model.secret import SecretRef
from shared.model.text import instant, is_link, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from shared.model.evidence import Evidence
    from shared.model.http import Http
    from shared.model.incident import Incident
    from shared.model.secret import Secret

# remote-apis-sinks.md 1.1. The body cap is Alertmanager's, a little under the real one.
ROUTING_KEY_LENGTH = 32
SUMMARY_LIMIT = 1024
BODY_CAP = 512_000
TEXT_LIMIT = 512
LIST_LIMIT = 20
SUBJECT_LIMIT = 128

# To an alert that is open a trigger adds; nobody is called again (1.1).
_EVENT_ACTION = {
    Verb.TRIGGER: "trigger",
    Verb.UPDATE: "trigger",
    Verb.RESOLVE: "resolve",
}

_SEVERITY = {
    Severity.HIGH: "critical",
    Severity.MEDIUM: "error",
    Severity.LOW: "warning",
    Severity.INFORMATIONAL: "info",
}


class PagerDuty:
    """One PagerDuty integration."""

    kind = Kind.NOTIFY

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says: ``url`` for an account outside the US region.

        ``client_url`` is where "View in Firewatch" leads, if anywhere.
        """

        routing_key: SecretRef
        url: str = "https://events.pagerduty.com"
        client_url: str = ""

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        secret: Callable[[SecretRef], Secret],
        http: Http,
        clock: Callable[[], datetime],
    ) -> None:
        self.name = name
        self._routing_key = secret(config.routing_key)
        self._url = f"{config.url.rstrip('/')}/v2/enqueue"
        self._client_url = config.client_url
        self._http = http
        self._clock = clock
        problems = self._problems(config)
        if problems:
            raise SettingsError(problems)

    async def plan(
        self, incident: Incident, evidence: Sequence[Evidence] = ()
    ) -> Sequence[Action]:
        """The alert to open and, at the incident's end, to resolve."""
        return notices(
            incident,
            name=self.name,
            content=lambda verb: (
                _content(incident, evidence) if verb is Verb.TRIGGER else {}
            ),
        )

    async def apply(self, action: Action) -> Outcome:
        """Hand the event over; 202 means taken, not that anyone was reached."""
        reply = await self._http.post(
            self._url,
            headers={"content-type": "application/json"},
            body=self._body(action),
        )
        raise_for_status(reply, side="PagerDuty", accepted=[202], now=self._clock)
        return Outcome(reference=action.dedup_key)

    def _body(self, action: Action) -> bytes:
        event: dict[str, Any] = {
            "routing_key": self._routing_key.reveal(),
            "event_action": _EVENT_ACTION[action.verb],
            "dedup_key": action.dedup_key,
        }
        if action.verb is not Verb.RESOLVE:
            event |= {"client": "Firewatch"} | action.content
            if self._client_url:
                event["client_url"] = self._client_url
        body = msgspec.json.encode(event)
        if len(body) > BODY_CAP and "payload" in event:
            note = f"left out: the event was {len(body)} bytes, over {BODY_CAP}"
            event["payload"] = event["payload"] | {"custom_details": {"note": note}}
            body = msgspec.json.encode(event)
        return body

    def _problems(self, config: Config) -> list[str]:
        problems = []
        key = self._routing_key.reveal()
        if len(key) != ROUTING_KEY_LENGTH or not (key.isascii() and key.isalnum()):
            problems.append(
                f"responders.{self.name}.routing_key: the setting "
                f"{config.routing_key.setting} does not hold an integration key of "
                f"Events API v2 ({ROUTING_KEY_LENGTH} letters and digits)"
            )
        if problem := url_problem(config.url):
            problems.append(f"responders.{self.name}.url {problem}")
        if config.client_url and not is_link(config.client_url):
            problems.append(f"responders.{self.name}.client_url is not an https URL")
        return problems


def _content(incident: Incident, evidence: Sequence[Evidence]) -> dict[str, Any]:
    """What PagerDuty shows: all of it, save our own words and numbers, is hostile."""
    resource = incident.resources[0] if incident.resources else incident.scope
    return {
        "payload": {
            "summary": _summary(incident),
            "source": plain(resource, TEXT_LIMIT) or "unknown",
            "severity": _SEVERITY[incident.severity],
            "timestamp": instant(incident.first_seen),
            "component": plain(display_name(resource), TEXT_LIMIT),
            "group": plain(incident.scope, TEXT_LIMIT),
            "class": plain(worst_first(incident)[0].alert_type, TEXT_LIMIT),
            "custom_details": _details(incident) | _evidence(evidence),
        },
        "links": [
            {"href": link, "text": "The alert in Microsoft Defender"}
            for link in incident.links
            if is_link(link)
        ][:LIST_LIMIT],
    }


def _summary(incident: Incident) -> str:
    """One line that keeps severity, resource and count however long the title is."""
    sample = "[SAMPLE] " if incident.is_sample else ""
    head = f"{sample}{incident.severity.capitalize()}: "
    tail = f" ({incident.alerts} alert{'' if incident.alerts == 1 else 's'})"
    if incident.resources:
        more = len(incident.resources) - 1
        others = f" and {more} more" if more else ""
        tail = f" on {plain(display_name(incident.resources[0]), 128)}{others}{tail}"
    title = plain(incident.title, SUMMARY_LIMIT - len(head) - len(tail))
    return f"{head}{title or 'alert without a title'}{tail}"


def _details(incident: Incident) -> dict[str, Any]:
    details: dict[str, Any] = {
        "incident": plain(incident.id, TEXT_LIMIT),
        "status": incident.status.value,
        "alerts": incident.alerts,
        "resources": _lines(incident.resources),
        "tactics": _lines(incident.tactics),
        "problems": [
            {
                "type": plain(problem.alert_type, TEXT_LIMIT),
                "title": plain(problem.title, TEXT_LIMIT),
                "severity": problem.severity.value,
                "count": problem.count,
                "first_seen": instant(problem.first_seen),
                "last_seen": instant(problem.last_seen),
            }
            for problem in worst_first(incident)[:LIST_LIMIT]
        ],
    }
    if incident.risk is not None:
        details["risk"] = {
            "total": incident.risk.total,
            "sum": plain(incident.risk.formula, TEXT_LIMIT),
            "because": _lines(because(incident.risk)),
            "missing": incident.risk.missing,
        }
    if incident.predecessor is not None:
        details["predecessor"] = plain(incident.predecessor, TEXT_LIMIT)
    return details


def _evidence(evidence: Sequence[Evidence]) -> dict[str, Any]:
    """What logs say, a line for each question, and what could not be asked."""
    if not evidence:
        return {}
    shown = answered(evidence)
    lacking = [f"{e.reason}: {e.question} ({e.subject})" for e in missing(evidence)]
    details: dict[str, Any] = {"evidence": _lines([*map(_read, shown)])}
    if len(shown) > LIST_LIMIT:
        details["evidence_left_out"] = len(shown) - LIST_LIMIT
    if lacking:
        details["evidence_missing"] = _lines(lacking)
    return details


def _read(evidence: Evidence) -> str:
    doubt = f" ({evidence.reason})" if evidence.reason else ""
    return f"{plain(evidence.subject, SUBJECT_LIMIT)}: {evidence.reading}{doubt}"


def _lines(texts: Sequence[str]) -> list[str]:
    return [plain(text, TEXT_LIMIT) for text in texts[:LIST_LIMIT]]
