"""Tags of resources, against the stand-in of Resource Manager."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from devhost.outside import Fault, Outside
from shared.clouds.arm import Arm
from shared.clouds.credentials import Credentials
from shared.clouds.http import HttpClient
from shared.clouds.resource_graph import ResourceGraph, Shown
from shared.commands import Order
from shared.model.errors import FailureReason, TransientFailure
from shared.model.evidence import TAGS
from shared.model.silence import Silence
from tests.alerts import alert_id, defender_alert, event
from tests.factories import SUBSCRIPTION, VM
from tests.fakes.app import POLICY, FakeApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

VAULT = (
    "/subscriptions/9e3f1a60-2c7d-4b58-a1f4-d85e6b2c4403/resourcegroups/rg-core"
    "/providers/microsoft.keyvault/vaults/kv-core"
)


class Side(ResourceGraph):
    """The app's reader of a stand-in, and the stand-in."""

    def __init__(self, outside: Outside, http: HttpClient) -> None:
        token = Credentials("").token
        super().__init__(Arm(f"{outside.url}/arm", http=http, token=token))
        self.outside = outside


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    """A stand-in that knows the story."""
    http = HttpClient()
    async with Outside.start() as outside:
        yield Side(outside, http)
    await http.close()


async def test_resources_of_two_subscriptions_are_one_request(side: Side) -> None:
    """Of the story one has tags; of what nobody spoke of there are none."""
    found = await side.tags([VM, VAULT])

    assert found.tags[VM] == {}
    assert found.tags[VAULT] == {
        "criticality": "High",
        "env": "prod",
        "owner": "platform",
    }
    assert found.rest == timedelta(0)
    assert side.outside.arm.asked == [[VM, VAULT]]
    assert side.outside.arm.refused == []


async def test_what_may_not_be_read_is_not_shown(side: Side) -> None:
    """Nothing else says so."""
    side.outside.arm.tag(VM.upper(), None)

    assert await side.tags([VM]) == Shown({})


async def test_fifty_resources_with_all_their_tags_are_read(side: Side) -> None:
    """More than a reply may usually be long."""
    tags = {f"{n:02}{'n' * 100}": "v" * 256 for n in range(50)}
    resources = [f"{VM}{n}" for n in range(50)]
    for each in resources:
        side.outside.arm.tag(each, tags)

    found = await side.tags(resources)

    assert found.tags == dict.fromkeys(resources, tags)


async def test_its_bad_days_are_failures(side: Side) -> None:
    """As of any side of Resource Manager."""
    side.outside.faults.add(Fault(side="arm", status=429, retry_after=17, times=1))
    side.outside.faults.add(Fault(side="arm", status=503, times=1))
    side.outside.faults.add(Fault(side="arm", drop=True, times=1))

    found = []
    for _ in range(3):
        with pytest.raises(TransientFailure) as caught:
            await side.tags([VM])
        found.append((caught.value.reason, caught.value.retry_after))

    assert found == [
        (FailureReason.RATE_LIMITED, timedelta(seconds=17)),
        (FailureReason.UNAVAILABLE, None),
        (FailureReason.UNAVAILABLE, None),
    ]


GOOD = {
    "subscriptions": [SUBSCRIPTION],
    "query": f"resources | where id in~ ('{VM}') | project id = tolower(id), tags"
    " | order by id asc",
}


@pytest.mark.parametrize(
    ("content", "version", "token", "status"),
    [
        (GOOD, "2022-10-01", "Bearer local", 200),
        (GOOD, "2021-03-01", "Bearer local", 400),
        (GOOD, "2022-10-01", "", 401),
        ({}, "2022-10-01", "Bearer local", 400),
        (GOOD | {"query": "resources"}, "2022-10-01", "Bearer local", 400),
        (GOOD | {"subscriptions": []}, "2022-10-01", "Bearer local", 400),
        (GOOD | {"subscriptions": ["mine"]}, "2022-10-01", "Bearer local", 400),
    ],
)
async def test_what_the_service_would_refuse_is_refused(
    side: Side, content: object, version: str, token: str, status: int
) -> None:
    """So is every query but the one that is known."""
    async with httpx.AsyncClient(trust_env=False) as client:
        reply = await client.post(
            f"{side.outside.url}/arm/providers/Microsoft.ResourceGraph/resources",
            params={"api-version": version},
            headers={"authorization": token} if token else {},
            json=content,
        )

    assert reply.status_code == status
    assert len(side.outside.arm.asked) == (status == 200)
    assert len(side.outside.arm.refused) == (status != 200)


async def test_a_resource_of_another_subscription_is_not_found(side: Side) -> None:
    """Nobody looked there."""
    async with httpx.AsyncClient(trust_env=False) as client:
        reply = await client.post(
            f"{side.outside.url}/arm/providers/Microsoft.ResourceGraph/resources",
            params={"api-version": "2022-10-01"},
            headers={"authorization": "Bearer local"},
            json=GOOD | {"subscriptions": [SUBSCRIPTION.replace("0", "1")]},
        )

    assert reply.json()["data"] == []


async def test_tests_may_say_what_is_tagged(side: Side) -> None:
    """From another process."""
    key = {"x-control-key": side.outside.control_key}
    async with httpx.AsyncClient(base_url=side.outside.url, trust_env=False) as client:
        await client.post(
            "/control/arm-tags", headers=key, json={"resource": VM, "tags": {"A": "b"}}
        )
        wrong = await client.post(
            "/control/arm-tags", headers=key, json={"resource": VM, "tags": ["a"]}
        )
        await side.tags([VM])
        received = (await client.get("/control/received", headers=key)).json()

    assert (await side.tags([VM])).tags == {VM: {"a": "b"}}
    assert wrong.status_code == 400
    assert received["arm"]["asked"] == [[VM]]


CRITICAL = "risk: {critical_tags: [criticality=high]}"
BY_TAG = POLICY.replace("to: [hook]", "to: [hook]\n    match: [tag.env=prod]")


@asynccontextmanager
async def looked(side: Side, folder: Path, policy: str) -> AsyncIterator[FakeApp]:
    """An app that looked at an incident about the vault of the story."""
    app = FakeApp(
        folder,
        policy=policy,
        changes={"FIREWATCH_ARM_URL": f"{side.outside.url}/arm"},
    )
    await (await app.ingest())([event(defender_alert(AzureResourceId=VAULT))])
    await (await app.respond())([(await app.world.head()).id])
    yield app
    await app.close()


async def test_the_app_scores_by_critical_tags(side: Side, tmp_path: Path) -> None:
    """From the settings and the policy to the factor."""
    async with looked(side, tmp_path, f"{POLICY}\n{CRITICAL}\n") as app:
        head = await app.world.head()

    assert head.risk is not None
    said = {factor.evidence: factor.because for factor in head.risk.factors}
    assert said[TAGS] == "kv-core is tagged criticality=High."
    assert head.tags == {}
    assert side.outside.arm.asked == [[VAULT]]


async def test_the_app_routes_by_tags(side: Side, tmp_path: Path) -> None:
    """Its routes are those of the policy in force."""
    async with looked(side, tmp_path, BY_TAG) as app:
        head, actions = await app.world.head(), await app.world.actions()

    assert head.tags == {VAULT: {"env": "prod"}}
    assert [action.responder for action in actions] == ["hook"]


async def test_a_silence_of_people_may_be_the_first_to_ask(
    side: Side, tmp_path: Path
) -> None:
    """Where the policy goes by no tag at all."""
    async with looked(side, tmp_path, POLICY) as app:
        assert side.outside.arm.asked == []
        silence = Silence(
            name="prod",
            match=("tag.env=prod",),
            reason="a drill",
            owner="ops",
            until=app.clock() + timedelta(hours=1),
        )
        await (await app.silences()).create(silence, Order("ada"))
        other = f"{VAULT}-2"
        side.outside.arm.tag(other, {"Env": "PROD"})
        await (await app.ingest())(
            [event(defender_alert(AzureResourceId=other, SystemAlertId=alert_id(2)))]
        )
        (new,) = [h for h in await app.world.heads() if other in h.resources]
        await (await app.respond())([new.id])
        (held,) = [h for h in await app.world.heads() if h.id == new.id]

    assert held.hold is not None
    assert held.hold.by == "prod"
    assert side.outside.arm.asked == [[other]]
