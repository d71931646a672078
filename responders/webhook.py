"""Tells any HTTPS endpoint about incidents, signed as Standard Webhooks 1.0.0.

Needs a URL and the secret that the receiver verifies with. ``webhook-id`` stays the same
when a notice is sent again, so a receiver that remembers ids acts once. The body is that
standard's own, or the same data as a CloudEvent, whose ``id`` stays the same too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from responders.base import Notifier, notices, raise_for_status, told, url_problem
from responders.markup.data import incident_data, told_data
from shared.model.action import Action, Outcome
from shared.model.errors import SettingsError
from shared.model.secret import SecretRef
from shared.model.text import instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.secret import Secret

# remote-apis-sinks.md 5.
SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark in front of secrets, not one
SECRET_SIZES = range(24, 65)

# CloudEvents 1.0: what happened, by a name that is ours alone, and who says so.
EVENT_TYPE = "io.firewatch.incident."
_URI_REFERENCE = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]{1,200}")
_MEDIA_TYPES = {
    "standard": "application/json",
    "cloudevents": "application/cloudevents+json; charset=utf-8",
}


class Webhook(Notifier):
    """One receiver of signed notices."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says.

        While a secret is being changed, notices carry the signatures of both, so that
        the receiver may change over at any moment. ``format`` is what a body looks
        like; ``source`` is who a CloudEvent says it is from, as a URI or part of one.
        """

        url: str
        secret: SecretRef
        previous_secret: SecretRef | None = None
        format: Literal["standard", "cloudevents"] = "standard"
        source: str = "/firewatch"

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        self._url = config.url
        self._format = config.format
        self._source = config.source
        self._http = ports.http
        self._clock = ports.clock
        refs = {"secret": config.secret, "previous_secret": config.previous_secret}
        given = {field: (ref, ports.secret(ref)) for field, ref in refs.items() if ref}
        self._secrets = [value for _, value in given.values()]
        problems = [
            f"responders.{name}.{field}: the setting {ref.setting} does not hold "
            f"{SECRET_PREFIX} and 24 to 64 bytes in base64"
            for field, (ref, value) in given.items()
            if not _is_secret(value)
        ]
        if problem := url_problem(config.url):
            problems.append(f"responders.{name}.url {problem}")
        if not _URI_REFERENCE.fullmatch(config.source):
            problems.append(
                f"responders.{name}.source is not a URI of at most 200 characters"
            )
        if problems:
            raise SettingsError(problems)

    async def plan(
        self, incident: Incident, evidence: Sequence[Evidence] = ()
    ) -> Sequence[Action]:
        """A notice of each thing that became of the incident."""
        return notices(
            incident,
            name=self.name,
            content=lambda _: incident_data(incident, evidence),
        )

    async def apply(self, action: Action) -> Outcome:
        """Sign the notice as of now and send those very bytes."""
        now = self._clock()
        body = msgspec.json.encode(self._event(action, at=instant(now)))
        sent_at = int(now.timestamp())
        reply = await self._http.post(
            self._url,
            headers={
                "content-type": _MEDIA_TYPES[self._format],
                "webhook-id": action.key,
                "webhook-timestamp": str(sent_at),
                "webhook-signature": " ".join(
                    sign(
                        _key(secret), message_id=action.key, sent_at=sent_at, body=body
                    )
                    for secret in self._secrets
                ),
            },
            body=body,
        )
        raise_for_status(
            reply,
            side=f"the receiver of {self.name}",
            accepted=range(200, 300),
            now=self._clock,
        )
        return Outcome(reference=action.key)

    def _event(self, action: Action, *, at: str) -> dict[str, Any]:
        message = told(action)
        data = action.content | told_data(message) | {"dedup_key": action.dedup_key}
        if self._format == "standard":
            return {
                "type": f"incident.{action.occasion}",
                "timestamp": at,
                "data": data,
            }
        return {
            "specversion": "1.0",
            "id": action.key,
            "source": self._source,
            "type": f"{EVENT_TYPE}{action.occasion}",
            "subject": message.incident,
            "time": at,
            "datacontenttype": "application/json",
            "data": data,
        }


def sign(key: bytes, *, message_id: str, sent_at: int, body: bytes) -> str:
    """One signature of Standard Webhooks, as it stands in the header."""
    signed = f"{message_id}.{sent_at}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: Secret) -> bytes:
    return base64.b64decode(secret.reveal().removeprefix(SECRET_PREFIX), validate=True)


def _is_secret(secret: Secret) -> bool:
    if not secret.reveal().startswith(SECRET_PREFIX):
        return False
    try:
        return len(_key(secret)) in SECRET_SIZES
    except (binascii.Error, ValueError):
        return False
