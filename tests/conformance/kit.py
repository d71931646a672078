"""What every responder is measured by: a case for each, and the two worlds they run in.

Adding a responder: write its ``Case`` in a module of ``cases`` and name it in ``CASES``;
test_responders.py does the rest.
"""

from __future__ import annotations

import unicodedata
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import msgspec
from msgspec.structs import replace

from devhost.outside import Fault, Outside
from responders import RESPONDERS
from shared.actions.rendering import message, telling
from shared.clouds.http import HttpClient
from shared.clouds.outlets import Opened
from shared.model.action import (
    ActionRow,
    ActionStatus,
    Kind,
    Occasion,
    Verb,
)
from shared.model.dossier import Dossier
from shared.model.errors import FailureReason, TransientFailure
from shared.model.evidence import EvidenceStatus
from shared.model.http import Reply
from shared.model.incident import Entry, Fact
from tests.conformance.cases import (
    alert_status,
    arcsight,
    boards,
    email,
    event_hub,
    jira,
    jsm,
    logs_ingestion,
    pagerduty,
    qradar,
    sentinel,
    servicenow,
    slack,
    splunk,
    teams,
    webhook,
)
from tests.factories import NOON, make_evidence, make_incident, make_problem
from tests.fakes.http import FakeHttp, ListeningHttp, Sent
from tests.fakes.outlets import FakeOutlets
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from responders.base import Responder
    from shared.model.action import Action
    from shared.model.evidence import Evidence
    from shared.model.http import Http
    from shared.model.incident import Incident
    from shared.model.outlets import Outlets
    from tests.conformance.case import Case

# How long the sender waits where the test is that nobody answers.
SHORT_TIMEOUT_S = 0.1
# The stand-in says at once whom it does not trust.
SETTLE_S = 0.01
# Where the other side is when there is none.
SIDE = "https://side.example"

CASES: Mapping[str, Case] = {
    "alert-status": alert_status.CASE,
    "arcsight": arcsight.CASE,
    "boards": boards.CASE,
    "email": email.CASE,
    "event-hub": event_hub.CASE,
    "jira": jira.CASE,
    "jsm": jsm.CASE,
    "logs-ingestion": logs_ingestion.CASE,
    "pagerduty": pagerduty.CASE,
    "sentinel": sentinel.CASE,
    "qradar": qradar.CASE,
    "servicenow": servicenow.CASE,
    "slack": slack.CASE,
    "splunk": splunk.CASE,
    "teams": teams.CASE,
    "webhook": webhook.CASE,
}


def nobody() -> NoReturn:
    """Nobody signs in on this machine."""
    raise AssertionError("a credential was asked for")


def build(
    name: str, *, http: Http, url: str, outlets: Outlets | None = None
) -> Responder:
    """The responder as bootstrap would build it from a policy."""
    case, responder = CASES[name], RESPONDERS[name]
    config: Any = msgspec.convert(case.settings(url), responder.Config)
    return responder(
        f"{name}-1",
        config,
        make_ports(http, secrets(name, url), outlets=outlets)._replace(
            alerts=alert_status.alerts
        ),
    )


def secrets(name: str, url: str) -> dict[str, str]:
    """The secrets of a case whose other side is there."""
    given = CASES[name].secrets.items()
    return {setting: value.replace("{url}", url) for setting, value in given}


async def planned(
    world: World, incident: Incident, evidence: Sequence[Evidence] = ()
) -> list[Action]:
    """What the responder plans, with what the core tells by it."""
    plan = await world.responder.plan(incident, evidence)
    if all(action.kind is Kind.FORWARD for action in plan):
        dossier = dossier_of(incident, evidence)
        return [replace(action, dossier=dossier) for action in plan]
    said = message(incident, evidence)
    return [telling(action, said) for action in plan]


def dossier_of(incident: Incident, evidence: Sequence[Evidence] = ()) -> Dossier:
    """What a forward of the incident is made of, its tactics wherever a text may be."""
    texts = tuple(dict.fromkeys(incident.tactics)) or ("",)
    return Dossier(
        incident=incident,
        entries=tuple(
            Entry(
                sequence=number,
                at=NOON,
                by=text,
                facts=(
                    Fact(kind="alert.joined", alert=text, detail=text),
                    Fact(kind="incident.changed", detail=text),
                ),
                previous="",
            )
            for number, text in enumerate(texts, start=1)
        ),
        actions=tuple(
            ActionRow(
                key=f"key-{number}",
                dedup_key="fw-1",
                incident=incident.id,
                responder="pager",
                kind=Kind.NOTIFY,
                verb=Verb.TRIGGER,
                target=text,
                occasion=Occasion.OPENED,
                status=ActionStatus.APPLIED,
                attempts=1,
                planned_at=NOON,
                changed_at=NOON,
                detail=text,
                reference=text,
            )
            for number, text in enumerate(texts)
        ),
        evidence=tuple(evidence),
        through=len(texts),
    )


class World(Protocol):
    """The other side, well until told otherwise."""

    sent: list[Sent]

    @property
    def told(self) -> list[Sent]:
        """Of what was sent, what tells something."""
        ...

    @property
    def responder(self) -> Responder: ...

    def answers(self, status: int, *, retry_after: str | None = None) -> None:
        """Give this answer to the next request."""

    def hangs(self) -> None:
        """Do not answer the next request."""

    def drops(self) -> None:
        """Do what the next request asks, and break the connection."""

    def effects(self) -> int:
        """How often the other side did something that people notice."""


class FakeWorld:
    """No network: a scripted Http, whose answers repeat every secret they can."""

    def __init__(self, name: str) -> None:
        self._case = CASES[name]
        self._http = FakeHttp(default=self._usual)
        self._outlets = FakeOutlets()
        self._other = self._http if self._case.is_http else self._outlets
        self.sent = self._other.sent
        self.responder = build(
            name, http=self._http, url=SIDE, outlets=self._outlets.outlets
        )

    def answers(self, status: int, *, retry_after: str | None = None) -> None:
        headers = {} if retry_after is None else {"retry-after": retry_after}
        self._http.script.append(self._reply(status, headers))

    def hangs(self) -> None:
        self._fails(FailureReason.TIMEOUT)

    def drops(self) -> None:
        self._fails(FailureReason.UNAVAILABLE)

    @property
    def told(self) -> list[Sent]:
        return [sent for sent in self.sent if self._case.tells(sent)]

    def effects(self) -> int:
        return len({str(self._case.identity(sent)) for sent in self.told})

    def _usual(self, sent: Sent) -> Reply:
        reply = self._reply(min(self._case.accepted), {})
        said = self._case.answers(sent)
        return reply if said is None else msgspec.structs.replace(reply, body=said)

    def _fails(self, reason: FailureReason) -> None:
        self._other.script.append(TransientFailure(reason, "side.example: no answer"))

    def _reply(self, status: int, headers: dict[str, str]) -> Reply:
        seeded = " ".join(self._case.seeded)
        is_taken = status in self._case.accepted
        body = self._case.answer if is_taken else b""
        headers = {"location": seeded, **headers}
        return Reply(status=status, headers=headers, body=body or seeded.encode())


class OutsideWorld:
    """The real adapter, loopback sockets, and the stand-ins of devhost."""

    def __init__(self, name: str, outside: Outside) -> None:
        self._name = name
        self._outside = outside
        self._patient = HttpClient()
        self._impatient = HttpClient(read_timeout_s=SHORT_TIMEOUT_S)
        self._http = ListeningHttp(self._patient)
        self._opened = Opened(nobody, settle_s=SETTLE_S)
        self._outlets = FakeOutlets(self._opened.outlets)
        is_http = CASES[name].is_http
        self.sent = self._http.sent if is_http else self._outlets.sent
        self.responder = build(
            name,
            http=self._http,
            url=outside.url if is_http else f"tls://127.0.0.1:{outside.syslog.port}",
            outlets=self._outlets.outlets,
        )

    def answers(self, status: int, *, retry_after: str | None = None) -> None:
        self._http.inner = self._patient
        case = CASES[self._name]
        is_taken = status in case.accepted
        self._fault(
            status=status,
            body=case.answer.decode() if is_taken else "",
            retry_after=retry_after,
            taken=is_taken and case.takes,
        )

    def hangs(self) -> None:
        self._http.inner = self._impatient
        self._fault(delay_s=60)
        self._outlets.is_late = False
        self._outlets.script = [TransientFailure(FailureReason.TIMEOUT, "side")]

    def drops(self) -> None:
        self._http.inner = self._patient
        self._fault(drop=True, taken=True)
        self._outlets.is_late = True
        self._outlets.script = [TransientFailure(FailureReason.UNAVAILABLE, "side")]

    @property
    def told(self) -> list[Sent]:
        return [sent for sent in self.sent if CASES[self._name].tells(sent)]

    def effects(self) -> int:
        return CASES[self._name].effects(self._outside)

    async def close(self) -> None:
        """Close the connections."""
        await self._opened.close()
        await self._patient.close()
        await self._impatient.close()

    def _fault(self, **fault: Any) -> None:  # noqa: ANN401 - the fields of Fault
        if not CASES[self._name].is_http:
            return
        side = CASES[self._name].side or self._name
        self._outside.faults.add(Fault(side=side, times=1, **fault))


@asynccontextmanager
async def outside_world(name: str) -> AsyncIterator[OutsideWorld]:
    """Serve the stand-ins for one test."""
    async with Outside.start(clock=lambda: NOON) as outside:
        outside.manager.resources.write(alert_status.STORED)
        outside.webhook.trust("conformance", webhook.SECRET)
        world = OutsideWorld(name, outside)
        try:
            yield world
        finally:
            await world.close()


# remote-apis-sinks.md 20, and the ways URLs hide in it.
HOSTILE = (
    "",
    " ",
    "<!channel>",
    "<at>x</at>",
    "[a](https://evil.example)",
    "{{DATE(2026-01-01T00:00:00Z)}}",
    "x|y",
    "a=b",
    "a\\",
    "a\tb",
    "a\r\nb",
    "a\u2028b\u2029c\x85d",
    "[code]<script>alert(1)</script>",
    "${jndi:ldap://x.example}",
    '"]',
    "&" * 40_000,
    "\U0001f525" * 10_000,
    '"\\' * 20_000,
    "\u202egpj.exe",
    "\u2066left\u2069",
    "\ud800 lone",
    "lone \udfff",
    "nul\x00bell\x07esc\x1b[31m",
    "ht\u200btp\u00ads://evil.example/\ufeffpath",
    "HtTpS://EVIL.example",
    "http:\\\\evil.example",
    "www.evil.example",
    "WWW.EVIL.example",
    "javascript://evil.example/%0aalert(1)",
    "e\u0301 is \u00e9",
    "tag\U000e0041\U000e0042",
    "@channel @here @everyone <!subteam^S012|@sec> <@U012ABC> <#C012ABC>",
    "*_~`a`~_*\n> quoted\n- item\n1. item",
    "{{{{TIME(2026-01-01T00:00:00Z)}}}} $${x} @{triggerBody()}",
)


# What hides in what, or ends it early.
_FRAMES = (
    "{}",
    "x {}",
    "{} x",
    "<b onclick=x>{}</b>",
    "[{}](https://evil.example)",
    "*{}*",
    "`{}`",
    '"{}"',
    "{0}\n{0}",
    "\u202e{}\u202c",
    "<!-- {} -->",
    "&lt;{}&gt;",
    "{{{{{}}}}}",
    "%0d%0a{}",
    "\\{}\\",
    "<https://evil.example|{}>",
)

# All of those in all of these, and one of 100 KB.
NASTY = (
    *(frame.format(text) for frame in _FRAMES for text in HOSTILE if len(text) < 200),
    *(text for text in HOSTILE if len(text) >= 200),
    "<x>" * 34_000,
)


def hostile_incident(*texts: str) -> Incident:
    """An incident with the texts wherever an alert can put some."""
    numbers = range(max(30, len(texts)))
    given = [texts[number % len(texts)] for number in numbers]
    return make_incident(
        problems={
            f"fp-{number}": make_problem(title=given[number], alert_type=given[number])
            for number in numbers
        },
        resources=tuple(f"{number}/{given[number]}" for number in numbers),
        tactics=tuple(given),
        scope=given[0],
        predecessor=given[0],
        links=(
            given[0],
            "http://portal.example/",
            "javascript:alert(1)",
            "https://portal.example@evil.example/",
            f"https://portal.example/{given[0]}",
            *("https://portal.example/alert",) * 30,
        ),
    )


def hostile_evidence(*texts: str) -> list[Evidence]:
    """Evidence with the texts wherever a log or an alert can put some."""
    return [
        make_evidence(
            f"query-{number}",
            question=text,
            subject=text,
            reading=text,
            reason=text,
            columns=(text,),
            rows=((text,),),
            status=[*EvidenceStatus][number % 3],
        )
        for number, text in enumerate(
            texts[number % len(texts)] for number in range(max(30, len(texts)))
        )
    ]


def request_problems(sent: Sent, case: Case) -> list[str]:
    """What is wrong with a request, whatever its sink."""
    problems = []
    if len(sent.body) > case.body_cap:
        problems.append(f"{len(sent.body)} bytes, over {case.body_cap}")
    problems += [
        f"header {header!r}"
        for header in sent.headers.values()
        if not (header.isascii() and header.isprintable())
    ]
    for path, text in _texts(case.content(sent), ""):
        unseen = [
            char
            for char in ("" if text.isprintable() else sorted({*text}))
            if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        ]
        if unseen:
            problems.append(f"{path} holds {unseen}")
        if not unicodedata.is_normalized("NFC", text):
            problems.append(f"{path} is not NFC")
        if path in case.link_paths:
            if not (text.startswith("https://portal.example/") and text.isascii()):
                problems.append(f"{path} leads to {text}")
        elif path not in case.own_urls and _is_live(text):
            problems.append(f"{path} holds a live URL: {text[:80]}")
    return problems + case.problems(sent)


def _is_live(text: str) -> bool:
    if ":" not in text and "." not in text:
        return False
    lowered = text.lower().replace("hxxp://", "").replace("hxxps://", "")
    return any(mark in lowered for mark in ("://", "http:", "https:", "www."))


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, f"{path}[]")
