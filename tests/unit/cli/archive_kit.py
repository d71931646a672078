"""`firewatch archive` over a world."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from typer.testing import CliRunner

from cli import incidents
from cli.archive import commands
from shared.store import reading, rows
from shared.store.ports import Put
from tests.alerts import batch
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    import pytest
    from typer.testing import Result

    from shared.clouds.storage import Storage
    from shared.model.alert import AlertRow


class Command:
    """The command on an account that is a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __call__(self, *arguments: str) -> Result:
        """Run it."""
        return CliRunner().invoke(commands.app, [*arguments, "--account", "fake"])

    def get(self, alert: str, *arguments: str) -> bytes:
        """What it gives of an alert."""
        found = self("get", alert, *arguments)
        assert found.exit_code == 0, found.output
        return found.stdout_bytes


def over(monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, where the account named is a new world."""
    world = World()

    async def opened(_: str) -> Storage:
        async def close() -> None:
            return None

        worker = world.new_worker()
        found = SimpleNamespace(
            ledger=worker.ledger,
            history=world.history,
            archive=worker.archive,
            blobs=world.blobs,
            close=close,
        )
        return cast("Storage", found)

    monkeypatch.setattr(incidents, "open_account", opened)
    return Command(world)


def feed(command: Command, *bodies: object, first: int = 1) -> list[bytes]:
    """Give the app a batch; the bytes of each event."""
    events = batch(*bodies, first=first)  # type: ignore[arg-type]
    asyncio.run(command.world.feed(events))
    return [each.body for each in events]


def row_of(command: Command, identity: str) -> AlertRow:
    """The row of an alert."""
    found = asyncio.run(reading.alert(command.world.ledger, identity))
    assert found is not None
    return found


def put(command: Command, row: AlertRow) -> None:
    """Replace the row of an alert."""
    world, key = command.world, rows.alert(row.id)
    partition = rows.partition_of_incident(row.incident)
    etag = world.table._rows[partition, key].etag
    asyncio.run(world.table.commit(partition, [Put(key, rows.encode(row), etag)]))


def verified(command: Command, *arguments: str) -> dict[str, Any]:
    """What verifying comes to, as JSON."""
    found = command("verify", "--json", *arguments)
    report: dict[str, Any] = json.loads(found.stdout)
    assert found.exit_code == int(bool(report["misfits"])), found.output
    return report
