"""Pages whoever is on call, by PagerDuty's Events API v2.

Needs the integration key of a service. An incident is one PagerDuty alert: opened when
the incident is, resolved when it is resolved or merged. PagerDuty drops repeats of a
``dedup_key`` itself, so an action that is sent twice pages once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from responders.base import Notifier, raise_for_status, told, url_problem
from shared.model.action import Action, Outcome, Verb
from shared.model.alert import Severity
from shared.model.errors import SettingsError
from shared.model.secret import SecretRef
from shared.model.text import instant, is_link

if TYPE_CHECKING:
    from responders.base import Ports
    from shared.model.message import Message

# remote-apis-sinks.md 1.1. The body cap is Alertmanager's, a little under the real one.
ROUTING_KEY_LENGTH = 32
BODY_CAP = 512_000

# To an alert that is open a trigger adds; nobody is called again (1.1).
_EVENT_ACTION = {
    Verb.TRIGGER: "trigger",
    Verb.UPDATE: "trigger",
    Verb.ACKNOWLEDGE: "acknowledge",
    Verb.RESOLVE: "resolve",
}

_SEVERITY = {
    Severity.HIGH: "critical",
    Severity.MEDIUM: "error",
    Severity.LOW: "warning",
    Severity.INFORMATIONAL: "info",
}


class PagerDuty(Notifier):
    """One PagerDuty integration."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says: ``url`` for an account outside the US region.

        ``client_url`` is where "View in Firewatch" leads, if anywhere.
        ``callback_secret`` is what PagerDuty signs calls of its own with.
        """

        routing_key: SecretRef
        url: str = "https://events.pagerduty.com"
        client_url: str = ""
        callback_secret: SecretRef | None = None

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        self._routing_key = ports.secret(config.routing_key)
        self._url = f"{config.url.rstrip('/')}/v2/enqueue"
        self._client_url = config.client_url
        self._http = ports.http
        self._clock = ports.clock
        problems = self._problems(config)
        if problems:
            raise SettingsError(problems)

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
        if _EVENT_ACTION[action.verb] == "trigger":
            event |= {"client": "Firewatch"} | _event(told(action))
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


def _event(message: Message) -> dict[str, Any]:
    """What PagerDuty shows; it has no markup to escape for (1.1)."""
    return {
        "payload": {
            "summary": message.headline,
            "source": message.resource,
            "severity": _SEVERITY[message.severity],
            "timestamp": instant(message.first_seen),
            "component": message.component,
            "group": message.scope,
            "class": message.alert_type,
            "custom_details": _details(message),
        },
        "links": [{"href": link.href, "text": link.text} for link in message.links],
    }


def _details(message: Message) -> dict[str, Any]:
    details: dict[str, Any] = {
        "incident": message.incident,
        "why": message.why,
        "status": message.status.value,
        "alerts": message.alerts,
    }
    for section in message.sections:
        more = f"and {section.left_out} more"
        details[section.key] = [*section.lines, *([more] if section.left_out else [])]
    return details
