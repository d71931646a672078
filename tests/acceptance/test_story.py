"""The written attack, from its events to what the other sides saw."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from cli.story.attack import Way
from tests.acceptance.world import Firewatch, eventually, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.conftest import Told

# How many alerts of the story are about each thing.
ALERTS = {"web01": 17, "lake7": 9, "kv-core": 4, "aks-prod": 3, "sql-crm": 1, "s-vm": 2}

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(),
    reason="whose child a process is, is read from /proc",
)


def test_each_thing_attacked_is_one_incident(told: Told) -> None:
    """The incidents are six, and each holds exactly the alerts about one thing."""
    expected = sorted(_alerts_by_thing(told).values())

    found = sorted(incident.alerts for incident in told.report.incidents)

    assert [len(alerts) for alerts in found] == [len(alerts) for alerts in expected]
    assert found == expected
    assert sorted(len(alerts) for alerts in found) == sorted(ALERTS.values())


def test_the_incident_its_source_closed_is_resolved(told: Told) -> None:
    """Only the login that Defender itself resolved ends; the others wait for people."""
    states = {
        incident.resources[0].rsplit("/", 1)[-1]: (incident.severity, incident.status)
        for incident in told.report.incidents
    }

    assert states == {
        "web01": ("high", "open"),
        "lake7": ("high", "open"),
        "kv-core": ("high", "open"),
        "aks-prod": ("high", "open"),
        "sql-crm": ("low", "resolved"),
        "s-vm": ("high", "open"),
    }


def test_the_books_account_for_every_event(told: Told) -> None:
    """Sixty units come in, and each is booked once as what it was."""
    assert msgspec.to_builtins(told.report.books) == {
        "received": 60,
        "stored": 36,
        "updated": 2,
        "duplicate": 9,
        "stale": 2,
        "suppressed": 0,
        "ignored": 9,
        "dead_lettered": 2,
    }


def test_each_incident_pages_once(told: Told) -> None:
    """PagerDuty saw a page per incident, opened once, under the key we reported."""
    keys = {
        delivery.key: delivery.incident
        for delivery in told.report.deliveries
        if delivery.responder == "on-call"
    }

    assert len(told.pages) == len(ALERTS)
    assert {page["opens"] for page in told.pages} == {1}
    # What was done about the mined machine is told once more, and calls nobody.
    again = [page for page in told.pages if page["triggers"] > 1]
    assert ["web01" in page["summary"] for page in again] == [True]
    assert {page["dedup_key"] for page in told.pages} == keys.keys()
    assert set(keys.values()) == {i.id for i in told.report.incidents}
    (ended,) = (page for page in told.pages if page["resolved"])
    assert "sql-crm" in ended["summary"]


def test_a_sample_is_paged_as_a_sample(told: Told) -> None:
    """Nobody takes the two sample alerts for an attack."""
    marked = [page for page in told.pages if page["summary"].startswith("[SAMPLE]")]

    assert len(marked) == 1
    assert "s-vm" in marked[0]["summary"]


def test_the_signed_webhook_is_believed_by_its_receiver(told: Told) -> None:
    """Each notice passes the receiver's check of its signature, and comes once."""
    notices = told.webhook["deliveries"]
    opened = [n for n in notices if n["body"]["type"] == "incident.opened"]
    resolved = [n for n in notices if n["body"]["type"] == "incident.resolved"]
    ids = {incident.id for incident in told.report.incidents}

    assert told.webhook["refused"] == []
    assert {n["repeats"] for n in notices} == {0}
    assert sorted(n["body"]["data"]["id"] for n in opened) == sorted(ids)
    assert [n["body"]["data"]["resources"][0][-7:] for n in resolved] == ["sql-crm"]
    updated = [n for n in notices if n not in opened and n not in resolved]
    assert {n["body"]["data"]["resources"][0][-5:] for n in updated} == {"web01"}
    assert len(notices) == len(opened) + len(resolved) + len(updated)


def test_every_page_of_what_is_open_has_what_logs_say(told: Told) -> None:
    """And logs answer every question: the attack is all over them."""
    notices = told.webhook["deliveries"]
    opened = [
        n["body"]["data"] for n in notices if n["body"]["type"] == "incident.opened"
    ]
    # What was over before anybody looked is not asked about.
    paged = [data for data in opened if data["status"] == "open"]

    assert len(paged) >= 5
    for data in paged:
        statuses = {each["status"] for each in data["evidence"]}
        assert statuses == {"complete"}, data["title"]
        assert any("203.0.113.77" in each["reading"] for each in data["evidence"])
    for incident in told.report.incidents:
        assert incident.evidence or incident.status != "open"


def test_the_score_of_every_incident_can_be_checked_by_hand(told: Told) -> None:
    """It is the sum of its factors, and each is of the alerts or of evidence shown."""
    for incident in told.report.incidents:
        assert incident.risk is not None, incident.title
        points = sum(factor.points for factor in incident.risk.factors)
        assert incident.risk.total == min(100, max(0, points)) > 0
        shown = {each.query for each in incident.evidence} | {""}
        assert {factor.evidence for factor in incident.risk.factors} <= shown
    of_logs = [
        {factor.name for factor in incident.risk.factors if factor.evidence}
        for incident in told.report.incidents
        if incident.risk is not None
    ]
    assert any({"threat intelligence", "failures then success"} <= f for f in of_logs)


def test_what_the_policy_calls_critical_weighs_more(told: Told) -> None:
    """By the tags of the resource, which are in the evidence too."""
    found = {
        incident.resources[0].rsplit("/", 1)[-1]: factor.because
        for incident in told.report.incidents
        if incident.risk is not None
        for factor in incident.risk.factors
        if factor.evidence == "resource-tags"
    }
    said = {
        incident.resources[0].rsplit("/", 1)[-1]: each.reading
        for incident in told.report.incidents
        for each in incident.evidence
        if each.query == "resource-tags"
    }

    assert found == {
        "kv-core": "kv-core is tagged criticality=High.",
        "lake7": "lake7 is tagged criticality=High.",
    }
    assert said["kv-core"].startswith("Critical by the policy: criticality=High")
    assert "owner=team-shop on web01" in said["web01"]
    assert "s-vm" not in said


def test_garbage_is_kept_byte_for_byte(told: Told) -> None:
    """What is no JSON lies in dead letters exactly as it came, text or not."""
    garbage = [h.body for h in told.story if h.thread == "garbage"]

    kept = [letter.raw for letter in told.letters]

    assert sorted(kept) == sorted(garbage)
    assert len(garbage) == 2
    assert all(letter.source.startswith("hub/alerts/") for letter in told.letters)


def test_everything_planned_was_done_at_once(told: Told) -> None:
    """No delivery needed a second attempt, and nothing is left to do."""
    assert told.report.ok
    assert {d.status for d in told.report.deliveries} == {"applied"}
    assert {d.attempts for d in told.report.deliveries} == {1}


def test_every_side_has_the_same_of_every_incident(told: Told) -> None:
    """Splunk, Log Analytics, QRadar, ArcSight and a hub parsed all of what was sent."""
    ids = {incident.id for incident in told.report.incidents}
    keys = {each.side: {*each.keys} for each in told.arrived}
    findings = keys.pop("Event Hub, findings of OCSF")

    assert len(keys) == 4
    assert [each.side for each in told.arrived if each.refused] == []
    assert [each.side for each in told.arrived if not each.incidents >= ids] == []
    first, *others = keys.values()
    assert len(first) > 80
    assert others == [first] * 3
    # A finding more for each problem of an incident.
    assert findings >= first


def test_every_forward_was_taken(told: Told) -> None:
    """At the first attempt, and none of them is news of its own."""
    assert {each.status for each in told.report.forwards} == {"applied"}
    assert {each.attempts for each in told.report.forwards} == {1}
    assert {each.responder for each in told.report.forwards} == {
        "splunk",
        "log-analytics",
        "qradar",
        "arcsight",
        "siem-hub",
    }


def test_the_mined_machine_is_cut_off_and_let_go(told: Told) -> None:
    """Its alert is confirmed at its owner; and then it is on the network it was on."""
    (deed,) = told.report.actions
    (mined,) = [i for i in told.report.incidents if i.id == deed.incident]
    (cut, tagged, freed, cleared) = [
        (each["what"], each["before"], each["after"])
        for change in told.changes
        for each in change["differences"]
    ]

    assert (deed.responder, deed.status) == ("quarantine", "expired")
    assert mined.resources[0].endswith("/web01")
    assert cut[0] == freed[0] == "properties.networkSecurityGroup.id"
    assert cut[1].endswith("/nsg-web")
    assert cut[2].endswith("/nsg-quarantine")
    assert (freed[1], freed[2]) == (cut[2], cut[1])
    # Whoever finds it in between reads there why, and until when.
    assert tagged[1] == ""
    assert mined.id in str(tagged[2])
    assert (cleared[1], cleared[2]) == (tagged[2], tagged[1])


@needs_proc
def test_the_command_tells_it_and_leaves_nothing(tmp_path: Path) -> None:
    """`firewatch run --once` exits 0, writes the documented report, and is gone."""
    path = tmp_path / "report.json"

    with Firewatch(tmp_path / "temp", "run", "--once", "--report", str(path)) as run:
        code = run.wait()

        assert code == 0, run.output
        assert run.left_behind == []
    _assert_documented(read_json(path))
    assert "Everything adds up" in run.output


@needs_proc
@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "starting"),
        (signal.SIGINT, "working"),
        (signal.SIGTERM, "working"),
        (signal.SIGKILL, "launching"),
    ],
)
def test_a_run_that_is_ended_takes_everything_with_it(
    number: signal.Signals, moment: str, tmp_path: Path
) -> None:
    """Whenever Ctrl-C, SIGTERM or kill -9 comes, no process of the run survives."""
    with Firewatch(tmp_path / "temp", "run") as run:
        eventually(lambda: _has_reached(run, moment), within_s=90)

        # The terminal sends Ctrl-C to the whole job, everybody else to one process.
        send = os.killpg if number is signal.SIGINT else os.kill
        send(run.process.pid, number)
        code = run.wait(30)
        eventually(lambda: not run.started, within_s=20)

        if number is not signal.SIGKILL:
            assert code == 130, run.output
            assert run.left_behind == []
        assert "Traceback" not in run.output


def _has_reached(run: Firewatch, moment: str) -> bool:
    assert run.process.poll() is None, run.output
    match moment:
        case "starting":
            return bool(run.started)
        case "launching":
            # One of ours, too young to know that it is to end with its parent.
            return any("-m devhost" in line for line in run.started.values())
        case _:
            return "Up after" in run.output


def _alerts_by_thing(told: Told) -> dict[str, list[str]]:
    """The ids of the story's alerts by the resource they name."""
    found: dict[str, set[str]] = {}
    for happening in told.story:
        if happening.thread in {"garbage", "posture"}:
            continue
        for fields in _units(json.loads(happening.body)):
            lowered = {name.lower(): value for name, value in fields.items()}
            ids = found.setdefault(lowered["azureresourceid"].lower(), set())
            ids.add(lowered["systemalertid"].lower())
    assert {h.way for h in told.story} == set(Way)
    return {thing: sorted(ids) for thing, ids in found.items()}


def _units(content: list[Any] | dict[str, Any]) -> Iterator[dict[str, Any]]:
    if isinstance(content, list):
        yield from content
    else:
        yield content.get("body", content)


def _assert_documented(report: dict[str, Any]) -> None:
    """Whether a report has exactly the keys that the requirement names."""
    assert set(report) == {
        "books",
        "incidents",
        "deliveries",
        "forwards",
        "actions",
        "dead_letters",
        "ok",
    }
    assert set(report["books"]) == {
        "received",
        "stored",
        "updated",
        "duplicate",
        "stale",
        "suppressed",
        "ignored",
        "dead_lettered",
    }
    assert len(report["incidents"]) == len(ALERTS)
    for incident in report["incidents"]:
        assert set(incident) == {
            "id",
            "title",
            "severity",
            "status",
            "alerts",
            "resources",
            "first_seen",
            "last_seen",
            "evidence",
            "risk",
        }
        for said in incident["evidence"]:
            assert set(said) == {
                "query",
                "subject",
                "status",
                "reason",
                "rows",
                "reading",
            }
    for delivery in report["deliveries"]:
        assert set(delivery) == {
            "incident",
            "responder",
            "key",
            "reason",
            "status",
            "attempts",
        }
    for letter in report["dead_letters"]:
        assert set(letter) == {"source", "reason"}
    assert report["ok"] is True
