"""`firewatch deeds` and `firewatch undo`, over fake storage."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli import deeds, incidents, main, silences, undo
from shared.containment.tagging import Tagging
from shared.model.deed_status import DeedStatus
from shared.model.errors import FailureReason, PermanentFailure
from shared.model.guards import Mode
from tests.fakes.estate import OPEN, Tags
from tests.unit.containment.kit import A_VM, acting, comes, only

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    from shared.clouds.storage import Storage
    from shared.model.deed import DeedRow
    from shared.model.rest import Rest
    from tests.fakes.firewatch import World


class Command:
    """The command on an account with one deed."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(main.app, [*arguments, "--account", "fake"])

    @property
    def row(self) -> DeedRow:
        """The deed."""
        return asyncio.run(only(self.world))

    @property
    def named(self) -> tuple[str, str]:
        """The deed as people name it."""
        return self.row.incident, self.row.key[:12]

    def look(self) -> None:
        """Let the app look."""
        asyncio.run(self.world.deliver())


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mode], Command]:
    """Makes the command, where the account named is a world in that mode."""

    def make(mode: Mode) -> Command:
        world = acting(mode)
        asyncio.run(comes(world))

        async def opened(_: str) -> Storage:
            async def close() -> None:
                return None

            worker = world.new_worker()
            found = SimpleNamespace(
                ledger=worker.ledger,
                history=world.history,
                queue=world.queue,
                close=close,
            )
            return cast("Storage", found)

        monkeypatch.setattr(incidents, "open_account", opened)
        for module in (deeds, undo, incidents):
            monkeypatch.setattr(module, "console", Console(width=300))
        monkeypatch.setattr(undo, "DOERS", {world.doer.use: lambda *_: world.doer})
        tagging = Tagging(cast("Rest", Tags(world.estate)))
        monkeypatch.setattr(undo, "Tagging", lambda _: tagging)
        monkeypatch.setattr(undo, "PAUSE_S", 0.0)
        return Command(world)

    return make


class TestDeeds:
    """What is listed and said of one."""

    def test_what_is_in_force_is_listed(self, made: Callable[[Mode], Command]) -> None:
        """With its key, and until when."""
        command = made(Mode.ACT)

        listed = command("deeds", "list").output

        assert "1 deed" in listed
        assert command.row.key[:12] in listed
        assert "Isolate vm-a: in force since 2026-11-23 12:00 UTC" in listed

    def test_what_is_only_planned_is_listed_on_demand(
        self, made: Callable[[Mode], Command]
    ) -> None:
        """As JSON too."""
        command = made(Mode.SHADOW)

        assert "0 deeds" in command("deeds", "list").output
        assert (
            "not done, the mode is shadow" in command("deeds", "list", "--all").output
        )
        assert (
            '"status": "planned"' in command("deeds", "list", "--all", "--json").output
        )

    def test_somebody_denies(self, made: Callable[[Mode], Command]) -> None:
        """By how the key begins."""
        command = made(Mode.APPROVE)

        denied = command("deeds", "deny", *command.named, "--by", "ada")

        assert denied.exit_code == 0
        assert "denied by cli:ada" in denied.output
        assert command.row.status is DeedStatus.DENIED

    def test_somebody_has_it_taken_back(self, made: Callable[[Mode], Command]) -> None:
        """The app does it, at its next look."""
        command = made(Mode.ACT)

        asked = command("deeds", "undo", *command.named)
        command.look()

        assert asked.exit_code == 0
        assert command.row.status is DeedStatus.UNDONE
        assert command.world.estate.isolated == set()

    def test_somebody_lets_it_hold_longer(
        self, made: Callable[[Mode], Command], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """From now on, whatever its end was."""
        command = made(Mode.ACT)
        monkeypatch.setattr(silences, "utc_now", command.world.clock)

        longer = command("deeds", "extend", *command.named, "--for", "8h")
        wrong = command("deeds", "extend", *command.named, "--for", "soon")

        assert longer.exit_code == 0
        assert command.row.until == command.world.clock() + timedelta(hours=8)
        assert wrong.exit_code == 2

    def test_another_deed_is_named(self, made: Callable[[Mode], Command]) -> None:
        """And nothing is done."""
        command = made(Mode.ACT)

        refused = command("deeds", "undo", command.row.incident, "ffff")

        assert refused.exit_code == 1
        assert "no such deed" in refused.output

    def test_everything_is_stopped(self, made: Callable[[Mode], Command]) -> None:
        """The list says so and by whom; and no more after that."""
        command = made(Mode.ACT)

        command("deeds", "stop", "--by", "ada")
        stopped = command("deeds", "list").output
        command("deeds", "resume")

        assert "Nothing is begun: stopped by cli:ada" in stopped
        assert "Nothing is begun" not in command("deeds", "list").output


class TestUndo:
    """By the tables alone."""

    def test_everything_is_taken_back(self, made: Callable[[Mode], Command]) -> None:
        """No worker looks, and it is written down."""
        command = made(Mode.ACT)
        assert {*command.world.estate.tagged} == {A_VM}

        done = command("undo", "--all", "--by", "ada")

        assert done.exit_code == 0, done.output
        assert command.world.estate.is_(A_VM) == OPEN
        assert command.world.estate.tagged == {}
        assert command.row.status is DeedStatus.UNDONE
        assert "taken back by cli:ada" in done.output
        head = asyncio.run(command.world.head())
        assert head.deeds[command.row.key].status is DeedStatus.UNDONE
        command.look()
        assert command.world.doer.sent == [("apply", A_VM), ("undo", A_VM)]

    def test_what_would_be_done_is_shown(self, made: Callable[[Mode], Command]) -> None:
        """The commands, and nothing else."""
        command = made(Mode.ACT)

        shown = command("undo", "--show")

        assert shown.exit_code == 0
        assert f"open {A_VM}" in shown.output
        assert command.row.status is DeedStatus.VERIFIED

    def test_one_incident_is_taken_back(self, made: Callable[[Mode], Command]) -> None:
        """And no other."""
        command = made(Mode.ACT)

        other = command("undo", "--incident", "0" * 16)
        held = command.world.estate.isolated
        mine = command("undo", "--incident", command.row.incident)

        assert (other.exit_code, mine.exit_code) == (0, 0)
        assert held == {A_VM}
        assert command.world.estate.isolated == set()

    def test_what_cannot_be_taken_back_is_said(
        self, made: Callable[[Mode], Command]
    ) -> None:
        """With the commands of a hand, and 1."""
        command = made(Mode.ACT)
        said = PermanentFailure(FailureReason.AUTH, "needs a right")
        command.world.doer.failures.append(said)

        failed = command("undo", "--all")

        assert failed.exit_code == 1
        assert "somebody has to look, needs a right" in failed.output
        assert f"open {A_VM}" in failed.output
        assert command.row.status is DeedStatus.STRANDED

    def test_what_somebody_changed_is_forced_by_name_alone(
        self, made: Callable[[Mode], Command]
    ) -> None:
        """Carefully it is left alone."""
        command = made(Mode.ACT)
        command.world.estate.put(A_VM, "mended by hand")

        careful = command("undo", "--all")
        left = command.world.estate.is_(A_VM)
        forced = command("undo", "--all", "--how", "force")

        assert (careful.exit_code, forced.exit_code) == (1, 0)
        assert left == "mended by hand"
        assert command.world.estate.is_(A_VM) == OPEN

    def test_somebody_must_say_what(self, made: Callable[[Mode], Command]) -> None:
        """Nothing is taken back by accident."""
        assert made(Mode.ACT)("undo").exit_code == 2
