"""A thousand copies of one alert, however they come: one incident, one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import asdict

from cli.story.attack import Happening, Way
from tests.acceptance.world import alert, encoded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shared.model.books import Books
    from tests.acceptance.world import World

COPIES = 1_000


def _lines(folder: Path, copy: dict[str, Any]) -> None:
    """An event per copy."""
    (folder / "copies.ndjson").write_bytes((encoded(copy) + b"\n") * COPIES)


def _lists(folder: Path, copy: dict[str, Any]) -> None:
    """Ten events of a hundred copies."""
    for number in range(COPIES // 100):
        (folder / f"{number:02d}.json").write_bytes(encoded([copy] * 100))


def _records(folder: Path, copy: dict[str, Any]) -> None:
    """Five events, each a ``records`` wrapper of two hundred."""
    for number in range(COPIES // 200):
        wrapped = encoded({"records": [copy] * 200})
        (folder / f"{number:02d}.json").write_bytes(wrapped)


def _framed(folder: Path, copy: dict[str, Any]) -> None:
    """One event of a thousand lines, the alert cut to what it must have."""
    kept = {"SystemAlertId", "AlertType", "Severity", "AzureResourceId", "Status"}
    short = {name: value for name, value in copy.items() if name in kept}
    (folder / "copies.json").write_bytes((encoded(short) + b"\n") * COPIES)


@pytest.mark.parametrize("batching", [_lines, _lists, _records, _framed])
def test_copies_are_one_incident(
    world: World,
    subscription: str,
    tmp_path: Path,
    batching: Callable[[Path, dict[str, Any]], None],
) -> None:
    """All copies but the first are booked as duplicates, whatever they are packed in."""
    batching(tmp_path, alert(subscription))
    before = world.books()

    world.feed(tmp_path)
    world.wait_until_quiet()

    _assert_one_incident_and_one_page(world, subscription)
    booked = _difference(world.books(), before)
    assert booked == {"received": COPIES, "stored": 1, "duplicate": COPIES - 1}


def test_copies_in_any_case_are_one_incident(
    world: World, subscription: str, tmp_path: Path
) -> None:
    """An id is the same in capitals, and so is an object whose names are."""
    copy = alert(subscription)
    shouted = {
        name.upper(): value.upper() if name == "SystemAlertId" else value
        for name, value in copy.items()
    }
    pair = encoded(shouted) + b"\n" + encoded(copy) + b"\n"
    (tmp_path / "copies.ndjson").write_bytes(pair * (COPIES // 2))
    before = world.books()

    world.feed(tmp_path)
    world.wait_until_quiet()

    _assert_one_incident_and_one_page(world, subscription)
    booked = _difference(world.books(), before)
    assert booked["received"] == COPIES
    assert booked["stored"] == 1
    assert world.books().is_balanced


def test_copies_by_every_road_at_once_are_one_incident(
    world: World, subscription: str
) -> None:
    """Four partitions and two webhooks bring the same alert at the same time."""
    copy = alert(subscription)
    one, many = encoded(copy), encoded([copy] * 50)
    story = [
        *(Happening(one, Way.HUB, f"thread {n}") for n in range(400)),
        *(Happening(many, Way.KEY, "") for _ in range(6)),
        *(Happening(many, Way.HMAC, "") for _ in range(6)),
    ]
    before = world.books()

    world.tell(story)
    world.wait_until_quiet()

    _assert_one_incident_and_one_page(world, subscription)
    booked = _difference(world.books(), before)
    assert booked == {"received": COPIES, "stored": 1, "duplicate": COPIES - 1}


def _assert_one_incident_and_one_page(world: World, subscription: str) -> None:
    (incident,) = world.incidents(subscription)
    (page,) = world.pages(subscription)
    assert incident.alerts == 1
    assert len(world.alerts(subscription)) == 1
    assert (page["opens"], page["triggers"]) == (1, 1)


def _difference(after: Books, before: Books) -> dict[str, int]:
    """What was booked in between, without what was not."""
    counts = {
        name: count - getattr(before, name) for name, count in asdict(after).items()
    }
    return {name: count for name, count in counts.items() if count}
