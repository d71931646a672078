"""An app with one open incident that was told, asked by HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.alerts import event
from tests.fakes.api import Api

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def api(tmp_path: Path) -> Api:
    """The API of an app with one incident."""
    made = Api(tmp_path)
    await made.world.feed([event()])
    return made


@pytest.fixture
async def incident(api: Api) -> str:
    """The address of the incident."""
    return f"/api/incidents/{(await api.world.head()).id}"
