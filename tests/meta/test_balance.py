"""How the tests are spread over the workers of a run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests import balance

TESTS = Path(__file__).parents[1]
NAMES = [name for _, group in balance.LONG for name in group]
SHORT = [f"/tests/unit/test_{number}.py" for number in range(500)]
LONG = [f"/tests/{name}" for name in NAMES for _ in range(5)]


@pytest.mark.parametrize("name", NAMES)
def test_a_long_module_is_one_that_is_there(name: str) -> None:
    """Or it would be spread as a short one, and nobody would see why runs got long."""
    assert (TESTS / name).is_file()


@pytest.mark.parametrize("workers", [2, 3, 16])
@pytest.mark.parametrize("items", [SHORT, LONG, SHORT + LONG, LONG[:1], []])
def test_every_test_is_given_to_a_worker_once(items: list[str], workers: int) -> None:
    """Whatever is run, by however many."""
    found = balance.spread(items, workers, str)

    assert Counter(found) == Counter(items)
    short = [item for item in found if item in SHORT]
    assert short == [item for item in items if item in SHORT]


@pytest.mark.parametrize("workers", [2, 3])
def test_each_worker_begins_with_long_tests(workers: int) -> None:
    """And those of a module are not torn apart."""
    found = balance.spread(SHORT + LONG, workers, str)

    stretches, begun = [], 0
    for number in range(workers):
        size = (len(found) - begun) // (workers - number)
        stretches.append(found[begun : begun + size])
        begun += size
    held = [{item for item in stretch if item in LONG} for stretch in stretches]
    assert all(held)
    assert sum(map(len, held)) == len(set(LONG))
    for stretch, names in zip(stretches, held, strict=True):
        long = [item for item in stretch if item in names]
        assert stretch[: len(long)] == long
