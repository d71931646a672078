"""A world with an incident that can end."""

from __future__ import annotations

import pytest

from tests.alerts import (
    event,
)
from tests.fakes.firewatch import World


@pytest.fixture
async def world() -> World:
    """An app with one incident of one alert, which was told."""
    world = World()
    await world.feed([event()])
    return world
