"""Power cuts: the app is killed at any moment, started again, and nothing shows."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from devhost.local import LocalError, Pace
from shared.model.action import Change
from tests.acceptance.world import started

if TYPE_CHECKING:
    from cli.report import Report
    from devhost.local import Local
    from tests.acceptance.conftest import Told
    from tests.acceptance.world import World

# What a dead worker held is free again this soon; all else would be waiting.
SHORT = Pace(lease=2, timer=1.0, queue_hold=3.0, ownership=1.0)

# What a story costs besides is its start, and at its end a wait for the safety net.
KILLS_PER_STORY = 20
SOAKED_STORIES = 10

# The app is up for so long at most, with the story told over about the same time: its
# partitions are its own a second or two after it starts, and then everything happens.
LONGEST_LIFE_S = 2.5
PAUSE_PER_EVENT_S = 0.03 * KILLS_PER_STORY

# One kill in five comes while the app is still starting.
WHILE_STARTING = 0.2
LONGEST_START_S = 1.5


class Ending(NamedTuple):
    """What must not depend on accidents.

    What was told again on the way does: it depends on when somebody looked (review
    F7d). What there is to know in the end is on the incidents.
    """

    incidents: list[tuple[str, str, str, tuple[str, ...]]]
    pages: list[tuple[str, int, bool]]
    notices: list[tuple[str, str]]


def test_kills_do_not_show(told: Told) -> None:
    """Twenty power cuts while the story is told end in its incidents and its pages."""
    _assert_kills_do_not_show(told, 0, random.randrange(2**32))


@pytest.mark.soak
@pytest.mark.parametrize("story", range(SOAKED_STORIES))
def test_many_kills_do_not_show(told: Told, story: int) -> None:
    """Two hundred power cuts in ten stories do not show either."""
    _assert_kills_do_not_show(told, story, random.randrange(2**32))


def _assert_kills_do_not_show(told: Told, story: int, seed: int) -> None:
    clean = _ending(told.report, told.pages, told.webhook)
    print(f"story {story}: random.Random({seed})")

    with started(pace=SHORT) as world:
        _tell_with_kills(world, told, random.Random(seed))
        world.wait_until_quiet()
        report = world.report()
        pages = world.local.control("GET", "pages")
        webhook = world.local.control("GET", "received")["webhook"]
        garbage = [letter.raw for _, letter in world.letters()]

    assert _ending(report, pages, webhook) == clean
    assert report.ok, report
    assert sorted(garbage) == sorted(letter.raw for letter in told.letters)


def _tell_with_kills(world: World, told: Told, rng: random.Random) -> None:
    pause = threading.Event()

    def linger(_count: int) -> None:
        pause.wait(PAUSE_PER_EVENT_S)

    with ThreadPoolExecutor(1) as pool:
        telling = pool.submit(world.tell, told.story, linger)
        for _ in range(KILLS_PER_STORY):
            pause.wait(rng.uniform(0, LONGEST_LIFE_S))
            world.local.kill_app()
            if rng.random() < WHILE_STARTING:
                _kill_while_starting(world.local, rng.uniform(0, LONGEST_START_S))
            if not world.local.is_app_running:
                world.local.start_app()
        pause.set()
        telling.result(timeout=120)


def _kill_while_starting(local: Local, after_s: float) -> None:
    """Start the app, and have the power fail ``after_s`` seconds later."""

    def cut() -> None:
        for process in local._processes:
            if process._name == "app":
                process.kill()

    failing = threading.Timer(after_s, cut)
    failing.start()
    try:
        local.start_app()
    except LocalError:
        return
    finally:
        failing.join()
    local.kill_app()


def _ending(
    report: Report, pages: list[dict[str, Any]], webhook: dict[str, Any]
) -> Ending:
    return Ending(
        incidents=sorted(
            (i.id, i.status, i.severity, tuple(i.alerts)) for i in report.incidents
        ),
        pages=sorted((p["dedup_key"], p["opens"], p["resolved"]) for p in pages),
        notices=sorted(
            (d["id"], d["body"]["type"])
            for d in webhook["deliveries"]
            if d["body"]["type"].removeprefix("incident.") not in list(Change)
        ),
    )
