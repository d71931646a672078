"""`firewatch rehearse`: what a policy would have done about alerts that came."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.rehearsal import commands
from tests.alerts import NOON, alert_id, defender_alert, stamp
from tests.fakes.azure import QUARANTINE, WEB01

if TYPE_CHECKING:
    from pathlib import Path

APPROVER = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
DC01 = WEB01.replace("web01", "dc01")
WEB10 = WEB01.replace("web01", "web10")
MINUTE = timedelta(minutes=1)
POLICY = f"""
responders:
  room: {{use: webhook, url: "https://room.example.com/x", secret: {{setting: KEY}}}}
  quarantine: {{use: vm-quarantine, groups: ["{QUARANTINE}"]}}
routes:
  - to: [room]
contain:
  - {{name: mined, match: [alert_type=VM_Mined], do: [quarantine]}}
guards:
  mode: act
  approvers: [{APPROVER}]
"""


@pytest.fixture(autouse=True)
def wide_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is folded, however narrow the terminal that runs the tests."""
    monkeypatch.setattr(commands.console, "width", 300)


def mined(number: int, machine: str = WEB01, **changes: Any) -> bytes:  # noqa: ANN401
    """A machine mines, so many minutes after noon."""
    at = NOON + number * MINUTE
    fields = {
        "SystemAlertId": alert_id(number, at),
        "AlertType": "VM_Mined",
        "AzureResourceId": machine,
        "ResourceIdentifiers": [],
        "Entities": [],
        "StartTimeUtc": stamp(at),
        "EndTimeUtc": stamp(at),
        "TimeGenerated": stamp(at),
        "ProcessingEndTime": stamp(at),
    }
    return msgspec.json.encode(defender_alert(**fields | changes))


def rehearsed(folder: Path, policy: str, *bodies: bytes, against: str = "") -> Any:  # noqa: ANN401  JSON
    """What the command says as JSON."""
    done = CliRunner().invoke(app, [*_words(folder, policy, bodies, against), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def _words(
    folder: Path, policy: str, bodies: tuple[bytes, ...], against: str
) -> list[str]:
    feed = folder / "feed"
    feed.mkdir()
    for number, body in enumerate(bodies):
        # In no order: each comes at its own time.
        (feed / f"{-number % 10}.json").write_bytes(body)
    (folder / "mine.yaml").write_text(policy, "utf-8")
    words = ["rehearse", "--policy", str(folder / "mine.yaml"), "--feed", str(feed)]
    if against:
        (folder / "theirs.yaml").write_text(against, "utf-8")
        words += ["--against", str(folder / "theirs.yaml")]
    return words


def test_what_would_have_been_done_is_said(tmp_path: Path) -> None:
    """At the time of the alert, to what, by which rule, for how long."""
    found = rehearsed(tmp_path, POLICY, mined(0), b"no alert")

    (deed,) = found["deeds"]
    assert deed["at"].startswith("2026-11-23T12:00:00")
    assert (deed["outcome"], deed["why"]) == ("done", "")
    assert deed["target"] == WEB01.lower()
    assert deed["rules"] == ["mined"]
    assert deed["lasts_s"] == 4 * 3600
    assert found["differences"] == []


def test_what_guards_would_have_stopped_is_said_with_why(tmp_path: Path) -> None:
    """A machine that is protected, one past the budget, a sample."""
    policy = f"{POLICY}  budgets: [{{most: 1, strict: true}}]\n"

    found = rehearsed(
        tmp_path,
        policy,
        mined(0),
        mined(1, DC01),
        mined(2, WEB10),
        mined(3, WEB10, AlertType="SIMULATED_VM_Mined"),
    )

    said = {
        d["target"].rpartition("/")[2]: (d["outcome"], d["why"]) for d in found["deeds"]
    }
    assert said["web01"] == ("done", "")
    assert said["dc01"][0] == "refused"
    assert "firewatch:protected=true" in said["dc01"][1]
    assert said["web10"] == ("refused", "1 were begun within 60 minutes")


def test_past_a_share_of_a_subnet_it_says_which(tmp_path: Path) -> None:
    """Of the inventory's, in a sentence."""
    policy = f"{POLICY}  budgets: [{{share: 34}}]\n"

    found = rehearsed(tmp_path, policy, mined(0), mined(90, WEB10))

    said = {
        d["target"].rpartition("/")[2]: (d["outcome"], d["why"]) for d in found["deeds"]
    }
    assert said == {
        "web01": ("done", ""),
        "web10": (
            "asked",
            (
                "1 of the 3 machines of subnet vnet-shop/web is contained already or was"
                " within 60 minutes, and the policy allows 34 %"
            ),
        ),
    }


def test_what_would_have_been_asked_is_said(tmp_path: Path) -> None:
    """And nobody answers: it lapses, and the next alert asks anew."""
    policy = POLICY.replace("do: [quarantine]", "do: [quarantine], mode: approve")

    found = rehearsed(tmp_path, policy, mined(0), mined(200))

    assert {(d["outcome"], d["why"]) for d in found["deeds"]} == {
        ("asked", "the policy has people asked")
    }


def test_in_shadow_it_says_what_would_have_been_asked(tmp_path: Path) -> None:
    """The mode is the policy's own."""
    policy = POLICY.replace("mode: act", "mode: shadow\n  severity: high")

    found = rehearsed(tmp_path, policy, mined(0, Severity="Low"))

    (deed,) = found["deeds"]
    assert deed["outcome"] == "shadow"
    assert deed["why"] == "its alerts are low at most, and not high"


def test_two_policies_are_compared(tmp_path: Path) -> None:
    """Only what comes out otherwise."""
    other = POLICY.replace("mode: act", "mode: approve").replace(
        "match: [alert_type=VM_Mined]", "match: [alert_type=VM_Mined, host!=x]"
    )

    found = rehearsed(tmp_path, POLICY, mined(0), against=other)
    again = tmp_path / "again"
    again.mkdir()
    none = rehearsed(again, POLICY, mined(0), against=POLICY)

    (one,) = found["differences"]
    assert (one["before"], one["after"]) == ("asked", "done")
    assert one["target"] == WEB01.lower()
    assert none["differences"] == []


def test_people_read_tables(tmp_path: Path) -> None:
    """Counts, deeds, and what differs from the policy in force."""
    nothing = POLICY.replace("VM_Mined", "VM_Other")
    words = _words(tmp_path, POLICY, (mined(0),), nothing)

    shown = CliRunner().invoke(app, words).output

    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "1 alert in 1 event." in lines
    assert "1 deed: 1 done" in lines
    assert "1 difference, from theirs.yaml to mine.yaml" in lines
    assert any(" done mined Put web01 into network quarantine" in x for x in lines)
    assert any(" nothing done Put web01 into network" in x for x in lines)


def test_nothing_to_play_is_no_mistake(tmp_path: Path) -> None:
    """A feed without alerts has no deeds."""
    assert rehearsed(tmp_path, POLICY, b"{}") == {"deeds": [], "differences": []}


def test_mistakes_of_either_policy_are_named(tmp_path: Path) -> None:
    """Before anything is played."""
    words = _words(tmp_path, POLICY, (mined(0),), "routes: [")

    done = CliRunner().invoke(app, words)

    assert done.exit_code == 1
    assert "theirs.yaml: line" in done.output
