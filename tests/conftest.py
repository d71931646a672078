"""What holds for every test."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests import balance

if TYPE_CHECKING:
    from collections.abc import Generator

# Whatever the shell says: without bytecode each worker rewrites the assertions of all
# tests, and each of the hundred processes that tests start compiles all it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Workers of xdist are told that they are 80 columns wide; nobody looks at them.
os.environ.pop("COLUMNS", None)

# A deadline in milliseconds says how busy the machine is, not what the code does.
settings.register_profile("firewatch", deadline=None)
settings.load_profile("firewatch")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Have the collector of garbage leave alone what collection makes: it all stays.

    Looking through a million objects, again and again, costs seconds in each worker.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Have each of several workers begin with long tests."""
    # Of xdist, in a worker; a run in one process keeps its order.
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = balance.spread(items, workers, lambda item: str(item.path))
