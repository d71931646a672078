"""What is read of an incident by its id."""

from __future__ import annotations

import pytest

from shared.store import reading
from tests.unit.containment.kit import acting, comes, only


async def test_some_alerts_of_an_incident_are_read_by_its_id() -> None:
    """Also by whoever remembers nothing of it."""
    world = acting()
    first = await comes(world, 1)
    second = await comes(world, 2)
    incident = (await only(world)).incident
    world.restart()

    found = await reading.alerts_by(world.ledger, incident)

    ids = {first["SystemAlertId"], second["SystemAlertId"]}
    assert {row.id for row in found} == {each.lower() for each in ids}


@pytest.mark.parametrize("incident", ["0a" * 8, "", "../secrets", "i|x"])
async def test_an_incident_that_there_is_not_has_none(incident: str) -> None:
    """Nor has what is no id of one."""
    assert await reading.alerts_by(acting().ledger, incident) == []
