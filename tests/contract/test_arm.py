"""The app's reading of Azure Resource Manager, against the stand-in of devhost."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from devhost.outside import Fault, Outside
from shared.clouds.arm import Arm
from shared.clouds.credentials import Credentials
from shared.clouds.http import HttpClient
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.triggers import health
from tests.alerts import NOON, SUBSCRIPTION
from tests.arm_alerts import arm_alert
from tests.fakes.app import POLICY, FakeApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

OLD = NOON - timedelta(hours=2)


class Side(Arm):
    """The app's reader of a stand-in, and the stand-in."""

    def __init__(self, outside: Outside, http: HttpClient) -> None:
        super().__init__(f"{outside.url}/arm", http=http, token=Credentials("").token)
        self.outside = outside

    async def pages(self) -> list[bytes]:
        """Every page of the subscription."""
        return [page async for page in self.alerts(SUBSCRIPTION)]


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    """A stand-in with five alerts on three pages."""
    http = HttpClient()
    async with Outside.start() as outside:
        outside.arm.page_size = 2
        outside.arm.put(SUBSCRIPTION, [arm_alert(n, at=OLD) for n in range(5)])
        yield Side(outside, http)
    await http.close()


async def test_a_list_is_read_to_its_end(side: Side) -> None:
    """Token, version, links and pages are as the other side wants them."""
    pages = [msgspec.json.decode(page) for page in await side.pages()]

    assert [len(page["value"]) for page in pages] == [2, 2, 1]
    names = [alert["name"] for page in pages for alert in page["value"]]
    assert names == [arm_alert(n, at=OLD)["name"] for n in range(5)]
    assert side.outside.arm.refused == []


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (
            Fault(side="arm", status=429, retry_after=17),
            TransientFailure,
            FailureReason.RATE_LIMITED,
        ),
        (Fault(side="arm", status=403), PermanentFailure, FailureReason.AUTH),
        (Fault(side="arm", drop=True), TransientFailure, FailureReason.UNAVAILABLE),
    ],
)
async def test_a_bad_day_of_the_other_side_is_understood(
    side: Side,
    fault: Fault,
    kind: type[TransientFailure | PermanentFailure],
    reason: FailureReason,
) -> None:
    """Throttling, a missing role, a broken connection."""
    side.outside.faults.add(fault)

    with pytest.raises(kind) as caught:
        await side.pages()

    assert caught.value.reason is reason


@pytest.fixture
async def app(side: Side, tmp_path: Path) -> AsyncIterator[FakeApp]:
    """An app that asks the stand-in for the subscription."""
    made = FakeApp(
        tmp_path,
        policy=f"{POLICY}\nreconcile: {{subscriptions: [{SUBSCRIPTION}]}}\n",
        changes={"FIREWATCH_ARM_URL": f"{side.outside.url}/arm"},
    )
    yield made
    await made.close()


async def test_the_app_finds_what_its_export_left_out(app: FakeApp) -> None:
    """From the setting and the policy to the incident, and to what health says of it."""
    verb = await app.reconcile_source()

    [found] = await verb()

    assert (found.listed, found.stored, found.gaps, found.failure) == (5, 5, 5, "")
    assert (await app.world.head()).alerts == 5
    content = (await health.report(app)).content
    assert content is not None
    assert content["reconcile"] == {
        "last_run": app.world.clock().isoformat(),
        "subscriptions": {SUBSCRIPTION: {"listed": 5, "stored": 5, "updated": 0}},
    }
    await verb()
    assert (await verb.totals())[SUBSCRIPTION].duplicate == 5
