"""Tells any HTTPS endpoint about incidents, signed as Standard Webhooks 1.0.0.

Needs a URL and the secret that the receiver verifies with. ``webhook-id`` stays the same
when a notice is sent again, so a receiver that remembers ids acts once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import msgspec

from responders.base import Notifier, notices, raise_for_status, url_problem
from shared.model.action import Action, Outcome
from shared.model.errors import SettingsError
from shared.model.evidence import answered, missing
from shared.model.secret import SecretRef
from shared.model.text import instant, is_link, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from responders.base import Ports
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.risk import Risk
    from shared.model.secret import Secret

# remote-apis-sinks.md 5. The lists are kept to bytes so that the whole stays < 20 KB:
# 6,000 + 2,000 + 4,000 for them, 2,000 for what makes the score, 4 bytes for each
# character of the rest; evidence has what is left.
SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark in front of secrets, not one
SECRET_SIZES = range(24, 65)
TITLE_LIMIT = 300
TEXT_LIMIT = 512
SUBJECT_LIMIT = 128
FIRST = 4
RESOURCES_SIZE = 6_000
EVIDENCE_SIZE = 5_000
DATA_SIZE = 19_500
TACTICS_SIZE = 2_000
LINKS_SIZE = 4_000
RISK_SIZE = 2_000


class Webhook(Notifier):
    """One receiver of signed notices."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """What the policy says.

        While a secret is being changed, notices carry the signatures of both, so that
        the receiver may change over at any moment.
        """

        url: str
        secret: SecretRef
        previous_secret: SecretRef | None = None

    def __init__(self, name: str, config: Config, ports: Ports) -> None:
        self.name = name
        self._url = config.url
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
        if problems:
            raise SettingsError(problems)

    async def plan(
        self, incident: Incident, evidence: Sequence[Evidence] = ()
    ) -> Sequence[Action]:
        """A notice of each thing that became of the incident."""
        return notices(
            incident,
            name=self.name,
            content=lambda _: _with_evidence(_content(incident), evidence),
        )

    async def apply(self, action: Action) -> Outcome:
        """Sign the notice as of now and send those very bytes."""
        now = self._clock()
        body = msgspec.json.encode(
            {
                "type": f"incident.{action.occasion}",
                "timestamp": instant(now),
                "data": action.content | {"dedup_key": action.dedup_key},
            }
        )
        sent_at = int(now.timestamp())
        reply = await self._http.post(
            self._url,
            headers={
                "content-type": "application/json",
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


def _content(incident: Incident) -> dict[str, Any]:
    """What receivers read: the same fields each time, all text harmless to show."""
    resources = _within(incident.resources, RESOURCES_SIZE)
    return {
        "id": plain(incident.id, TEXT_LIMIT),
        "title": plain(incident.title, TITLE_LIMIT) or "alert without a title",
        "severity": incident.severity.value,
        "status": incident.status.value,
        "sample": incident.is_sample,
        "scope": plain(incident.scope, TEXT_LIMIT),
        "resources": resources,
        "resources_left_out": len(incident.resources) - len(resources),
        "tactics": _within(incident.tactics, TACTICS_SIZE),
        "alerts": incident.alerts,
        "risk": _risk(incident.risk),
        "first_seen": instant(incident.first_seen),
        "last_seen": instant(incident.last_seen),
        "predecessor": _optional(incident.predecessor),
        "merged_into": _optional(incident.merged_into),
        "links": _within(filter(is_link, incident.links), LINKS_SIZE, show=str),
    }


def _risk(risk: Risk | None) -> dict[str, Any] | None:
    """The score and, as far as there is room, what it is the sum of."""
    if risk is None:
        return None
    return {
        "total": risk.total,
        "sum": plain(risk.formula, SUBJECT_LIMIT),
        "because": _within(risk.because, RISK_SIZE),
        "missing": risk.missing,
    }


def _with_evidence(
    content: dict[str, Any], evidence: Sequence[Evidence]
) -> dict[str, Any]:
    """What logs say and what could not be had, as much as fits; nothing if not asked."""
    if not evidence:
        return content
    size = min(EVIDENCE_SIZE, DATA_SIZE - len(msgspec.json.encode(content)))
    fitting = []
    lacking, shown = missing(evidence), answered(evidence)
    # Of both there is something to be seen, however long the other is.
    for each in [*shown[:FIRST], *lacking[:FIRST], *shown[FIRST:], *lacking[FIRST:]]:
        line = {
            "query": plain(each.query, TEXT_LIMIT),
            "subject": plain(each.subject, SUBJECT_LIMIT),
            "status": each.status.value,
            "reason": plain(each.reason, TEXT_LIMIT),
            "rows": each.row_count,
            "reading": plain(each.reading, TEXT_LIMIT),
        }
        size -= len(msgspec.json.encode(line)) + 1
        if size < 0:
            break
        fitting.append(line)
    left_out = len(evidence) - len(fitting)
    return content | {"evidence": fitting, "evidence_left_out": left_out}


def _within(
    texts: Iterable[str],
    size: int,
    *,
    show: Callable[[str], str] = lambda text: plain(text, TEXT_LIMIT),
) -> list[str]:
    """As many of the texts, from the first, as fit into the bytes as JSON."""
    fitting = []
    for text in map(show, texts):
        size -= len(msgspec.json.encode(text)) + 1
        if size < 0:
            break
        fitting.append(text)
    return fitting


def _optional(text: str | None) -> str | None:
    return None if text is None else plain(text, TEXT_LIMIT)
