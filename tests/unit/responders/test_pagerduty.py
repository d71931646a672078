"""What PagerDuty is sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from responders.pagerduty import BODY_CAP, PagerDuty
from shared.actions.rendering import message, telling
from shared.model.alert import Severity
from shared.model.errors import SettingsError
from shared.model.incident import Incident, IncidentStatus
from shared.model.message import Section
from shared.model.secret import SecretRef
from tests.factories import (
    NOON,
    SUBSCRIPTION,
    VM,
    make_incident,
    make_problem,
    make_risk,
)
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

KEY = "0123456789abcdef0123456789ABCDEF"


def make_pagerduty(http: FakeHttp, *, key: str = KEY, **config: Any) -> PagerDuty:  # noqa: ANN401 - the fields of Config
    return PagerDuty(
        "on-call",
        PagerDuty.Config(routing_key=SecretRef("KEY"), **config),
        make_ports(http, {"KEY": key}),
    )


async def sent_for(incident: Incident, **config: str) -> list[dict[str, Any]]:
    """The events that tell PagerDuty all about the incident."""
    http = FakeHttp()
    responder = make_pagerduty(http, **config)
    for action in await responder.plan(incident):
        await responder.apply(telling(action, message(incident)))
    return [sent.json for sent in http.sent]


async def test_an_incident_triggers_an_alert() -> None:
    """The event says what happened where, how bad it is, and since when."""
    incident = make_incident(links=("https://portal.azure.com/alert",))

    [event] = await sent_for(incident, client_url="https://firewatch.example/")

    dedup_key = event.pop("dedup_key")
    assert dedup_key.startswith("fw-")
    assert event == {
        "routing_key": KEY,
        "event_action": "trigger",
        "client": "Firewatch",
        "client_url": "https://firewatch.example/",
        "links": [
            {
                "href": "https://portal.azure.com/alert",
                "text": "The alert in Microsoft Defender",
            }
        ],
        "payload": {
            "summary": "High: Possible web shell detected on vm-web-01 (3 alerts)",
            "source": VM,
            "severity": "critical",
            "timestamp": "2026-11-23T12:00:00.000Z",
            "component": "vm-web-01",
            "group": SUBSCRIPTION,
            "class": "VM_WebShellDetected",
            "custom_details": {
                "incident": "inc-1",
                "why": "New incident",
                "status": "open",
                "alerts": 3,
                "problems": [
                    (
                        "Possible web shell detected (high) 3 times, "
                        "2026-11-23T12:00:00.000Z [VM_WebShellDetected]"
                    )
                ],
                "resources": [VM],
                "tactics": ["Persistence"],
            },
        },
    }


async def test_a_resolve_names_the_alert_and_nothing_else() -> None:
    """PagerDuty finds the alert by its dedup_key."""
    incident = make_incident(status=IncidentStatus.RESOLVED)

    trigger, resolve = await sent_for(incident)

    assert resolve == {
        "routing_key": KEY,
        "event_action": "resolve",
        "dedup_key": trigger["dedup_key"],
    }


async def test_it_goes_to_the_region_of_the_account() -> None:
    """The URL is a setting; the path is the API's."""
    http = FakeHttp()
    responder = make_pagerduty(http, url="https://events.eu.pagerduty.com/")

    [action] = await responder.plan(make_incident())
    outcome = await responder.apply(telling(action, message(make_incident())))

    assert http.sent[0].url == "https://events.eu.pagerduty.com/v2/enqueue"
    assert outcome.reference == action.dedup_key


@pytest.mark.parametrize(
    ("severity", "theirs"),
    [
        (Severity.HIGH, "critical"),
        (Severity.MEDIUM, "error"),
        (Severity.LOW, "warning"),
        (Severity.INFORMATIONAL, "info"),
    ],
)
async def test_severities_are_theirs(severity: Severity, theirs: str) -> None:
    """Four of ours are four of theirs."""
    [event] = await sent_for(make_incident(severity=severity))

    assert event["payload"]["severity"] == theirs


async def test_samples_are_marked_first_of_all() -> None:
    """Who is woken by a drill sees it before anything else."""
    [event] = await sent_for(make_incident(is_sample=True, alerts=1))

    assert event["payload"]["summary"] == (
        "[SAMPLE] High: Possible web shell detected on vm-web-01 (1 alert)"
    )


async def test_a_long_title_gives_way() -> None:
    """Severity, resource and count are there however long the title is."""
    problems = {"fp": make_problem(title="x" * 40_000)}
    incident = make_incident(problems=problems, resources=(VM, "b", "c"))

    [event] = await sent_for(incident)

    summary = event["payload"]["summary"]
    assert len(summary) == 1024
    assert summary.startswith("High: xxx")
    assert summary.endswith("x… on vm-web-01 and 2 more (3 alerts)")


async def test_an_alert_about_no_resource_has_its_scope_as_source() -> None:
    """PagerDuty wants a source, and an alert need not name a resource."""
    [event] = await sent_for(make_incident(resources=(), scope="tenant"))

    payload = event["payload"]
    assert (payload["source"], payload["component"]) == ("tenant", "tenant")
    assert payload["summary"] == "High: Possible web shell detected (3 alerts)"


async def test_the_worst_problem_comes_first() -> None:
    """Summary, class and details agree on what matters most."""
    problems = {
        "a": make_problem(severity=Severity.LOW, title="low", alert_type="T_Low"),
        "b": make_problem(title="late", first_seen=NOON + timedelta(hours=1)),
        "c": make_problem(title="worst", alert_type="T_Worst"),
    }

    [event] = await sent_for(make_incident(problems=problems))

    payload = event["payload"]
    details = payload["custom_details"]["problems"]
    assert ": worst on " in payload["summary"]
    assert payload["class"] == "T_Worst"
    assert [line.split(" (")[0] for line in details] == ["worst", "late", "low"]


async def test_a_predecessor_is_named() -> None:
    """Who sees the page can find what came before it."""
    [event] = await sent_for(make_incident(predecessor="inc-0"))

    [line] = event["payload"]["custom_details"]["done"]
    assert line == "It goes on from incident inc-0"


async def test_the_page_says_what_its_score_is_the_sum_of() -> None:
    """So that whoever is woken can check it; nothing where there is none."""
    [scored] = await sent_for(make_incident(risk=make_risk()))
    [plain] = await sent_for(make_incident())

    found = scored["payload"]["custom_details"]["risk"]
    assert found[:2] == [
        "Score 60: 40 + 20 = 60",
        "+40 severity: The severity is high.",
    ]
    assert "risk" not in plain["payload"]["custom_details"]


async def test_lists_are_capped() -> None:
    """Twenty of each are enough to act on."""
    incident = make_incident(
        resources=tuple(f"{VM}-{number}" for number in range(50)),
        problems={f"fp-{number}": make_problem() for number in range(50)},
        links=("https://portal.azure.com/alert",) * 50,
    )

    [event] = await sent_for(incident)

    details = event["payload"]["custom_details"]
    assert [len(details["resources"]), len(details["problems"])] == [21, 21]
    assert details["resources"][-1] == "and 30 more"
    assert len(event["links"]) == 20


async def test_an_event_too_large_goes_out_without_its_details() -> None:
    """A page without details is better than a refused one."""
    http = FakeHttp()
    responder = make_pagerduty(http)
    [action] = await responder.plan(make_incident())
    said = message(make_incident())
    endless = Section(key="x", title="x", lines=("y" * BODY_CAP,))
    long = msgspec.structs.replace(said, sections=(endless,))

    await responder.apply(telling(action, long))

    [sent] = http.sent
    assert len(sent.body) < 2_000
    assert "left out" in sent.json["payload"]["custom_details"]["note"]
    assert sent.json["payload"]["summary"].startswith("High: ")


@pytest.mark.parametrize(
    "key",
    ["", "short", KEY + "\n", KEY + "0", " " + KEY[1:], "\u00e9" + KEY[1:], "-" * 32],
)
def test_a_key_that_is_none_is_said_at_start(key: str) -> None:
    """The problem names the setting, never what is in it."""
    with pytest.raises(SettingsError) as caught:
        make_pagerduty(FakeHttp(), key=key)

    [problem] = caught.value.problems
    assert problem.startswith("responders.on-call.routing_key: the setting KEY ")
    assert not key or key not in problem


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"url": "http://events.pagerduty.com"}, "responders.on-call.url must begin"),
        ({"url": "https://user:pass@pd.example"}, "responders.on-call.url is not"),
        ({"url": "events.pagerduty.com"}, "responders.on-call.url is not"),
        ({"url": "https://[pd"}, "responders.on-call.url is not"),
        ({"client_url": "javascript:x"}, "responders.on-call.client_url is not"),
    ],
)
def test_a_wrong_url_is_said_at_start(config: dict[str, str], problem: str) -> None:
    """Before anything has to be sent to it."""
    with pytest.raises(SettingsError) as caught:
        make_pagerduty(FakeHttp(), **config)

    assert [text for text in caught.value.problems if text.startswith(problem)]


def test_every_problem_is_said_at_once() -> None:
    """Nobody mends a policy one error at a time."""
    with pytest.raises(SettingsError) as caught:
        make_pagerduty(FakeHttp(), key="", url="http://x.example", client_url="x")

    assert len(caught.value.problems) == 3
