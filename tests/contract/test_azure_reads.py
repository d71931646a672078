"""What a posture audit reads, by the app's clients, of stand-ins as strict as they say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from devhost.outside import Outside
from devhost.outside.azure.inventory import read
from devhost.outside.azure.quotas import BUCKETS
from devhost.outside.azure.rights import Identity
from shared.clouds.arm import Arm
from shared.clouds.credentials import Credentials
from shared.clouds.http import HttpClient
from shared.clouds.resource_graph import ResourceGraph
from shared.clouds.rest import RestClient
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.posture import places
from tests.estates import WORKSPACE, Estate, at, sub
from tests.fakes.clock import START

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BOTH = [sub(n).rpartition("/")[2] for n in range(2)]


class Side(NamedTuple):
    """The stand-ins, and what the app reads them with."""

    outside: Outside
    arm: RestClient
    graph: ResourceGraph


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    """An estate of two subscriptions."""
    http, token = HttpClient(), Credentials("").token
    estate = Estate()
    # One that hangs on a resource: none of the subscription's own.
    estate.add(
        at("Microsoft.Compute/virtualMachines", "virtualma000003")
        + "/providers/Microsoft.Security/pricings/VirtualMachines",
        {"pricingTier": "Free"},
    )
    inventory = read(json.dumps(estate.inventory()).encode())
    # Its clock stands: no bucket fills again.
    async with Outside.start(inventory=inventory, clock=lambda: START) as outside:
        url = f"{outside.url}/arm"
        graph = ResourceGraph(Arm(url, http=http, token=token))
        yield Side(outside, RestClient("ARM", url, http=http, token=token), graph)
    await http.close()


async def names(side: Side, scope: str, kind: str) -> list[str]:
    """The names that a list shows."""
    found = await side.arm.list_all(places.listed(scope, kind))
    return sorted(str(each["name"]) for each in found)


async def test_what_hangs_on_a_scope_is_not_listed_from_above(side: Side) -> None:
    """Settings and plans of a resource are none of its subscription."""
    settings = "Microsoft.Insights/diagnosticSettings"

    assert await names(side, sub(1), settings) == ["security"]
    assert await names(side, WORKSPACE, settings) == ["security"]
    assert await names(side, f"{WORKSPACE}/tables/Syslog", settings) == []
    assert len(await names(side, sub(0), "Microsoft.Security/pricings")) == 7


async def test_what_is_in_a_group_is_listed_by_its_subscription(side: Side) -> None:
    """And by no other."""
    rules = "Microsoft.Insights/dataCollectionRules"

    assert await names(side, sub(0), rules) == ["dcr-soc"]
    assert await names(side, sub(1), rules) == []
    assert await names(side, sub(1), "Microsoft.Security/automations") == [
        "exportToEventHub"
    ]


async def test_a_version_that_is_not_served_is_refused(side: Side) -> None:
    """As Azure does with one that has gone."""
    path = f"{sub(0)}/providers/Microsoft.Insights/actionGroups?api-version=2015-01-01"

    with pytest.raises(PermanentFailure) as caught:
        await side.arm.list_all(path)

    assert caught.value.reason is FailureReason.INVALID


async def test_what_the_identity_may_not_read_is_refused_or_left_out(
    side: Side,
) -> None:
    """Resource Manager says so; Resource Graph and the list of subscriptions do not."""
    side.outside.rights.identity = Identity(actions=("Microsoft.Compute/*/read",))

    with pytest.raises(PermanentFailure) as caught:
        await names(side, sub(0), "Microsoft.Insights/diagnosticSettings")
    types = ["microsoft.compute/virtualmachines", "microsoft.keyvault/vaults"]
    shown = await side.graph.rows(BOTH, places.things(types))

    assert caught.value.reason is FailureReason.AUTH
    assert {row["type"] for row in shown} == {"microsoft.compute/virtualmachines"}
    assert await side.arm.list_all(places.SUBSCRIPTIONS) == []


async def test_reads_have_a_quota_as_those_of_resources_have(side: Side) -> None:
    """It is one bucket: 250 of a subscription at once."""
    size, _ = BUCKETS["reads"]
    for _ in range(size):
        side.outside.manager.quotas.take(BOTH[1], "GET")

    with pytest.raises(TransientFailure) as caught:
        await names(side, sub(1), "Microsoft.Insights/actionGroups")

    assert caught.value.reason is FailureReason.RATE_LIMITED
    assert caught.value.retry_after is not None
    assert await names(side, sub(0), "Microsoft.Insights/actionGroups") == ["ag-soc"]


async def test_a_question_is_answered_on_as_many_pages_as_it_takes(side: Side) -> None:
    """In order, each row once."""
    query = places.things(["microsoft.keyvault/vaults", "microsoft.web/sites"])
    whole = await side.graph.rows(BOTH, query)
    side.outside.arm.graph_page = 3

    found = await side.graph.rows(BOTH, query)

    assert found == whole
    assert len(found) == 4
    assert [row["id"] for row in found] == sorted(row["id"] for row in found)


async def test_less_than_there_is_said_to_be_is_no_answer(side: Side) -> None:
    """A list that breaks off never looks like one that ended."""

    class Short(ResourceGraph):
        def __init__(self) -> None:
            super().__init__(ask)

    class Ask:
        async def ask(
            self, *_: object, **__: object
        ) -> tuple[dict[str, object], dict[str, str]]:
            return {"totalRecords": 3, "data": [{"id": "a"}]}, {}

    ask: Arm = Ask()  # type: ignore[assignment]
    with pytest.raises(PermanentFailure) as caught:
        await Short().rows(BOTH, "resources | order by id asc")

    assert caught.value.reason is FailureReason.INVALID
    assert side.outside.arm.refused == []


async def test_machines_have_agents_and_rules(side: Side) -> None:
    """By the questions that are asked of all of them at once."""
    agents = await side.graph.rows(BOTH, places.AGENTS)
    rules = await side.graph.rows(BOTH, places.ASSOCIATIONS)

    assert {row["kind"] for row in agents} == {"AzureMonitorWindowsAgent"}
    assert {row["state"] for row in agents} == {"Succeeded"}
    assert len(rules) == len(agents) == 2
    assert all(row["rule"].endswith("/dcr-soc") for row in rules)


async def test_another_question_is_not_understood(side: Side) -> None:
    """Nobody relies on what is not there."""
    with pytest.raises(PermanentFailure):
        await side.graph.rows(BOTH, places.AGENTS.replace("asc", "desc"))


async def test_subscriptions_are_those_that_resources_are_in(side: Side) -> None:
    """Each once."""
    found = await side.arm.list_all(places.SUBSCRIPTIONS)

    assert [each["subscriptionId"] for each in found] == BOTH
    assert {each["state"] for each in found} == {"Enabled"}
