"""`firewatch deliveries`, over fake storage."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from typer.testing import CliRunner

from cli import incidents, main
from shared.model.errors import FailureReason, PermanentFailure
from tests.alerts import event
from tests.fakes.firewatch import World

if TYPE_CHECKING:
    from typer.testing import Result

    from shared.clouds.storage import Storage


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """An account in which a page was refused for good."""
    world = World()
    world.pager.failures = [PermanentFailure(FailureReason.AUTH, "it answered 403")]
    asyncio.run(world.feed([event()]))

    async def closed() -> None: ...

    async def opened(_: str) -> Storage:
        found = SimpleNamespace(ledger=world.ledger, queue=world.queue, close=closed)
        return cast("Storage", found)

    monkeypatch.setattr(incidents, "open_account", opened)
    return world


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main.app, ["deliveries", *arguments, "--account", "fake"])


def test_what_was_given_up_is_listed_and_sent_again(world: World) -> None:
    """1 while there is any, and 0 when it arrived."""
    incident = asyncio.run(world.head()).id
    listed, again = run("list"), run("list", "--json")
    assert (listed.exit_code, again.exit_code) == (1, 1)
    assert "1 notice did not arrive" in listed.stdout
    [row] = json.loads(again.stdout)
    assert (row["incident"], row["detail"]) == (incident, "it answered 403")

    sent = run("resend", "--all", "--by", "ada")
    asyncio.run(world.settle())

    assert sent.exit_code == 0, sent.output
    assert f"{incident}  1 tried again" in sent.stdout
    assert world.pager.sent_verbs() == ["trigger"]
    assert run("list").exit_code == 0


def test_nothing_is_sent_that_nobody_named(world: World) -> None:
    """2, and it says what to name; an unknown incident is an error."""
    nothing, unknown = run("resend"), run("resend", "0a" + "1" * 14)

    assert nothing.exit_code == 2
    assert "--all" in nothing.stdout
    assert unknown.exit_code == 2
    assert world.pager.sent == []
