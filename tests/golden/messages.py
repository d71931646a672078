"""One incident as notifiers tell it: what their golden files are made from.

It happens twice: two alerts in a storage account and on a machine, with what logs say
and what they did not answer. ``HOSTILE`` is the same with a syntax of every sink in each
text that an alert or a log holds.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from shared.actions.rendering import message, telling
from shared.model.action import Kind, Occasion, Verb
from shared.model.alert import Severity
from shared.model.evidence import EvidenceStatus
from shared.model.incident import IncidentStatus, Mark
from shared.model.link import Link
from tests.conformance.kit import dossier_of
from tests.factories import (
    NOON,
    SUBSCRIPTION,
    VM,
    make_evidence,
    make_incident,
    make_problem,
    make_risk,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Responder
    from shared.model.action import Action
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident

HOSTILE = (
    '<!channel> @here <at>all</at> <b>**[Reset](https://evil.example "x")**</b> '
    "{{DATE(2026-01-01T00:00:00Z)}} ${x} *_~`a`~_* <https://evil.example|go> "
    "{panel}h1. [~admin]{panel} <script>alert(1)</script> & &lt;b&gt; \u202egpj.exe"
)
STORAGE = (
    f"/subscriptions/{SUBSCRIPTION}/resourcegroups/data"
    "/providers/microsoft.storage/storageaccounts/lake7"
)
LINKS = (
    Link(
        text="Acknowledge",
        href="https://firewatch.example/a/bWFkZS11cA.c2lnbmF0dXJl",
        verb="acknowledge",
    ),
    Link(text="Open in Firewatch", href="https://firewatch.example/incidents/inc-1"),
)

OPEN = make_incident(
    problems={
        "fp-1": make_problem(
            title="Unusual amount of data extracted from a storage account",
            alert_type="Storage.Blob_DataExfiltration.AmountOfDataAnomaly",
            count=9,
            last_seen=NOON + timedelta(minutes=42),
        ),
        "fp-2": make_problem(
            title="Access from a suspicious IP address",
            alert_type="Storage.Blob_SuspiciousIp",
            severity=Severity.MEDIUM,
            count=1,
            first_seen=NOON + timedelta(minutes=5),
            last_seen=NOON + timedelta(minutes=5),
        ),
    },
    alerts=10,
    last_seen=NOON + timedelta(minutes=42),
    resources=(STORAGE, VM),
    tactics=("Collection", "Exfiltration"),
    links=("https://portal.azure.com/#blade/Microsoft_Azure_Security/AlertBlade/1",),
    risk=make_risk(missing=1),
)
ACKNOWLEDGED = replace(
    OPEN,
    acknowledged=Mark(
        by="ada@contoso.example", at=NOON + timedelta(hours=1), note="looking"
    ),
)
RESOLVED = replace(
    ACKNOWLEDGED,
    status=IncidentStatus.RESOLVED,
    resolved=Mark(
        by="ada@contoso.example", at=NOON + timedelta(hours=2), note="rotated"
    ),
)
NEWS = (
    "Severity was medium, is high",
    "address 192.0.2.4: Threat intelligence knows it: botnet.",
)
EVIDENCE = (
    make_evidence(
        "blob-reads",
        question="What was read, by whom?",
        subject="storage account lake7",
        reading="4,212 blobs (61 GB) were read by mallory@contoso.com from 192.0.2.4.",
    ),
    make_evidence(
        "account-sign-ins",
        question="How did they sign in?",
        reading="3 sign-ins from 2 countries; the last without MFA.",
        status=EvidenceStatus.PARTIAL,
        reason="the workspace keeps 7 days",
    ),
    make_evidence(
        "host-logons",
        question="Who logged on?",
        subject="host vm-web-01",
        reading="",
        status=EvidenceStatus.UNAVAILABLE,
        reason="timeout",
    ),
)


class _Told(NamedTuple):
    """What is told of which incident, by which verb, and why."""

    incident: Incident
    verb: Verb
    occasion: Occasion
    evidence: Sequence[Evidence] = EVIDENCE
    news: tuple[str, ...] = ()


def _hostile() -> _Told:
    """Every text of an alert and of a log, taken over."""
    resource = f"{STORAGE}/blobservices/{HOSTILE}"
    incident = replace(
        OPEN,
        problems={
            fingerprint: replace(problem, title=HOSTILE, alert_type=HOSTILE)
            for fingerprint, problem in OPEN.problems.items()
        },
        scope=HOSTILE,
        resources=(resource, HOSTILE),
        tactics=(HOSTILE,),
        predecessor=HOSTILE,
    )
    evidence = [
        make_evidence(
            each.query,
            question=HOSTILE,
            subject=HOSTILE,
            reading=HOSTILE,
            reason=HOSTILE,
            status=each.status,
        )
        for each in EVIDENCE
    ]
    return _Told(
        incident, Verb.TRIGGER, Occasion.OPENED, evidence=evidence, news=(HOSTILE,)
    )


# In the order in which they happen, what is told of another incident last.
_TOLD = {
    "opened": _Told(OPEN, Verb.TRIGGER, Occasion.OPENED),
    "updated": _Told(OPEN, Verb.UPDATE, Occasion.SEVERITY_RAISED, news=NEWS),
    "acknowledged": _Told(ACKNOWLEDGED, Verb.ACKNOWLEDGE, Occasion.ACKNOWLEDGED),
    "resolved": _Told(RESOLVED, Verb.RESOLVE, Occasion.RESOLVED),
    "sample": _Told(replace(OPEN, is_sample=True), Verb.TRIGGER, Occasion.OPENED),
    "hostile": _hostile(),
}


async def actions(responder: Responder) -> dict[str, Action]:
    """What the responder is given to apply, by a name for each; only its own verbs.

    ``reference`` is empty: whoever applies them in turn fills in that of ``opened``.
    """
    if responder.kind is Kind.FORWARD:
        return {name: await _forward(responder, name) for name in ("opened", "hostile")}
    return {
        name: await _action(responder, name, told)
        for name, told in _TOLD.items()
        if told.verb in responder.verbs
    }


async def _forward(responder: Responder, name: str) -> Action:
    """The forward of the incident of that name, with what is on record of it."""
    told = _TOLD[name]
    [action] = await responder.plan(told.incident)
    return replace(
        action,
        key=f"key-of-{name}",
        dedup_key="fw-golden",
        dossier=dossier_of(told.incident, told.evidence),
    )


async def _action(responder: Responder, name: str, told: _Told) -> Action:
    """The responder's own plan, turned into the verb and told as the core tells it.

    The keys are not those of the plan, so that no file changes where keys do.
    """
    [trigger, *_] = await responder.plan(told.incident, told.evidence)
    action = replace(
        trigger,
        verb=told.verb,
        occasion=told.occasion,
        key=f"key-of-{name}",
        dedup_key="fw-golden",
        news=told.news,
    )
    links = () if told.verb is Verb.RESOLVE else LINKS
    return telling(action, message(told.incident, told.evidence), *links)
