"""What Azure Communication Services is sent, and what a mail client makes of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from responders.email import API_VERSION, SCOPE, Email
from responders.markup.mail import mail
from shared.actions.rendering import message, telling
from shared.model.action import Action, Occasion, Verb
from shared.model.alert import Severity
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    SettingsError,
    TransientFailure,
)
from shared.model.http import Reply
from shared.model.incident import Incident, IncidentStatus
from shared.model.link import Link
from shared.model.message import HEADLINE, LINE, MOST_LINES, Message, Section
from shared.model.text import clean
from tests.conformance.kit import HOSTILE, hostile_evidence, hostile_incident
from tests.factories import NOON, SUBSCRIPTION, VM, make_evidence, make_incident
from tests.fakes.http import FakeHttp
from tests.fakes.ports import TOKEN, make_ports
from tests.unit.responders.mails import parsed, split

ENDPOINT = "https://contoso.communication.azure.com"
ACKNOWLEDGE = Link(
    text="Acknowledge", href="https://fw.example/a/x?y=1&z=2", verb="acknowledge"
)
OPEN = Link(text="Open in Firewatch", href="https://fw.example/i/1")


def make_email(http: FakeHttp, **config: Any) -> Email:  # noqa: ANN401 - the fields of Config
    given: dict[str, Any] = {
        "endpoint": ENDPOINT,
        "sender": "firewatch@mail.example",
        "to": ("soc@example.com",),
    }
    return Email("mail", Email.Config(**given | config), make_ports(http, {}))


async def opening(incident: Incident | None = None, *links: Link) -> Action:
    """The notice that opens the incident, as the core tells it."""
    found = incident or make_incident()
    [action] = await make_email(FakeHttp()).plan(found)
    return telling(action, message(found), *links)


async def mail_of(action: Action, **config: Any) -> dict[str, Any]:  # noqa: ANN401
    """The mail that tells it."""
    http = FakeHttp()
    await make_email(http, **config).apply(action)
    return http.sent[0].json


def updating(action: Action, occasion: Occasion) -> Action:
    return replace(action, verb=Verb.UPDATE, occasion=occasion, key="k-2")


# The request


async def test_a_mail_is_handed_over() -> None:
    """To the resource, by the app's identity, with an id that follows from the key."""
    http = FakeHttp()
    action = await opening()

    outcome = await make_email(http, endpoint=f"{ENDPOINT}/").apply(action)

    [sent] = http.sent
    assert sent.url == f"{ENDPOINT}/emails:send?api-version={API_VERSION}"
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert str(UUID(outcome.reference)) == sent.headers["operation-id"]
    assert sent.json["senderAddress"] == "firewatch@mail.example"
    assert sent.json["recipients"] == {"to": [{"address": "soc@example.com"}]}
    assert sent.json["userEngagementTrackingDisabled"] is True


@pytest.mark.parametrize(
    ("endpoint", "scope"),
    [
        (ENDPOINT, SCOPE),
        ("http://127.0.0.1:8080/email", "http://127.0.0.1:8080/email/.default"),
    ],
)
async def test_a_stand_in_gets_no_token_of_the_real_one(
    endpoint: str, scope: str
) -> None:
    """What is asked for by plain http opens nothing."""
    asked = []

    async def token(wanted: str) -> str:
        asked.append(wanted)
        return "t"

    ports = make_ports(FakeHttp(), {})._replace(token=token)
    config = Email.Config(endpoint=endpoint, sender="a@b.example", to=("c@d.example",))

    await Email("mail", config, ports).apply(await opening())

    assert asked == [scope]


async def test_two_notices_are_two_operations() -> None:
    """Ids differ where keys do, and are the same where keys are."""
    http = FakeHttp()
    email = make_email(http)
    action = await opening()

    for each in (action, replace(action, key="other"), action):
        await email.apply(each)

    first, other, again = (sent.headers["operation-id"] for sent in http.sent)
    assert first == again != other


@pytest.mark.parametrize("status", [400, 409])
async def test_a_repeat_that_is_refused_was_taken(status: int) -> None:
    """Azure knows the operation: the first attempt went out, whatever it says now."""
    known = Reply(status=200, headers={}, body=b'{"status":"Succeeded"}')
    http = FakeHttp(Reply(status=status, headers={}, body=b""), known)

    outcome = await make_email(http).apply(await opening())

    post, get = http.sent
    operation = post.headers["operation-id"]
    assert get.url.startswith(f"{ENDPOINT}/emails/operations/{operation}?")
    assert get.headers["authorization"] == f"Bearer {TOKEN}"
    assert outcome.reference == operation


async def test_a_refused_mail_is_refused() -> None:
    """Bad recipients are for ever: Azure knows no such operation."""
    unknown = Reply(status=404, headers={}, body=b"")
    http = FakeHttp(Reply(status=400, headers={}, body=b"soc@example.com"), unknown)

    with pytest.raises(PermanentFailure) as caught:
        await make_email(http).apply(await opening())

    assert caught.value.reason is FailureReason.INVALID
    assert "soc@" not in str(caught.value)


async def test_past_the_quota_is_later() -> None:
    """Every attempt counts towards it, so Azure's own wait is kept."""
    http = FakeHttp(Reply(status=429, headers={"retry-after": "40"}, body=b""))

    with pytest.raises(TransientFailure) as caught:
        await make_email(http).apply(await opening())

    assert caught.value.retry_after == timedelta(seconds=40)
    assert len(http.sent) == 1


async def test_a_person_is_told_alone() -> None:
    """An action's address stands in the place of the configured ones."""
    action = replace(await opening(), address="ada@example.com")

    told = await mail_of(action, reply_to=("soc@example.com",))

    assert told["recipients"] == {"to": [{"address": "ada@example.com"}]}
    assert told["replyTo"] == [{"address": "soc@example.com"}]


@pytest.mark.parametrize(
    "address", ["ada", "Ada <ada@example.com>", "a@b.c, d@e.f", "a@b\r\nBcc: x@y.z"]
)
async def test_an_address_that_is_none_is_not_sent_to(address: str) -> None:
    """What a schedule holds is checked before it gets anywhere."""
    http = FakeHttp()
    action = replace(await opening(), address=address)

    with pytest.raises(PermanentFailure) as caught:
        await make_email(http).apply(action)

    assert http.sent == []
    assert address not in str(caught.value)


# The thread


async def test_what_follows_is_a_reply_to_the_opening() -> None:
    """Clients put a notice's mails together; each has an id of its own."""
    action = await opening()
    first = (await mail_of(action))["headers"]
    second = (await mail_of(updating(action, Occasion.NEW_RESOURCE)))["headers"]

    assert first["Message-ID"] == f"<{action.dedup_key}@mail.example>"
    assert not {"In-Reply-To", "References"} & first.keys()
    assert second["Message-ID"] == "<k-2@mail.example>"
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert second["x-firewatch-notice"] == action.dedup_key
    assert second["x-firewatch-key"] == "k-2"


async def test_threads_can_be_switched_off() -> None:
    """Should Azure refuse the headers, the subject still says what belongs together."""
    action = await opening()

    told = await mail_of(updating(action, Occasion.EVIDENCE), threaded=False)

    assert not {"In-Reply-To", "References"} & told["headers"].keys()
    assert told["content"]["subject"].endswith(f"[{action.dedup_key[:19]}]")


@pytest.mark.parametrize(
    ("severity", "priority"),
    [
        (Severity.HIGH, "1"),
        (Severity.MEDIUM, None),
        (Severity.LOW, "5"),
        (Severity.INFORMATIONAL, "5"),
    ],
)
async def test_what_opens_is_as_urgent_as_it_is_severe(
    severity: Severity, priority: str | None
) -> None:
    """So are a severity that rose and a reminder; nothing else that is told later is."""
    action = await opening(make_incident(severity=severity))
    later = [
        updating(action, occasion)
        for occasion in (
            Occasion.SEVERITY_RAISED,
            Occasion.REMINDER,
            Occasion.EVIDENCE,
            Occasion.RESOLVED,
        )
    ]

    found = [
        (await mail_of(each))["headers"].get("x-priority") for each in (action, *later)
    ]

    assert found == [priority, priority, priority, None, None]


# The subject


async def test_the_subject_says_what_and_of_which_incident() -> None:
    """What is told later begins with why."""
    action = replace(
        await opening(), dedup_key="fw-0d3324cfbd1c4d44-" + "e3b12a4c6a689858" * 2
    )
    headline = "High: Possible web shell detected on vm-web-01 (3 alerts)"
    later = telling(updating(action, Occasion.NEW_TACTIC), message(make_incident()))

    subjects = [(await mail_of(each))["content"]["subject"] for each in (action, later)]

    assert subjects == [
        f"{headline} [fw-0d3324cfbd1c4d44]",
        f"New tactic: {headline} [fw-0d3324cfbd1c4d44]",
    ]


async def test_a_long_headline_gives_way() -> None:
    """Why and which incident are there however long it is."""
    action = await opening()
    said = replace(message(make_incident()), headline="h" * HEADLINE)
    later = telling(updating(action, Occasion.NEW_TACTIC), said)

    subject = (await mail_of(later))["content"]["subject"]

    assert len(subject) == 200
    assert subject.startswith("New tactic: hhh")
    assert subject.endswith(f"h… [{action.dedup_key[:19]}]")


async def test_no_alert_adds_a_header() -> None:
    """A subject is one line, whatever a title holds."""
    incident = hostile_incident("a\r\nBcc: evil@example.com\r\n\r\n<p>x")

    told = await mail_of(await opening(incident))

    assert told["content"]["subject"].isprintable()
    assert {*told["recipients"]} == {"to"}
    assert all(value.isprintable() for value in told["headers"].values())


# The two forms


def forms(said: Message) -> tuple[list[str], list[str]]:
    """What is read in the HTML and in the text, in order, links aside."""
    made = mail(said, footer="the footer")
    shown = [text for text in parsed(made.html).texts if text != "Firewatch"]
    lines, _ = split(made.text)
    links = {f"{link.text}:" for link in said.links}
    return (
        [text for text in shown if text not in {link.text for link in said.links}],
        [line.removeprefix("- ") for line in lines if line and line not in links],
    )


async def test_both_forms_say_the_same() -> None:
    """Why, headline, facts, sections in order, what was left out, and the footer."""
    incident = make_incident(
        resources=tuple(f"{VM}-{number}" for number in range(MOST_LINES + 3)),
        last_seen=NOON + timedelta(minutes=42),
        links=("https://portal.azure.com/alert",),
    )
    action = replace(await opening(incident), news=("Severity was low, is high",))
    told = telling(action, message(incident, [make_evidence()]), ACKNOWLEDGE).message
    assert told is not None

    html, text = forms(told)

    assert html == text
    assert html[:5] == [
        "New incident",
        "High: Possible web shell detected on vm-web-01-0 and 22 more (3 alerts)",
        (
            "Incident inc-1, open, 3 alerts, 2026-11-23 12:00 UTC to "
            f"2026-11-23 12:42 UTC, in {SUBSCRIPTION}"
        ),
        "What is new",
        "Severity was low, is high",
    ]
    assert "and 3 more" in html
    assert html[-3:] == [
        "What logs say",
        "account mallory@contoso.com: 1 operation by mallory@contoso.com.",
        "the footer",
    ]


async def test_links_are_those_of_the_message_and_ours_come_first() -> None:
    """Buttons before all sections; a link is the same in both forms."""
    incident = make_incident(links=("https://portal.azure.com/alert?a=1&b=2",))
    told = (await opening(incident, ACKNOWLEDGE, OPEN)).message
    assert told is not None
    made = mail(told, footer="")

    html, (_, urls) = parsed(made.html), split(made.text)

    assert html.links == urls == [link.href for link in told.links]
    assert html.texts.index("Acknowledge") < html.texts.index("What happened")
    assert html.texts.index("What happened") < html.texts.index("Open in Firewatch")


async def test_an_end_looks_like_one() -> None:
    """The colour of what is over is none of a severity."""
    ended = make_incident(status=IncidentStatus.RESOLVED)
    open_html, ended_html = (
        mail(message(each), footer="").html for each in (make_incident(), ended)
    )

    assert "#067647" in ended_html
    assert "#067647" not in open_html


def test_no_mail_is_longer_than_clients_show() -> None:
    """The longest lines and links that there can be, and both are counted."""
    lines = ("'" * LINE,) * MOST_LINES
    said = replace(
        message(make_incident(scope="'" * 2 * LINE)),
        headline="'" * HEADLINE,
        sections=tuple(Section(key=key, title=key, lines=lines) for key in "abcdefgh"),
        links=(OPEN, *(Link(text="x", href="https://x.example/" + "&" * 2_000),) * 22),
    )

    made = mail(said, footer="")

    assert 80_000 < len(made.html.encode()) < 102_000
    read, urls = split(made.text)
    links_left_out, *left_out = map(int, re.findall(r"and (\d+) more", made.text))
    assert len(urls) + links_left_out == 23
    assert read.count(f"- {lines[0]}") + sum(left_out) == 8 * MOST_LINES
    assert parsed(made.html).problems == []


# Hostile text


def skeleton(html: str) -> tuple[object, ...]:
    """Everything of the HTML but its words: elements, attributes, links."""
    found = parsed(html)
    assert found.problems == []
    return found.elements, found.links


def told_of(text: str) -> Message:
    """A message with the text everywhere, and as many lines whatever it is."""
    word = message(hostile_incident("x"), hostile_evidence("x"))
    return replace(
        word,
        headline=text,
        scope=text,
        sections=tuple(
            replace(section, lines=tuple(text for _ in section.lines))
            for section in word.sections
        ),
        links=(ACKNOWLEDGE, OPEN),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_nothing_but_text(text: str) -> None:
    """No element, no attribute and no link more than with a harmless word.

    The text is put in with its URLs live: what holds is the escaping alone.
    """
    short = clean(text)[:60]
    harmless = mail(told_of("x"), footer="")

    made = mail(told_of(short), footer="")

    assert skeleton(made.html) == skeleton(harmless.html)


@given(text=st.text(alphabet=st.sampled_from("<>&\"'=/ ax!-[]\n`\\#;"), max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text_is_nothing_but_text(text: str) -> None:
    """Whatever the pieces of HTML are put together to."""
    harmless = mail(told_of("x"), footer="")

    made = mail(told_of(text), footer="")

    assert skeleton(made.html) == skeleton(harmless.html)


def test_a_link_stays_in_its_attribute() -> None:
    """Quotes and brackets are legal in the links that Microsoft gives."""
    evil = (
        """https://x.example/'"><script>alert(1)</script><a href="https://y.example"""
    )
    said = replace(message(make_incident()), links=(Link(text="<b>", href=evil),))

    found = parsed(mail(said, footer="").html)

    assert found.problems == []
    assert found.links == [evil]
    assert "<b>" in found.texts


# Settings


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"endpoint": "http://contoso.communication.azure.com"}, "endpoint must begin"),
        ({"endpoint": "contoso"}, "endpoint is not a URL"),
        ({"sender": "Firewatch <a@b.example>"}, "sender is not an address"),
        ({"sender": "a@b.example\r\nx: y"}, "sender is not an address"),
        ({"to": ()}, "to: expected 1 to 50 addresses"),
        ({"to": ("a@b.example",) * 51}, "to: expected 1 to 50 addresses"),
        ({"to": ("a@b.example", "soc")}, "to[1] is not an address"),
        ({"reply_to": ("@",)}, "reply_to[0] is not an address"),
    ],
)
def test_wrong_settings_are_said_at_start(
    config: dict[str, object], problem: str
) -> None:
    """Before anything has to be sent with them."""
    with pytest.raises(SettingsError) as caught:
        make_email(FakeHttp(), **config)

    [said] = caught.value.problems
    assert said.startswith(f"responders.mail.{problem}")


def test_every_problem_is_said_at_once() -> None:
    """Nobody mends a policy one error at a time."""
    with pytest.raises(SettingsError) as caught:
        make_email(FakeHttp(), endpoint="", sender="", to=("",), reply_to=("",))

    assert len(caught.value.problems) == 4
