"""`firewatch incidents`, `silences` and `explain`, over fake storage."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli import explain, incidents, main, silences
from shared.model.errors import CommandRefused
from shared.store import reading, rows
from tests.alerts import NOON, alert_id, defender_alert, event
from tests.fakes.clock import Clock
from tests.fakes.firewatch import KEEP, World

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from shared.clouds.storage import Storage
    from shared.model.incident import Incident

POLICY = """
responders:
  hook: {use: webhook, url: "http://127.0.0.1:1/x", secret: {setting: HOOK_KEY}}
routes:
  - to: [hook]
    name: everything
suppress:
  - name: of-the-policy
    match: [severity=low]
    reason: noise
    owner: soc
    until: 2026-12-01T00:00:00Z
"""


class Command:
    """The command on an account with one incident."""

    def __init__(self, world: World, policy: Path) -> None:
        self.world = world
        self.policy = policy
        self.id = asyncio.run(world.head()).id

    def __call__(self, *arguments: str) -> Result:
        """Run it."""
        return CliRunner().invoke(main.app, [*arguments, "--account", "fake"])

    def ruled(self, *arguments: str) -> Result:
        """Run it with the policy."""
        return self(*arguments, "--policy", str(self.policy))

    def head(self) -> Incident:
        """The incident as it is now."""
        found = asyncio.run(reading.lineage(self.world.ledger, self.id))
        return found[-1]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """The command, where the account named is a world."""
    # `--for` counts from the command's clock, and the store's must not be behind it.
    world = World()
    asyncio.run(world.feed([event()]))

    async def opened(_: str) -> Storage:
        async def close() -> None:
            return None

        worker = world.new_worker()
        found = SimpleNamespace(
            ledger=worker.ledger,
            history=world.history,
            queue=world.queue,
            archive=worker.archive,
            blobs=world.blobs,
            close=close,
        )
        return cast("Storage", found)

    monkeypatch.setattr(incidents, "open_account", opened)
    for module in (incidents, silences, explain):
        monkeypatch.setattr(module, "console", Console(width=300))
    for module in (silences,):
        monkeypatch.setattr(module, "utc_now", Clock())
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    return Command(world, policy)


class TestOrders:
    """What people say."""

    def test_an_incident_is_closed_with_a_verdict_and_reopened(
        self, command: Command
    ) -> None:
        """Each says what it did; the timeline keeps who and why."""
        closed = command(
            "incidents",
            "close",
            command.id,
            "--classification",
            "benign_positive",
            "--reason",
            "suspicious_but_expected",
            "--by",
            "ada",
        )
        verdict = command.head().verdict
        reopened = command("incidents", "reopen", command.id, "--note", "no, it is")

        assert closed.output == f"{command.id} closed as benign_positive.\n"
        assert verdict is not None
        assert verdict.reason == "suspicious_but_expected"
        assert reopened.output == f"{command.id} reopened.\n"
        assert command.head().status == "open"
        shown = command("incidents", "show", command.id).output
        assert "cli:ada" in shown
        assert "no, it is" in shown

    def test_a_comment_is_kept(self, command: Command) -> None:
        """In the timeline, and one that says nothing is refused."""
        assert command("incidents", "comment", command.id, "odd").exit_code == 0

        refused = command("incidents", "comment", command.id, " ")

        assert isinstance(refused.exception, CommandRefused)
        assert "odd" in command("incidents", "show", command.id).output

    def test_merge_and_split_say_what_there_is_then(self, command: Command) -> None:
        """The winner, and the incident that was split off."""
        asyncio.run(
            command.world.feed([event(defender_alert(SystemAlertId="2"), place=2)])
        )

        split = command("incidents", "split", command.id, "--alert", "2")
        (other,) = {h.id for h in asyncio.run(command.world.heads())} - {command.id}
        merged = command("incidents", "merge", other, "--into", command.id)
        nowhere = command("incidents", "merge", command.id, "--into", "0" * 16)

        assert split.output == f"{command.id} split: {other} has the alerts.\n"
        survivor = asyncio.run(command.world.head()).id
        assert merged.output == (
            f"{other} and {command.id} are one incident: {survivor}.\n"
        )
        assert nowhere.exit_code == 1

    @pytest.mark.parametrize(
        "order",
        [("reopen",), ("comment", "x"), ("close", "--classification", "undetermined")],
    )
    def test_one_that_is_not_there_is_said(
        self, command: Command, order: tuple[str, ...]
    ) -> None:
        """Exit 1; and 2 for an id that cannot be one."""
        name, *rest = order

        assert command("incidents", name, "0" * 16, *rest).exit_code == 1
        assert command("incidents", name, "nonsense", *rest).exit_code == 2


class TestLists:
    """What is shown."""

    @pytest.mark.parametrize(
        ("options", "is_shown"),
        [
            ((), True),
            (("--status", "open", "--status", "closed"), True),
            (("--status", "resolved"), False),
            (("--match", "severity>=medium"), True),
            (("--match", "severity>=medium", "--match", "sample=true"), False),
            (("--all", "--match", 'title!="x"'), True),
        ],
    )
    def test_the_list_is_filtered(
        self, command: Command, options: tuple[str, ...], *, is_shown: bool
    ) -> None:
        """By state and by matchers, as routes have them."""
        found = command("incidents", "list", *options)

        assert found.exit_code == 0
        assert (command.id in found.output) is is_shown

    @pytest.mark.parametrize(
        "options", [("--match", "colour=red"), ("--status", "asleep")]
    )
    def test_a_filter_that_is_none_is_said(
        self, command: Command, options: tuple[str, ...]
    ) -> None:
        """Exit 2, with what there is."""
        found = command("incidents", "list", *options)

        assert found.exit_code == 2

    def test_a_score_is_shown_as_a_sum(self, command: Command) -> None:
        """Whoever adds up the points of its factors gets the total."""
        risk = command.head().risk
        shown = command("incidents", "show", command.id).output

        assert risk is not None
        assert f"Risk {risk.total}" in shown
        points = re.findall(
            r"^ *[a-z ]+ ([+-][0-9]+) +the alerts ", shown, re.MULTILINE
        )
        assert sum(map(int, points)) == risk.total > 0
        assert f"Sum: {risk.formula}" in shown

    def test_a_timeline_is_verified(self, command: Command) -> None:
        """Consistent, anchored after a night; 1 once a row is gone."""
        good = command("incidents", "verify", command.id)
        command.world.clock.step(timedelta(days=1))
        asyncio.run(command.world.worker.audit())
        anchored = command("incidents", "verify", command.id)
        key = rows.partition_of_incident(command.id), rows.entry(command.id, 1)
        del command.world.table._rows[key]
        broken = command("incidents", "verify", command.id)
        as_json = command("incidents", "verify", command.id, "--json")

        assert good.exit_code == 0
        assert good.output.endswith("consistent, not anchored.\n")
        end = "consistent, anchored to 2026-11-24T00:00:00Z.\n"
        assert anchored.output.endswith(end)
        assert broken.exit_code == as_json.exit_code == 1
        assert broken.output.endswith("broken: entry 1 is missing.\n")
        assert json.loads(as_json.output)["problem"] == "entry 1 is missing"
        assert command("incidents", "verify", "0" * 16).exit_code == 1


class TestSilences:
    """`firewatch silences`."""

    def test_one_is_added_listed_and_ended(self, command: Command) -> None:
        """With what it matches, who answers for it, and until when."""
        added = command.ruled(
            *("silences", "add", "patching", "--match", "severity=high"),
            *("--match", 'title!="x"', "--reason", "patches", "--owner", "ops"),
            *("--for", "2h", "--break-through", "sample=true"),
        )
        listed = command.ruled("silences", "list").output
        as_json = json.loads(command.ruled("silences", "list", "--json").output)
        command.world.clock.step(timedelta(minutes=1))
        ended = command.ruled("silences", "end", "patching")

        until = "2026-11-23 14:00Z"
        assert added.output == f"patching holds back what fits it until {until}.\n"
        assert "2 silences" in listed
        assert "severity=high; title!=x" in listed.replace('"', "")
        assert [each["name"] for each in as_json] == ["of-the-policy", "patching"]
        assert as_json[1]["break_through"] == ["sample=true"]
        assert ended.output == "patching has ended.\n"

    def test_one_that_only_counts_says_so(self, command: Command) -> None:
        """When it is made and when it is listed."""
        added = command.ruled(
            *("silences", "add", "trial", "--match", "severity=high", "--monitor"),
            *("--reason", "x", "--owner", "ops", "--until", "2026-11-24T12:00:00Z"),
        )

        assert "trial counts what fits it" in added.output
        assert "only counts" in command.ruled("silences", "list").output

    @pytest.mark.parametrize(
        "options",
        [
            (),
            ("--for", "2h", "--until", "2026-11-24T12:00:00Z"),
            ("--for", "soon"),
            ("--until", "tomorrow"),
            ("--until", "2026-11-24T12:00:00"),
            ("--for", "2h", "--match", "x"),
            ("--for", "2h", "--break-through", "x"),
        ],
    )
    def test_what_is_wrong_is_said(
        self, command: Command, options: tuple[str, ...]
    ) -> None:
        """Exit 2; nothing is made."""
        found = command.ruled(
            *("silences", "add", "a", "--match", "severity=low"),
            *("--reason", "x", "--owner", "ops", *options),
        )

        assert found.exit_code == 2
        assert "1 silence" in command.ruled("silences", "list").output

    def test_those_of_the_policy_are_ended_there(self, command: Command) -> None:
        """And one that is not there is not ended."""
        of_policy = command.ruled("silences", "end", "of-the-policy")
        nobody = command.ruled("silences", "end", "nobody\x1b[2J")

        assert isinstance(of_policy.exception, CommandRefused)
        assert nobody.exit_code == 1
        assert "\x1b" not in nobody.output


class TestExplain:
    """`firewatch explain`."""

    def test_an_alert_is_explained_in_lines(self, command: Command) -> None:
        """Its own, and those of its incident."""
        found = command.ruled("explain", "--alert", alert_id()).output

        assert found.startswith("Why\n")
        assert "Route everything takes it (everything), for hook." in found
        assert "pager (no route names it any more): it was told at" in found

    def test_as_json_it_is_what_the_api_says(self, command: Command) -> None:
        """The same fields."""
        found = command.ruled("explain", "--incident", command.id, "--json").output

        about = json.loads(found)
        assert about["incident"] == command.id
        assert about["routes"][0]["label"] == "everything"

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            ((), 2),
            (("--alert", "a", "--incident", "0" * 16), 2),
            (("--incident", "x"), 2),
            (("--incident", "0" * 16), 1),
            (("--alert", "nobody"), 1),
        ],
    )
    def test_what_is_not_there_is_said(
        self, command: Command, options: tuple[str, ...], code: int
    ) -> None:
        """Exit 1 for what is not in the account, 2 for what cannot be meant."""
        assert command.ruled("explain", *options).exit_code == code

    def test_a_policy_that_cannot_be_read_is_said(self, command: Command) -> None:
        """With its name."""
        found = command("explain", "--alert", "a", "--policy", "/nowhere.yaml")

        assert found.exit_code == 2
        assert "nowhere.yaml" in found.output

    def test_no_text_of_an_alert_reaches_the_terminal_as_more(
        self, command: Command
    ) -> None:
        """Controls and markup in a title have no effect."""
        hostile = defender_alert(
            SystemAlertId=alert_id(2),
            AlertType="Other",
            AlertDisplayName="[red]x\x1b[2J\u202e",
            Severity="High",
        )
        asyncio.run(command.world.feed([event(hostile)]))

        found = command.ruled("explain", "--alert", alert_id(2)).output

        assert "\x1b" not in found
        assert "\u202e" not in found


class TestHistory:
    """What ended long ago."""

    @pytest.fixture
    def past(self, command: Command) -> Command:
        """The command, where the incident has left the working table."""
        assert command("incidents", "resolve", command.id).exit_code == 0
        asyncio.run(command.world.settle())
        command.world.clock.step(KEEP + timedelta(days=1))
        assert asyncio.run(command.world.worker.retention()).moved == 1
        return command

    def test_it_is_shown_and_proved(self, past: Command) -> None:
        """With its alert, what was sent and its timeline; and where it is."""
        shown = past("incidents", "show", past.id)
        as_json = json.loads(past("incidents", "show", past.id, "--json").output)
        proved = past("incidents", "verify", past.id)
        why = past.ruled("explain", "--incident", past.id).output

        assert shown.exit_code == 0
        assert "resolved, in history" in shown.output
        assert alert_id() in shown.output
        assert as_json["in_history"]
        assert len(as_json["alerts"]) == 1
        assert len(as_json["actions"]) == 2
        assert proved.output.endswith("consistent, not anchored.\n")
        assert "It is in history: it can be read, and is closed for good." in why

    @pytest.mark.parametrize(
        ("options", "is_shown"),
        [
            (("--all",), False),
            (("--ended-in", "2026-11"), True),
            (("--ended-in", "2026-11", "--match", "severity=high"), True),
            (("--ended-in", "2026-11", "--match", "severity=low"), False),
            (("--ended-in", "2026-11", "--status", "closed"), False),
            (("--ended-in", "2026-12"), False),
            (("--fingerprint", "PROBLEM"), True),
            (("--fingerprint", "PROBLEM", "--ended-in", "2026-11"), True),
            (("--fingerprint", "0" * 32), False),
            (("--fingerprint", "0" * 32, "--ended-in", "2026-11"), False),
        ],
    )
    def test_it_is_listed_by_its_month_and_its_problem(
        self, past: Command, options: tuple[str, ...], *, is_shown: bool
    ) -> None:
        """And filtered like others; among those that go on it is not."""
        (head,) = asyncio.run(past.world.history.month(NOON))
        (problem,) = head.problems

        found = past(
            "incidents", "list", *(o.replace("PROBLEM", problem) for o in options)
        )

        assert found.exit_code == 0
        assert (past.id in found.output) is is_shown

    @pytest.mark.parametrize("month", ["2026", "2026-13", "October", "2026-10-01"])
    def test_what_is_no_month_is_said(self, command: Command, month: str) -> None:
        """Exit 2."""
        assert command("incidents", "list", "--ended-in", month).exit_code == 2

    @pytest.mark.parametrize(
        "order",
        [
            ("ack", "ID"),
            ("resolve", "ID"),
            ("reopen", "ID"),
            ("comment", "ID", "x"),
            ("close", "ID", "--classification", "undetermined"),
            ("merge", "ID", "--into", "0600000000000000"),
            ("merge", "0600000000000000", "--into", "ID"),
            ("split", "ID", "--alert", "a"),
        ],
    )
    def test_commands_are_refused(self, past: Command, order: tuple[str, ...]) -> None:
        """With where it is."""
        done = past("incidents", *(word.replace("ID", past.id) for word in order))

        assert isinstance(done.exception, CommandRefused)
        assert "is in history" in str(done.exception)
