"""How resources were configured: what is kept of each, and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from responders.resource_config import ResourceConfig
from responders.sides.redacting import REDACTED
from shared.model.deed import State
from shared.model.errors import ActionRefused
from tests.conformance.doer_case import alert
from tests.factories import make_incident
from tests.fakes.azure import (
    LAKE,
    NSG,
    REGISTRY,
    SITE,
    SQL,
    VAULT,
    WEB01,
    WORKERS,
    Azure,
    azure,
)
from tests.fakes.http import FakeHttp
from tests.fakes.ports import FakeKept, make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.model.deed import Deed

AKS = (
    f"{VAULT.partition('/resourceGroups/')[0]}/resourceGroups/rg-aks"
    "/providers/Microsoft.ContainerService/managedClusters/aks-prod"
)


class Shelf(FakeKept):
    """What is kept, and a doer that keeps it."""

    def __init__(self, side: Azure) -> None:
        super().__init__()
        ports = make_ports(FakeHttp(), {}, clock=lambda: side.now)
        ports = ports._replace(azure=side.remotes, kept=self)
        self.doer = ResourceConfig("config", ResourceConfig.Config(), ports)

    async def planned(self, resource_id: str) -> Deed:
        (deed,) = await self.doer.plan(make_incident(), [alert(resource_id)])
        return deed

    async def keep(self, resource_id: str) -> tuple[Any, str]:
        """What is kept of a resource, and what is said of it."""
        deed = await self.planned(resource_id)
        before = await self.doer.before(deed)
        outcome = await self.doer.apply(deed, before)
        assert (await self.doer.verify(deed, before)).state is State.IN_FORCE
        return msgspec.json.decode(self.kept[deed.content["name"]]), outcome.reference


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as found:
        yield found


@pytest.mark.parametrize(
    "resource_id", [WEB01, WORKERS, LAKE, VAULT, SQL, SITE, REGISTRY, NSG, AKS]
)
async def test_each_type_is_kept_as_it_is(side: Azure, resource_id: str) -> None:
    """With who may do what at it, and what is locked."""
    found, reference = await Shelf(side).keep(resource_id)

    there = side.outside.manager.resources.find(resource_id)
    assert there is not None
    assert found["document"]["id"] == there["id"]
    assert found["document"]["tags"] == there["tags"]
    assert found["resource"] == resource_id.lower()
    assert {"roleAssignments", "locks", "redacted", "read_at"} <= found.keys()
    assert ("config/web" in found) is (resource_id == SITE)
    assert " sha256:" in reference


async def test_a_role_that_was_given_is_in_it(side: Azure) -> None:
    """Whoever takes it away again changes what happened."""
    found, _ = await Shelf(side).keep(VAULT)

    assert [each["properties"]["principalId"] for each in found["roleAssignments"]]


async def test_secrets_are_not_kept(side: Azure) -> None:
    """Not even where Azure would show them."""
    machine = side.outside.manager.resources.find(WEB01)
    assert machine is not None
    properties = {**machine["properties"], "userData": "hunter2"}
    side.outside.manager.resources.write({**machine, "properties": properties})

    found, _ = await Shelf(side).keep(WEB01)

    assert found["document"]["properties"]["userData"] == REDACTED
    assert found["redacted"] == 1


async def test_a_type_that_is_not_known_says_so(side: Azure) -> None:
    """Its rights were never asked for."""
    other = f"{WEB01.partition('/providers/')[0]}/providers/Microsoft.Batch/pools/a"

    assert "does not know" in (await Shelf(side).planned(other)).obstacle


async def test_a_part_of_a_resource_means_all_of_it(side: Azure) -> None:
    """An instance is configured by its set."""
    deed = await Shelf(side).planned(f"{WORKERS}/virtualMachines/0")

    assert deed.target == WORKERS.lower()


async def test_it_is_kept_once_for_each_time_that_the_incident_is_open(
    side: Azure,
) -> None:
    """What was kept first is what it was."""
    shelf = Shelf(side)
    await shelf.keep(WEB01)
    deed = await shelf.planned(WEB01)
    with pytest.raises(ActionRefused):
        await shelf.doer.before(deed)

    (again,) = await shelf.doer.plan(make_incident(epoch=2), [alert()])

    assert (await shelf.doer.before(again)).by_hand == ()


@pytest.mark.parametrize("content", [b"{}", b"[]", b"not JSON", b'{"resource": "x"}'])
async def test_what_somebody_else_put_there_is_not_it(
    side: Azure, content: bytes
) -> None:
    """Nobody takes it for evidence."""
    shelf = Shelf(side)
    deed = await shelf.planned(WEB01)
    before = await shelf.doer.before(deed)
    shelf.kept[deed.content["name"]] = content

    assert (await shelf.doer.verify(deed, before)).state is State.OTHERWISE
