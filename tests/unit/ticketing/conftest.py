"""A world with an incident that has a ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.ticketing.kit import make_world

if TYPE_CHECKING:
    from tests.fakes.firewatch import World


@pytest.fixture
async def world() -> World:
    return await make_world()
