"""Signed notices to any receiver."""

from __future__ import annotations

import base64
from datetime import timedelta

import msgspec
import pytest

from responders.webhook import sign
from shared.actions.rendering import message, telling
from shared.model.action import Occasion, Verb
from shared.model.errors import FailureReason, PermanentFailure, SettingsError
from shared.model.http import Reply
from shared.model.incident import IncidentStatus, Mark
from shared.model.risk import Factor
from tests.factories import (
    NOON,
    SUBSCRIPTION,
    VM,
    make_evidence,
    make_incident,
    make_problem,
    make_risk,
)
from tests.fakes.http import FakeHttp
from tests.unit.responders.hooks import SECRET, URL, make_webhook, planned, signed

OLD_SECRET = "whsec_" + base64.b64encode(b"o" * 24).decode()


def test_the_signature_is_that_of_the_standard() -> None:
    """The vector of the reference library (remote-apis-sinks.md 5)."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    signature = sign(
        key,
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        sent_at=1614265330,
        body=b'{"test": 2432232314}',
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_notice_tells_what_became_of_the_incident() -> None:
    """Type, time of this attempt, and the incident as it is."""
    http = FakeHttp()
    webhook = make_webhook(http)
    incident = make_incident(links=("https://portal.azure.com/alert", "http://x"))

    [action] = await planned(webhook, incident)
    outcome = await webhook.apply(action)

    [sent] = http.sent
    assert sent.url == URL
    assert sent.json == {
        "type": "incident.opened",
        "timestamp": "2026-11-23T12:00:00.000Z",
        "data": {
            "id": "inc-1",
            "dedup_key": action.dedup_key,
            "title": "Possible web shell detected",
            "severity": "high",
            "status": "open",
            "sample": False,
            "scope": SUBSCRIPTION,
            "resources": [VM],
            "resources_left_out": 0,
            "tactics": ["Persistence"],
            "alerts": 3,
            "risk": None,
            "first_seen": "2026-11-23T12:00:00.000Z",
            "last_seen": "2026-11-23T12:00:00.000Z",
            "predecessor": None,
            "merged_into": None,
            "links": ["https://portal.azure.com/alert"],
            "news": [],
            "done": [],
        },
    }
    assert outcome.reference == action.key


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (IncidentStatus.RESOLVED, "incident.resolved"),
        (IncidentStatus.MERGED, "incident.merged"),
    ],
)
async def test_the_end_of_an_incident_is_told(
    status: IncidentStatus, kind: str
) -> None:
    """With where it went, if it was merged."""
    http = FakeHttp()
    webhook = make_webhook(http)

    actions = await planned(webhook, make_incident(status=status, merged_into="inc-0"))
    await webhook.apply(actions[-1])

    [sent] = http.sent
    assert sent.json["type"] == kind
    assert sent.json["data"]["merged_into"] == "inc-0"


async def test_a_stuck_incident_has_its_own_type() -> None:
    """A notice of that occasion can be sent, though none plans it."""
    http = FakeHttp()
    webhook = make_webhook(http)
    [action] = await planned(webhook, make_incident())

    await webhook.apply(msgspec.structs.replace(action, occasion=Occasion.STUCK))

    assert http.sent[0].json["type"] == "incident.stuck"


async def test_each_attempt_is_signed_anew_under_the_same_id() -> None:
    """The receiver sees a fresh time and knows the notice."""
    http = FakeHttp()
    times = iter([NOON, NOON, NOON + timedelta(minutes=20)])
    webhook = make_webhook(http)
    webhook._clock = lambda: next(times, NOON)
    [action] = await planned(webhook, make_incident())

    for _ in range(3):
        await webhook.apply(action)

    first, _, third = http.sent
    assert {sent.headers["webhook-id"] for sent in http.sent} == {action.key}
    assert "." not in action.key
    assert first.headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert third.headers["webhook-signature"] == signed(third, b"n" * 32)


async def test_two_secrets_give_two_signatures() -> None:
    """While a secret is being changed, the receiver may know either."""
    http = FakeHttp()
    webhook = make_webhook(http, previous_secret=OLD_SECRET)

    [action] = await planned(webhook, make_incident())
    await webhook.apply(action)

    [sent] = http.sent
    assert sent.headers["webhook-signature"].split(" ") == [
        signed(sent, b"n" * 32),
        signed(sent, b"o" * 24),
    ]


async def test_a_score_says_what_it_is_the_sum_of() -> None:
    """With the query that each part comes from."""
    http = FakeHttp()
    webhook = make_webhook(http)

    [action] = await planned(webhook, make_incident(risk=make_risk(missing=2)))
    await webhook.apply(action)

    [sent] = http.sent
    assert sent.json["data"]["risk"] == {
        "total": 60,
        "sum": "40 + 20 = 60",
        "because": [
            "+40 severity: The severity is high.",
            (
                "+20 threat intelligence: Threat intelligence knows 192.0.2.4: botnet."
                " (threat-intelligence)"
            ),
        ],
        "missing": 2,
    }


async def test_long_lists_are_cut_to_the_size() -> None:
    """The whole stays under 20 KB, and says how much is missing."""
    http = FakeHttp()
    webhook = make_webhook(http)
    wide = "\U0001f525" * 40_000
    incident = make_incident(
        problems={"fp": make_problem(title=wide)},
        resources=tuple(f"{VM}-{number}" for number in range(1000)),
        tactics=(wide,) * 100,
        scope=wide,
        predecessor=wide,
        merged_into=wide,
        links=tuple(f"https://portal.azure.com/{n:0900}" for n in range(100)),
        risk=make_risk(
            factors=(Factor(name=wide, points=100, because=wide, evidence=wide),) * 99
        ),
    )

    [action] = await planned(webhook, incident)
    await webhook.apply(action)

    [sent] = http.sent
    data = sent.json["data"]
    assert len(sent.body) < 20_000
    assert len(data["resources"]) > 40
    assert len(data["resources"]) + data["resources_left_out"] == 1000
    assert len(data["links"]) == 4
    assert data["title"].endswith("…")


@pytest.mark.parametrize(
    ("occasion", "verb"),
    [
        (Occasion.SEVERITY_RAISED, Verb.UPDATE),
        (Occasion.EVIDENCE, Verb.UPDATE),
        (Occasion.ACKNOWLEDGED, Verb.ACKNOWLEDGE),
    ],
)
async def test_what_is_told_later_says_what_is_new(
    occasion: Occasion, verb: Verb
) -> None:
    """And what was done, by whom: nobody has to compare it with what came before."""
    http = FakeHttp()
    webhook = make_webhook(http)
    mark = Mark(by="ada@contoso.com", at=NOON, note="see https://evil.example")
    incident = make_incident(acknowledged=mark)
    [opened] = await webhook.plan(incident)
    later = msgspec.structs.replace(
        opened, verb=verb, occasion=occasion, news=("Severity was low, is high",)
    )

    await webhook.apply(telling(later, message(incident)))

    [sent] = http.sent
    assert sent.json["type"] == f"incident.{occasion}"
    assert sent.json["data"]["news"] == ["Severity was low, is high"]
    assert sent.json["data"]["done"] == [
        (
            "Acknowledged by ada@contoso.com at 2026-11-23T12:00:00.000Z: "
            "see hxxps://evil.example"
        )
    ]


@pytest.mark.parametrize("format", ["standard", "cloudevents"])
async def test_a_full_notice_is_small(format: str) -> None:  # noqa: A002 - as the field
    """Everything that an alert has a say in is as long as it can be."""
    http = FakeHttp()
    webhook = make_webhook(http, format=format, source="/" + "x" * 199)
    wide, many = "\U0001f525" * 600, [f"{number:0512}" for number in range(99)]
    mark = Mark(by=wide, at=NOON, note=wide)
    incident = make_incident(
        problems={"fp": make_problem(title=wide)},
        resources=tuple(text[-97:] for text in many),
        tactics=tuple(text[-47:] for text in many),
        scope=wide,
        links=tuple(f"https://portal.azure.com/{text[-172:]}" for text in many),
        acknowledged=mark,
        resolved=mark,
        risk=make_risk(
            factors=tuple(
                Factor(name="n", points=1, because=text[-90:], evidence="e")
                for text in many
            )
        ),
    )
    [opened] = await webhook.plan(incident, [make_evidence(reading=many[0])] * 30)
    later = msgspec.structs.replace(opened, verb=Verb.UPDATE, news=tuple(many))

    await webhook.apply(telling(later, message(incident)))

    [sent] = http.sent
    assert 19_000 < len(sent.body) < 20_000
    data = sent.json["data"]
    assert [len(line) for line in data["news"]] == [250] * 4
    [done] = data["done"]
    assert len(done) == 200
    assert done.startswith("Acknowledged by \U0001f525")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (302, FailureReason.INVALID),
        (410, FailureReason.NOT_FOUND),
        (401, FailureReason.AUTH),
    ],
)
async def test_a_receiver_that_wants_no_more_gets_no_more(
    status: int, reason: FailureReason
) -> None:
    """Redirects are not followed, and 410 is for ever."""
    http = FakeHttp(Reply(status=status, headers={"location": URL}, body=b""))
    webhook = make_webhook(http)
    [action] = await planned(webhook, make_incident())

    with pytest.raises(PermanentFailure, match="the receiver of portal") as caught:
        await webhook.apply(action)

    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        base64.b64encode(b"n" * 32).decode(),
        "whsec_" + base64.b64encode(b"n" * 23).decode(),
        "whsec_" + base64.b64encode(b"n" * 65).decode(),
        SECRET.rstrip("="),
        SECRET + "\n",
        "whsec_" + base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        "whsec_\u00e9",
        "whsk_" + SECRET,
    ],
)
def test_a_malformed_secret_is_said_at_start(secret: str) -> None:
    """For either secret, by the name of its setting and never with its value."""
    with pytest.raises(SettingsError) as caught:
        make_webhook(FakeHttp(), secret=secret, previous_secret=secret)

    first, second = caught.value.problems
    assert first.startswith("responders.portal.secret: the setting NEW ")
    assert second.startswith("responders.portal.previous_secret: the setting OLD ")
    assert not secret.removeprefix("whsec_") or secret not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://portal.example/", "ftp://portal.example", "portal", "", "https://a@b/"],
)
def test_a_url_that_is_not_https_is_said_at_start(url: str) -> None:
    """Plain http would show incidents to the whole way there."""
    with pytest.raises(SettingsError, match=r"responders\.portal\.url "):
        make_webhook(FakeHttp(), url=url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/", "http://localhost/x", "http://[::1]/"]
)
def test_plain_http_is_for_this_machine(url: str) -> None:
    """What never leaves the machine needs no TLS."""
    assert make_webhook(FakeHttp(), url=url).name == "portal"
