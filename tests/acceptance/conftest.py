"""Worlds that tests of one worker share, each with alerts of its own subscription."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from cli import forwards
from cli.run import packaged_policy
from cli.story.attack import attack
from tests.acceptance.world import World, started

if TYPE_CHECKING:
    from cli.report import Report
    from cli.story.attack import Happening
    from shared.store.archive import DeadLetter


class Told(NamedTuple):
    """The story, and what came of it on a day without accidents."""

    now: datetime
    story: list[Happening]
    report: Report
    pages: list[dict[str, Any]]
    webhook: dict[str, Any]
    changes: list[dict[str, Any]]
    letters: list[DeadLetter]
    arrived: list[forwards.Arrived]


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> None:
    """Let the processes of tests hear it, in a suite that a shell put in the background.

    Such a one ignores SIGINT, and what it starts would too.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Shared:
    """A running Firewatch, from the first test that wants it to the last in a row."""

    def __init__(self) -> None:
        self._open = contextlib.ExitStack()
        self._world: World | None = None

    def world(self) -> World:
        """The one that runs, or a new one."""
        if self._world is None:
            self._world = self._open.enter_context(started())
        return self._world

    def close(self) -> None:
        """Stop it: its timers take a tenth of a processor for as long as it runs."""
        self._world = None
        self._open.close()


_SHARED = Shared()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Keep what tests share no longer than the next of them is one of those."""
    if "world" not in getattr(nextitem, "fixturenames", ()):
        _SHARED.close()


@pytest.fixture
def world() -> World:
    """A running Firewatch with the story's policy."""
    return _SHARED.world()


@pytest.fixture(scope="session")
def told() -> Told:
    """The story, told once from its beginning to its end."""
    now = datetime.now(UTC)
    story = attack(now)
    with started(packaged_policy()) as running:
        running.tell(story)
        running.wait_until_quiet()
        received = running.local.control("GET", "received")
        return Told(
            now=now,
            story=story,
            report=running.report(),
            pages=running.local.control("GET", "pages"),
            webhook=received["webhook"],
            changes=received["resources"]["changes"],
            letters=[letter for _, letter in running.letters()],
            arrived=asyncio.run(forwards.arrived(running.local)),
        )


@pytest.fixture
def subscription() -> str:
    """A subscription that no other test has."""
    return str(uuid.uuid4())
