"""What holds for every test."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests import balance

# Workers of xdist are told that they are 80 columns wide; nobody looks at them.
os.environ.pop("COLUMNS", None)

# A deadline in milliseconds says how busy the machine is, not what the code does.
settings.register_profile("firewatch", deadline=None)
settings.load_profile("firewatch")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Have each of several workers begin with long tests."""
    # Of xdist, in a worker; a run in one process keeps its order.
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = balance.spread(items, workers, lambda item: str(item.path))
