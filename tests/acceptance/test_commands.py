"""`firewatch incidents` and `dead-letters` against a running app."""

from __future__ import annotations

import json
import os
import stat
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from cli import account
from cli.feed import signed
from cli.story.attack import Way
from tests.acceptance.world import (
    Firewatch,
    World,
    alert,
    encoded,
    eventually,
    firewatch,
)

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

# Set the title, clear the screen, the same by a C1 control, turn the text around, link.
HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\x9b31m\u202etxt\x1b]8;;https://evil.example\x1b\\[bold]"
)


def _incidents(world: World, *arguments: str) -> Result:
    return firewatch("incidents", *arguments, "--account", world.local.storage)


def _letters(world: World, *arguments: str) -> Result:
    return firewatch("dead-letters", *arguments, "--account", world.local.storage)


def _json(done: Result) -> Any:  # noqa: ANN401  JSON
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def _opened(world: World, subscription: str, **changes: Any) -> str:  # noqa: ANN401
    """The id of a new incident that has paged."""
    world.send(encoded(alert(subscription, **changes)))
    world.wait_until_quiet()
    (incident,) = world.incidents(subscription)
    assert len(world.pages(subscription)) == 1
    return incident.id


def test_a_resolved_incident_ends_at_pagerduty(world: World, subscription: str) -> None:
    """`resolve` closes the page, and the timeline says who said so and why."""
    incident = _opened(world, subscription)

    done = _incidents(world, "resolve", incident, "--by", "ann", "--note", "a drill")

    assert done.exit_code == 0, done.stderr
    assert f"{incident} resolved" in done.stdout
    eventually(lambda: world.pages(subscription)[0]["resolved"])
    world.wait_until_quiet()
    verbs = [event.verb for event in world.events(subscription)]
    assert verbs == ["trigger", "resolve"]
    shown = _incidents(world, "show", incident).stdout
    assert "ann" in shown
    assert "a drill" in shown


def test_what_recurs_after_a_resolve_is_a_new_incident(
    world: World, subscription: str
) -> None:
    """It names the one before, and rings again by a key of its own."""
    first = _opened(world, subscription)
    _incidents(world, "resolve", first)
    eventually(lambda: world.pages(subscription)[0]["resolved"])

    world.send(encoded(alert(subscription, 2)))
    world.wait_until_quiet()

    before, after = world.incidents(subscription)
    assert before.id == first
    assert (before.status, before.alerts) == ("resolved", 1)
    assert (after.status, after.alerts, after.predecessor) == ("open", 1, first)
    old, new = world.pages(subscription)
    assert (old["resolved"], new["resolved"]) == (True, False)
    assert old["opens"] == new["opens"] == 1
    assert old["dedup_key"] != new["dedup_key"]


def test_an_acknowledged_incident_goes_on(world: World, subscription: str) -> None:
    """`ack` marks who works on it; it stays open, and the pager is told so, once."""
    incident = _opened(world, subscription)

    done = _incidents(world, "ack", incident, "--by", "ann")
    world.send(encoded(alert(subscription, 2)))
    world.wait_until_quiet()

    assert done.exit_code == 0, done.stderr
    (head,) = world.incidents(subscription)
    assert (head.status, head.alerts) == ("open", 2)
    assert head.acknowledged is not None
    assert head.acknowledged.by == "cli:ann"
    assert [event.verb for event in world.events(subscription)] == [
        "trigger",
        "acknowledge",
    ]
    assert "acknowledged by cli:ann" in _incidents(world, "show", incident).stdout


def test_the_list_shows_what_is_open(world: World, subscription: str) -> None:
    """A resolved incident is listed only with `--all`; both are JSON if asked."""
    incident = _opened(world, subscription)
    listed = _json(_incidents(world, "list", "--json"))
    table = _incidents(world, "list").stdout
    _incidents(world, "resolve", incident)

    after = _json(_incidents(world, "list", "--json"))
    everything = _json(_incidents(world, "list", "--json", "--all"))

    assert incident in table
    assert incident in {head["id"] for head in listed}
    assert incident not in {head["id"] for head in after}
    assert incident in {head["id"] for head in everything}


def test_one_incident_is_shown_whole(world: World, subscription: str) -> None:
    """`show --json` holds the alerts, what was done, and the timeline in order."""
    incident = _opened(world, subscription)

    found = _json(_incidents(world, "show", incident, "--json"))

    assert found["incident"]["id"] == incident
    assert [a["incident"] for a in found["alerts"]] == [incident]
    assert {a["responder"] for a in found["actions"]} == {"on-call", "soc"}
    entries = [entry["sequence"] for entry in found["timeline"]]
    assert entries == list(range(1, len(entries) + 1))
    kinds = [fact["kind"] for entry in found["timeline"] for fact in entry["facts"]]
    assert kinds[0] == "incident.opened"
    assert kinds.count("delivery.applied") == 2


@pytest.mark.parametrize("verb", ["show", "ack", "resolve"])
def test_an_unknown_incident_is_said_to_be_unknown(world: World, verb: str) -> None:
    """No incident of that id is exit code 1; what can be no id is a usage error."""
    unknown = _incidents(world, verb, "0" * 16)
    malformed = _incidents(world, verb, "../../etc")

    assert unknown.exit_code == 1
    assert "no incident 0000000000000000" in unknown.stderr
    assert malformed.exit_code == 2
    assert "Traceback" not in unknown.stderr + malformed.stderr


def test_an_alert_cannot_write_to_the_terminal(world: World, subscription: str) -> None:
    """Controls in an alert's id, type and title arrive nowhere; the words do."""
    incident = _opened(
        world,
        subscription,
        SystemAlertId=f"x-{subscription}{HOSTILE}",
        AlertType=f"VM_{HOSTILE}",
        AlertDisplayName=f"Title {HOSTILE} end",
        CompromisedEntity=HOSTILE,
    )
    world.send(b'{"broken ' + HOSTILE.encode() + subscription.encode())
    world.wait_until_quiet()

    shown = [
        _incidents(world, "list"),
        _incidents(world, "list", "--json"),
        _incidents(world, "show", incident),
        _incidents(world, "show", incident, "--json"),
        _letters(world, "list"),
        _letters(world, "list", "--json"),
    ]

    for done in shown:
        assert done.exit_code == 0, done.stderr
        assert _controls(done.stdout) == set()
    assert "Title" in shown[2].stdout
    assert "[bold]" in shown[2].stdout


def _controls(text: str) -> set[str]:
    """Every character that a terminal would act upon, and no line end."""
    return {c for c in text if unicodedata.category(c) in {"Cc", "Cf"} and c != "\n"}


def test_a_replayed_dead_letter_counts_again(world: World, subscription: str) -> None:
    """What is still garbage is a dead letter once more; the old one says when."""
    body = b"garbage of " + subscription.encode()
    world.send(body)
    world.wait_until_quiet()
    (name,) = (name for name, letter in world.letters() if letter.raw == body)
    before = world.books()

    done = _letters(world, "replay", name, "--yes", *_hub(world))
    world.wait_until_quiet()

    assert done.exit_code == 0, done.stderr
    after = world.books()
    assert after.received == before.received + 1
    assert after.dead_lettered == before.dead_lettered + 1
    marks = [letter.replayed_at is not None for letter in world.letters_of(body)]
    assert sorted(marks) == [False, True]


def test_a_replay_may_succeed_by_another_road(world: World, subscription: str) -> None:
    """What its sender might not send is taken from one that may; the mark stays."""
    body = encoded({"type": "Microsoft.Security/assessments", "id": subscription})
    secret = world.local.secrets["LOGIC_APP_KEY"]
    name = _refused_of_soar(world, body)
    before = world.books()

    done = _letters(
        world, "replay", name, "--yes", "--url", world.local.url, "--key", secret
    )

    assert done.exit_code == 0, done.stderr
    after = world.books()
    assert after.ignored == before.ignored + 1
    assert after.dead_lettered == before.dead_lettered
    (letter,) = world.letters_of(body)
    assert letter.replayed_at is not None
    listed = {x["name"]: x for x in _json(_letters(world, "list", "--json"))}
    assert listed[name]["replayed_at"]
    assert name in _letters(world, "list").stdout


def test_a_replay_asks_before_it_sends(world: World, subscription: str) -> None:
    """Without `--yes` and an answer nothing is sent; an unknown name is an error."""
    body = b"unsent " + subscription.encode()
    world.send(body)
    world.wait_until_quiet()
    (name,) = (name for name, letter in world.letters() if letter.raw == body)

    unasked = _letters(world, "replay", name, *_hub(world))
    unknown = _letters(world, "replay", "dead-letter/none", "--yes", *_hub(world))

    assert unasked.exit_code == 1
    assert unknown.exit_code == 2
    (letter,) = world.letters_of(body)
    assert letter.replayed_at is None


@pytest.mark.parametrize(
    ("road", "why"),
    [
        (("--hub", "Endpoint=garbage", "--hub-name", "alerts"), "alerts: "),
        (("--url", "http://127.0.0.1:9", "--key", "k"), "does not answer"),
        (("--url", "http://[", "--key", "k"), "does not answer"),
    ],
    ids=["hub", "url", "nonsense"],
)
def test_a_road_that_leads_nowhere_is_said_to(
    world: World, subscription: str, tmp_path: Path, road: tuple[str, ...], why: str
) -> None:
    """A replay that cannot be sent exits 1 with a sentence, and marks nothing."""
    body = b"stays " + subscription.encode()
    world.send(body)
    world.wait_until_quiet()
    (name,) = (name for name, letter in world.letters() if letter.raw == body)
    arguments = (name, "--yes", "--account", world.local.storage, *road)

    with Firewatch(tmp_path / "temp", "dead-letters", "replay", *arguments) as run:
        code = run.wait()

    assert code == 1, run.output
    assert why in run.output
    assert "Traceback" not in run.output
    (letter,) = world.letters_of(body)
    assert letter.replayed_at is None


def test_commands_find_the_run_that_is_up(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, subscription: str
) -> None:
    """Without `--account` they work on the run that left word of itself, and only then."""
    monkeypatch.setattr(account, "RUNS", tmp_path / ".run")
    incident = _opened(world, subscription)
    local = world.local
    run = account.Run(os.getpid(), local.storage, local.hub, local.hub_name, local.url)
    (tmp_path / ".run").mkdir()
    (tmp_path / ".run/2.json").write_text("half writ")
    (tmp_path / ".run/1.json").write_text(
        json.dumps(run._replace(pid=2**22 - 1)._asdict())
    )

    before = firewatch("incidents", "list", "--json")
    word = account.announce(run)
    found = firewatch("incidents", "list", "--json")

    assert isinstance(before.exception, account.AccountError)
    assert stat.S_IMODE(word.stat().st_mode) == 0o600
    assert incident in {head["id"] for head in json.loads(found.stdout)}


def _refused_of_soar(world: World, body: bytes) -> str:
    """The name of the dead letter of a body that the sender soar may not send."""
    world.post(body, signed(world.local, Way.HMAC, body))
    (name,) = (name for name, letter in world.letters() if letter.raw == body)
    return name


def _hub(world: World) -> tuple[str, ...]:
    return ("--hub", world.local.hub, "--hub-name", world.local.hub_name)
