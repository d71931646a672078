"""The laws of the fuzz target in the normal suite: its corpus, and changes of it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz.laws import hold
from tests.fuzz.mutations import Mutator

SAMPLES = Path(__file__).parents[1] / "samples"
CORPUS = {
    path.relative_to(SAMPLES).as_posix(): path.read_bytes()
    for path in sorted(SAMPLES.rglob("*"))
    if path.is_file()
}
MUTATOR = Mutator(CORPUS.values())
CHANGES = 30


@pytest.mark.parametrize("name", CORPUS)
def test_the_laws_hold_near_each_sample(name: str) -> None:
    """For the sample, and for bodies that differ from it by chance."""
    pick = random.Random(random.random())
    body = CORPUS[name]

    hold(body)
    for _ in range(CHANGES):
        changed = MUTATOR(body, pick)
        try:
            hold(changed)
        except Exception as error:
            error.add_note(f"the body was {changed!r}")
            raise
