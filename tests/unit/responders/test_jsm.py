"""What Jira Service Management is sent."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from devhost.outside.jsm import size
from responders.jsm import DESCRIPTION, MESSAGE, NOTE, Jsm, Recipient
from shared.actions.rendering import message, telling
from shared.model.action import Action, Occasion, Verb
from shared.model.alert import Severity
from shared.model.errors import SettingsError
from shared.model.incident import Incident, Mark
from shared.model.link import Link
from shared.model.message import HEADLINE, LINE, MOST_LINES, Message, Section
from shared.model.secret import SecretRef
from tests.conformance.kit import HOSTILE, hostile_evidence, hostile_incident
from tests.factories import NOON, SUBSCRIPTION, VM, make_evidence, make_incident
from tests.fakes.http import FakeHttp, Sent
from tests.fakes.ports import make_ports

KEY = "01234567-89ab-cdef-0123-456789abcdef"
ALERTS = "https://api.atlassian.com/jsm/ops/integration/v2/alerts"
TEAM = Recipient(id="4513b7ea", type="team")


def make_jsm(http: FakeHttp, *, key: str = KEY, **config: Any) -> Jsm:  # noqa: ANN401 - the fields of Config
    return Jsm(
        "jira",
        Jsm.Config(key=SecretRef("KEY"), **config),
        make_ports(http, {"KEY": key}),
    )


async def opening(incident: Incident | None = None) -> Action:
    """The notice that opens the incident, as the core tells it."""
    found = incident or make_incident()
    [action] = await make_jsm(FakeHttp()).plan(found)
    return telling(action, message(found))


async def sent_for(action: Action, **config: Any) -> Sent:  # noqa: ANN401
    """The request that tells it."""
    http = FakeHttp()
    await make_jsm(http, **config).apply(action)
    [sent] = http.sent
    return sent


def told(action: Action, said: Message, verb: Verb, occasion: Occasion) -> Action:
    """What becomes of the notice later."""
    return telling(replace(action, verb=verb, occasion=occasion), said)


async def test_an_incident_opens_an_alert() -> None:
    """What happened where, how bad it is, since when, and all that is known."""
    action = await opening(make_incident(links=("https://portal.azure.com/alert",)))

    sent = await sent_for(action)

    alert = sent.json
    description = alert.pop("description")
    assert sent.url == ALERTS
    assert sent.headers["authorization"] == f"GenieKey {KEY}"
    assert alert == {
        "alias": action.dedup_key,
        "message": "High: Possible web shell detected on vm-web-01 (3 alerts)",
        "priority": "P1",
        "tags": ["firewatch", "high", "Persistence"],
        "details": {
            "incident": "inc-1",
            "notice": action.key,
            "status": "open",
            "alerts": "3",
            "scope": SUBSCRIPTION,
            "resource": VM,
            "alert type": "VM_WebShellDetected",
            "first seen": "2026-11-23T12:00:00.000Z",
            "last seen": "2026-11-23T12:00:00.000Z",
        },
        "entity": "vm-web-01",
        "source": "Firewatch",
    }
    assert description.split("\n") == [
        "New incident: High: Possible web shell detected on vm-web-01 (3 alerts)",
        "",
        "The alert in Microsoft Defender:",
        "https://portal.azure.com/alert",
        "",
        "What happened",
        (
            "- Possible web shell detected (high) 3 times, 2026-11-23T12:00:00.000Z "
            "[VM_WebShellDetected]"
        ),
        "",
        "To what",
        f"- {VM}",
        "",
        "Tactics",
        "- Persistence",
        "",
        f"Incident inc-1, notice {action.key}",
    ]


@pytest.mark.parametrize(
    ("verb", "occasion", "doing"),
    [
        (Verb.UPDATE, Occasion.NEW_TACTIC, "notes"),
        (Verb.ACKNOWLEDGE, Occasion.ACKNOWLEDGED, "acknowledge"),
        (Verb.RESOLVE, Occasion.RESOLVED, "close"),
    ],
)
async def test_what_becomes_of_it_is_done_to_the_alert(
    verb: Verb, occasion: Occasion, doing: str
) -> None:
    """By the alias, which needs no id of theirs and no question."""
    action = replace(await opening(), dedup_key="fw-a/b?c")

    sent = await sent_for(told(action, message(make_incident()), verb, occasion))

    assert sent.url == f"{ALERTS}/fw-a%2Fb%3Fc/{doing}?identifierType=alias"
    assert sent.json["source"] == sent.json["user"] == "Firewatch"
    assert sent.json["note"].endswith(f"\nIncident inc-1, notice {action.key}")


async def test_a_note_says_all_that_is_known_by_now() -> None:
    """What is new first; the alert itself cannot be rewritten."""
    action = replace(await opening(), news=("Severity was low, is high",))
    said = message(make_incident(), [make_evidence()])

    sent = await sent_for(told(action, said, Verb.UPDATE, Occasion.SEVERITY_RAISED))

    lines = sent.json["note"].split("\n")
    assert lines[0].startswith("Severity raised: High: ")
    assert lines[2:4] == ["What is new", "- Severity was low, is high"]
    assert "What logs say" in lines


async def test_who_acknowledged_is_said_and_nothing_twice() -> None:
    """The alert has the rest already."""
    action = await opening()
    mark = Mark(by="ada@contoso.com", at=NOON, note="looking")
    said = message(make_incident(acknowledged=mark))

    sent = await sent_for(told(action, said, Verb.ACKNOWLEDGE, Occasion.ACKNOWLEDGED))

    assert sent.json["note"].split("\n")[2:4] == [
        "What was done",
        "- Acknowledged by ada@contoso.com at 2026-11-23T12:00:00.000Z: looking",
    ]
    assert "What happened" not in sent.json["note"]


@pytest.mark.parametrize(
    ("severity", "theirs"),
    [
        (Severity.HIGH, "P1"),
        (Severity.MEDIUM, "P2"),
        (Severity.LOW, "P4"),
        (Severity.INFORMATIONAL, "P5"),
    ],
)
async def test_priorities_are_theirs(severity: Severity, theirs: str) -> None:
    """Those that the policy names are the policy's, all others as documented."""
    action = await opening(make_incident(severity=severity))

    sent = await sent_for(action, priority={Severity.LOW: "P4"})

    assert sent.json["priority"] == theirs


async def test_a_person_is_alerted_alone() -> None:
    """An action's address is a user there, in the place of the configured ones."""
    action = await opening()
    ada = replace(action, address="bb4d9938")

    sent = [
        await sent_for(action),
        await sent_for(action, responders=(TEAM,)),
        await sent_for(ada, responders=(TEAM,)),
    ]

    assert [each.json.get("responders") for each in sent] == [
        None,
        [{"id": "4513b7ea", "type": "team"}],
        [{"id": "bb4d9938", "type": "user"}],
    ]


async def test_samples_are_tagged_and_marked() -> None:
    """So that a rule can keep drills from waking anybody."""
    sent = await sent_for(await opening(make_incident(is_sample=True)))

    assert "sample" in sent.json["tags"]
    assert sent.json["message"].startswith("[SAMPLE] ")


# Limits and HTML


def longest(char: str) -> Message:
    """As much as a message can hold."""
    said = message(
        make_incident(
            scope=char * LINE, resources=(char * LINE,), tactics=(char * LINE,) * 30
        )
    )
    lines = (char * LINE,) * MOST_LINES
    link = Link(text="x", href="https://x.example/" + "&" * 1_000)
    return replace(
        said,
        headline=char * HEADLINE,
        sections=(
            *said.sections,
            *(
                Section(key=key, title="What logs say", lines=lines)
                for key in "abcdefg"
            ),
        ),
        links=(link,) * 20,
    )


@pytest.mark.parametrize("char", ["x", "&", "<", "\U0001f525", "é"])
async def test_the_limits_hold_and_what_is_cut_shows(char: str) -> None:
    """Once escaped, counted as theirs counts; and there is no room left unused."""
    action = await opening()
    alert = await sent_for(telling(action, longest(char)))
    note = await sent_for(
        told(action, longest(char), Verb.UPDATE, Occasion.NEW_RESOURCE)
    )

    whole = size(escape_of(char)) * LINE
    found = alert.json
    assert MESSAGE - 10 < size(found["message"]) <= MESSAGE
    assert found["message"].endswith(f"{escape_of(char)}…")
    assert DESCRIPTION - whole - 200 < size(found["description"]) <= DESCRIPTION
    assert NOTE - whole - 200 < size(note.json["note"]) <= NOTE
    assert "\n- and " in found["description"]
    assert max(map(size, found["tags"])) <= 50
    assert len(found["tags"]) == 20
    assert size(found["entity"]) <= 512
    assert sum(size(a) + size(b) for a, b in found["details"].items()) <= 8_000


def escape_of(char: str) -> str:
    return {"&": "&amp;", "<": "&lt;"}.get(char, char)


@pytest.mark.parametrize("text", HOSTILE)
async def test_no_html_is_alive(text: str) -> None:
    """Neither where Jira reads HTML, nor where nobody said whether it does."""
    action = await opening(hostile_incident(text))
    said = message(hostile_incident(text), hostile_evidence(text))

    alert = (await sent_for(action)).json
    note = (await sent_for(told(action, said, Verb.UPDATE, Occasion.EVIDENCE))).json

    texts = [alert["message"], alert["description"], alert["entity"], note["note"]]
    for each in [*texts, *alert["tags"], *alert["details"].values()]:
        assert not {"<", ">"} & {*each}
        assert escaped(unescape(each)) == each


def escaped(text: str) -> str:
    """Written anew, so that it is not held against itself."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@given(text=st.text(alphabet="&<>a\U0001f525", min_size=20, max_size=200))
@settings(max_examples=200, deadline=None)
async def test_no_escape_is_cut(text: str) -> None:
    """Wherever the limit falls, what is left reads as the beginning of the text."""
    said = replace(message(make_incident()), headline=text)

    sent = await sent_for(telling(await opening(), said))

    shown = unescape(sent.json["message"])
    assert escaped(shown) == sent.json["message"]
    assert shown == text or (shown[-1] == "…" and text.startswith(shown[:-1]))


# Settings


@pytest.mark.parametrize("key", ["", "a b", "a\n", "\u00e9", "x: y\r\nz"])
def test_a_key_that_is_none_is_said_at_start(key: str) -> None:
    """The problem names the setting, never what is in it."""
    with pytest.raises(SettingsError) as caught:
        make_jsm(FakeHttp(), key=key)

    [problem] = caught.value.problems
    assert problem.startswith("responders.jira.key: the setting KEY ")
    assert not key or key not in problem


def test_every_problem_is_said_at_once() -> None:
    """Nobody mends a policy one error at a time."""
    with pytest.raises(SettingsError) as caught:
        make_jsm(FakeHttp(), key="", url="http://x.example", responders=(TEAM,) * 51)

    assert len(caught.value.problems) == 3


async def test_it_goes_to_the_site_that_the_policy_names() -> None:
    """Opsgenie's own API takes the same until it is switched off."""
    sent = await sent_for(await opening(), url="https://api.opsgenie.com/")

    assert sent.url == "https://api.opsgenie.com/v2/alerts"
