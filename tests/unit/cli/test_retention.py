"""`firewatch retention` against the stand-in."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli.account import AccountError
from cli.main import app
from cli.retention import commands, showing
from devhost.outside import Fault, Outside
from shared.model.errors import CommandRefused, SettingsError
from tests.fakes.azure import SOC

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from typer.testing import Result

POLICY = """
responders: {}
routes: [{to: []}]
retention:
  tables:
    SecurityEvent: {interactive_days: 90, total_days: 730}
    Usage: {interactive_days: 30}
    AzureDiagnostics: {total_days: 365}
"""
TABLE = f"{SOC}/tables/SecurityEvent".lower()


class Asker:
    """The command, a stand-in that it is pointed at, and a folder of its own."""

    def __init__(self, outside: Outside, folder: Path) -> None:
        self.outside = outside
        self.policy = folder / "policy.yaml"
        self.policy.write_text(POLICY)
        self.before = folder / "before.json"

    async def run(self, verb: str, *more: object, answer: str = "") -> Result:
        """Run it as in a process of its own: it brings its own loop."""
        where = ["--url", f"{self.outside.url}/arm"]
        if verb != "undo":
            where += ["--policy", str(self.policy), "--workspace", SOC]
        if verb == "apply":
            where += ["--before", str(self.before)]
        given = ["retention", verb, *map(str, more), *where]
        return await asyncio.to_thread(CliRunner().invoke, app, given, input=answer)

    def own(self) -> dict[str, Any]:
        """The days that the table says itself."""
        properties = self.outside.manager.state()[TABLE]["properties"]
        return {k: v for k, v in properties.items() if k.endswith("InDays")}


@pytest.fixture
async def asker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Asker]:
    """A stand-in where changes take no time, and a terminal wide enough for lines."""
    monkeypatch.setattr(showing.console, "width", 200)
    async with Outside.start() as outside:
        outside.manager.operations.lasts = timedelta(0)
        yield Asker(outside, tmp_path)


async def test_a_plan_is_shown_and_nothing_changed(asker: Asker) -> None:
    """What is, what is to be, what it comes to, what cannot be and why."""
    done = await asker.run("plan")

    assert done.exit_code == 0, done.output
    assert "law-soc: 1 change in 2 tables" in done.stdout
    assert "730 / 730" in done.stdout
    assert "90 / 730" in done.stdout
    assert "-640 interactive days: what saves most" in done.stdout
    assert "not settable: Usage: keeps 90 days at least" in done.stdout
    assert "not there: AzureDiagnostics" in done.stdout
    assert "warning: SecurityEvent: rows older than 90 days" in done.stdout
    assert asker.outside.manager.changes == []


async def test_a_plan_as_json_has_what_would_be_sent(asker: Asker) -> None:
    """For programs."""
    done = await asker.run("plan", "--json")

    [plan] = json.loads(done.stdout)
    assert plan["workspace"] == SOC
    [line] = [each for each in plan["lines"] if each["properties"]]
    assert line["properties"] == {"retentionInDays": 90, "totalRetentionInDays": 730}
    assert line["before"]["interactive"] == 730


async def test_what_is_applied_can_be_undone(asker: Asker) -> None:
    """By the file that was written first, and as the last line says."""
    before = asker.outside.manager.state()

    done = await asker.run("apply", "--yes")

    assert done.exit_code == 0, done.output
    assert "SecurityEvent (law-soc): now keeps 90 / 730" in done.stdout
    assert f"firewatch retention undo {asker.before} --url" in done.stdout
    assert asker.own() == {"retentionInDays": 90, "totalRetentionInDays": 730}

    undone = await asker.run("undo", asker.before, "--yes")

    assert undone.exit_code == 0, undone.output
    assert "SecurityEvent (law-soc): now keeps 730 / 730" in undone.stdout
    assert asker.outside.manager.state() == before


async def test_what_was_before_is_written_before_anything_is_changed(
    asker: Asker,
) -> None:
    """Where it cannot be written nothing is changed; no file is written over."""
    asker.before.write_text("somebody's")

    done = await asker.run("apply", "--yes")

    assert isinstance(done.exception, FileExistsError)
    assert asker.outside.manager.changes == []
    assert asker.before.read_text() == "somebody's"


async def test_nobody_to_ask_is_no_agreement(asker: Asker) -> None:
    """Without a terminal and without --yes nothing is written and nothing changed."""
    done = await asker.run("apply")

    assert done.exit_code == 2
    assert "nobody is here to ask" in done.output
    assert not asker.before.exists()
    assert asker.outside.manager.changes == []


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
async def test_somebody_is_asked_after_the_plan_was_shown(
    asker: Asker, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    """Who says no has nothing written, and nothing changed."""
    monkeypatch.setattr(commands, "is_terminal", lambda: True)

    done = await asker.run("apply", answer=f"{answer}\n")

    assert done.exit_code == code
    shown, _, _ = done.stdout.partition("Change 1?")
    assert "what saves most" in shown
    assert asker.before.exists() == (answer == "y")
    assert bool(asker.outside.manager.changes) == (answer == "y")


async def test_what_did_not_work_is_said_and_is_an_exit_code(asker: Asker) -> None:
    """With what to do: the file is there, and applying again goes on."""
    asker.outside.faults.add(Fault(side="arm", delay_s=0, times=1))
    asker.outside.faults.add(Fault(side="arm", status=400))

    done = await asker.run("apply", "--yes")

    assert done.exit_code == 1
    assert "SecurityEvent (law-soc): NOT CHANGED" in done.stdout
    assert "apply again to go on" in done.stdout
    assert asker.before.exists()


async def test_undo_names_what_somebody_changed_since(asker: Asker) -> None:
    """And leaves it; by force it is put back."""
    await asker.run("apply", "--yes")
    found = asker.outside.manager.resources.find(TABLE)
    assert found is not None
    found["properties"]["totalRetentionInDays"] = 1095
    asker.outside.manager.resources.write(found)

    done = await asker.run("undo", asker.before, "--yes")

    assert done.exit_code == 1
    assert "SecurityEvent (law-soc): NOT CHANGED: somebody else changed" in done.stdout
    forced = await asker.run("undo", asker.before, "--yes", "--force")
    assert forced.exit_code == 0, forced.output
    assert asker.own() == {"retentionInDays": 730}


async def test_nothing_to_change_is_done(asker: Asker) -> None:
    """Nobody is asked, and no file is written."""
    asker.policy.write_text(POLICY.replace("90, total", "730, total"))

    done = await asker.run("apply")

    assert done.exit_code == 0, done.output
    assert not asker.before.exists()


@pytest.fixture
def nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `firewatch run`, whatever other tests have up at this moment."""
    monkeypatch.setattr("cli.account.RUNS", tmp_path / "none")


@pytest.mark.usefixtures("nothing_up")
@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (
            ("--workspace", "0" * 8 + "-0000-4000-8000-000000000000"),
            AccountError,
            "no workspace",
        ),
        (("--rehearse",), AccountError, "no `firewatch run` is up"),
    ],
)
async def test_a_place_that_is_not_there_is_said(
    asker: Asker, arguments: tuple[str, ...], error: type[Exception], said: str
) -> None:
    """Before anything is asked of a workspace."""
    done = await asker.run("plan", *arguments)

    assert isinstance(done.exception, error)
    assert said in str(done.exception)


async def test_a_policy_without_retention_is_told_apart_from_one_that_is_kept(
    asker: Asker,
) -> None:
    """Nothing wanted is not everything well."""
    asker.policy.write_text("responders: {}\nroutes: [{to: []}]")

    done = await asker.run("plan")

    assert isinstance(done.exception, SettingsError)
    assert "has no retention" in str(done.exception)


async def test_a_file_that_is_no_image_is_refused(asker: Asker) -> None:
    """With its name."""
    done = await asker.run("undo", asker.policy, "--yes")

    assert isinstance(done.exception, CommandRefused)
    assert "not what `firewatch retention apply` wrote" in str(done.exception)
