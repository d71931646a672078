"""The status of Defender's alerts, by the app's clients, at the stand-in of devhost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from responders.sides.arm import at
from shared.clouds.arm import Arm
from shared.clouds.credentials import Credentials
from shared.clouds.http import HttpClient
from shared.model.rest import Done
from tests.alerts import SUBSCRIPTION
from tests.arm_alerts import arm_alert
from tests.fakes.azure import azure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.azure import Azure

ALERT = arm_alert()


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        side.outside.arm.put(SUBSCRIPTION, [ALERT])
        yield side


@pytest.mark.parametrize(
    ("act", "status"),
    [
        ("dismiss", "Dismissed"),
        ("resolve", "Resolved"),
        ("inProgress", "InProgress"),
        ("activate", "Active"),
    ],
)
async def test_an_alert_is_given_a_status(side: Azure, act: str, status: str) -> None:
    """At its own place, and so in the list of its subscription."""
    assert await side.arm.change("POST", at(ALERT["id"], act=act)) == Done()

    found = await side.arm.read(at(ALERT["id"]))
    assert found.content["properties"]["status"] == status
    http = HttpClient()
    lists = Arm(f"{side.outside.url}/arm", http=http, token=Credentials("").token)
    [page] = [page async for page in lists.alerts(SUBSCRIPTION)]
    await http.close()
    [listed] = msgspec.json.decode(page)["value"]
    assert listed["properties"]["status"] == status


async def test_an_alert_that_was_never_stored_is_not_there(side: Azure) -> None:
    """Whoever made it up cannot have it confirmed."""
    assert await side.arm.find(at(f"{ALERT['id']}x")) is None
