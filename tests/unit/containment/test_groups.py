"""Scale sets and subnets of machines, as Azure Resource Manager shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from devhost.outside.azure.inventory import read
from devhost.outside.azure.rights import Identity
from shared.containment import groups as module
from shared.containment.groups import PERMISSIONS, Groups
from shared.model.errors import FailureReason, PermanentFailure
from shared.model.rest import Document
from tests.fakes.azure import DC01, RG_SHOP, WEB01, WORKERS, azure

if TYPE_CHECKING:
    from collections.abc import Mapping

WEB = f"{RG_SHOP}/providers/Microsoft.Network/virtualNetworks/vnet-shop/subnets/web"
WORK = f"{WEB.rpartition('/')[0]}/workers"
NET = f"{RG_SHOP}/providers/Microsoft.Network"
FLEX = WORKERS.replace("shop-workers", "flex")


def low(*texts: str) -> tuple[str, ...]:
    """As ids are compared."""
    return tuple(text.lower() for text in texts)


class Shown:
    """Resource Manager with these documents, and no others."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self._documents = {key.lower(): value for key, value in documents.items()}
        self.asked: list[str] = []

    async def read(self, path: str, *, permission: str = "") -> Document:
        """One of them."""
        assert permission in {each.action for each in PERMISSIONS}
        resource_id = path.partition("?")[0]
        self.asked.append(resource_id)
        if resource_id not in self._documents:
            raise PermanentFailure(FailureReason.NOT_FOUND, "not there")
        return Document(content=self._documents[resource_id])


async def groups_of(side: Any, *machines: str) -> dict[str, dict[str, int | None]]:  # noqa: ANN401
    """What is read of it."""
    return await Groups(side)(low(*machines))


def machine(*interfaces: str, whole: str = "") -> dict[str, Any]:
    """A virtual machine."""
    listed = [{"id": each} for each in interfaces]
    more = {"virtualMachineScaleSet": {"id": whole}} if whole else {}
    return {"properties": {"networkProfile": {"networkInterfaces": listed}} | more}


def interface(*subnets: str) -> dict[str, Any]:
    """A network interface."""
    parts = [{"properties": {"subnet": {"id": each}}} for each in subnets]
    return {"properties": {"ipConfigurations": parts}}


def subnet(*parts: str, endpoints: int = 0) -> dict[str, Any]:
    """A subnet in which these have addresses."""
    ids = [{"id": each} for each in parts]
    ends = [{"id": f"{NET}/privateEndpoints/{n}"} for n in range(endpoints)]
    return {"properties": {"ipConfigurations": ids, "privateEndpoints": ends}}


def nic(name: str) -> str:
    """The id of an interface."""
    return f"{NET}/networkInterfaces/{name}"


def part(name: str, config: str = "a") -> str:
    """The id of what has an address of an interface."""
    return f"{nic(name)}/ipConfigurations/{config}"


async def test_machines_and_instances_are_in_groups() -> None:
    """As the stand-ins show them: three machines in one subnet, a set in another."""
    instance = f"{WORKERS}/virtualMachines/2"
    async with azure() as side:
        found = await groups_of(side.arm, WEB01, DC01, instance)

    (web, work, workers) = low(WEB, WORK, WORKERS)
    assert found == {
        WEB01.lower(): {web: 3},
        DC01.lower(): {web: 3},
        instance.lower(): {workers: 4, work: 4},
    }


async def test_it_is_read_as_it_is_now() -> None:
    """An interface that leaves makes the subnet smaller."""
    async with azure() as side:
        resources = side.outside.manager.resources
        resources.remove(nic("dc01-nic"))
        found = await groups_of(side.arm, WEB01)

    assert [*found[WEB01.lower()].values()] == [2]


async def test_an_inventory_may_name_what_it_does_not_hold() -> None:
    """As Azure's commands write subnets."""
    known = [{"name": "web", **subnet(part("x"), part("y"))}]
    given = {
        "id": WEB.rpartition("/subnets/")[0],
        "properties": {"subnets": known},
    }
    own = {"id": nic("z"), **interface(WEB)}
    resources = [given, own, {"id": WEB01, **machine(nic("z"))}]
    async with azure(read(msgspec.json.encode(resources))) as side:
        found = await groups_of(side.arm, WEB01)

    assert found == {WEB01.lower(): {WEB.lower(): 3}}


@pytest.mark.parametrize("action", [each.action for each in PERMISSIONS])
async def test_what_may_not_be_read_has_no_size(action: str) -> None:
    """Each right is needed; whoever lacks it says so, and nothing breaks."""
    instance = f"{WORKERS}/virtualMachines/2"
    async with azure() as side:
        rights = Identity(actions=("*",), not_actions=(action,))
        side.outside.rights.identity = rights
        found = await groups_of(side.arm, WEB01, instance)

    assert None in {size for each in found.values() for size in each.values()}


async def test_a_machine_of_a_flexible_set_is_in_both() -> None:
    """And in each subnet of each interface, once."""
    shown = Shown(
        {
            WEB01: machine(nic("a"), nic("b"), whole=FLEX),
            nic("a"): interface(WEB, WEB),
            nic("b"): interface(WORK),
            FLEX: {"sku": {"capacity": 7}},
            WEB: subnet(part("a"), part("a", "b"), part("c")),
            WORK: subnet(part("b")),
        }
    )
    found = await groups_of(shown, WEB01)

    assert found == {
        WEB01.lower(): dict(zip(low(FLEX, WEB, WORK), (7, 2, 1), strict=True))
    }
    assert len(shown.asked) == len(set(shown.asked))


@pytest.mark.parametrize(
    ("parts", "endpoints", "size"),
    [
        ([part("a"), part("b")], 0, 2),
        ([part("a"), part("A", "second")], 0, 1),
        ([part("a"), part("pe")], 1, 1),
        ([], 3, 0),
        ([f"{NET}/loadBalancers/l/frontendIPConfigurations/f", part("a")], 0, 1),
        (
            [
                f"{WORKERS}/virtualMachines/{n}/networkInterfaces/{i}/ipConfigurations/x"
                for n in range(2)
                for i in range(2)
            ],
            0,
            2,
        ),
        (["nonsense", "/networkInterfaces/x"], 0, 0),
    ],
)
async def test_a_subnet_has_as_many_machines_as_interfaces(
    parts: list[str], endpoints: int, size: int
) -> None:
    """An instance once, however many it has; endpoints and balancers are no machines."""
    shown = Shown(
        {
            WEB01: machine(nic("a")),
            nic("a"): interface(WEB),
            WEB: subnet(*parts, endpoints=endpoints),
        }
    )
    assert await groups_of(shown, WEB01) == {WEB01.lower(): {WEB.lower(): size}}


@pytest.mark.parametrize(
    ("documents", "unread"),
    [
        ({}, WEB01),
        ({WEB01: {}}, WEB01),
        ({WEB01: machine()}, WEB01),
        ({WEB01: {"properties": []}}, WEB01),
        ({WEB01: machine("/subscriptions/x/nothing")}, WEB01),
        ({WEB01: machine(*(nic(str(n)) for n in range(9)))}, WEB01),
        ({WEB01: machine(nic("a"))}, nic("a")),
        ({WEB01: machine(nic("a")), nic("a"): interface()}, nic("a")),
        ({WEB01: machine(nic("a")), nic("a"): interface(FLEX)}, nic("a")),
        ({WEB01: machine(nic("a")), nic("a"): interface(WEB)}, WEB),
    ],
)
async def test_what_cannot_be_read_stands_for_its_groups(
    documents: dict[str, Any], unread: str
) -> None:
    """Whatever is missing, or is something else than it should be."""
    found = await groups_of(Shown(documents), WEB01)

    assert found == {WEB01.lower(): {unread.lower(): None}}


@pytest.mark.parametrize("sku", [None, {}, {"capacity": None}, {"capacity": True}])
async def test_a_set_without_a_capacity_has_no_size(sku: object) -> None:
    """It is not guessed from what else there is."""
    instance = f"{WORKERS}/virtualMachines/2"
    found = await groups_of(Shown({WORKERS: {"sku": sku}}), instance)

    assert found == {instance.lower(): {WORKERS.lower(): None, instance.lower(): None}}


async def test_no_id_leads_elsewhere() -> None:
    """Nothing is asked at a path that an id would make another."""
    wrong = low(
        WEB01.replace("web01", "web01?x=y"),
        WEB01.replace("rg-shop", ".."),
        WEB01.replace("web01", "web 01"),
    )
    shown = Shown({})
    found = await Groups(shown)(wrong)  # type: ignore[arg-type]

    assert found == {each: {each: None} for each in wrong}
    assert shown.asked == []


async def test_no_more_is_read_than_makes_sense() -> None:
    """What is beyond counts as unread."""
    machines = low(*(f"{WEB01}{n}" for n in range(module.MOST_MACHINES + 1)))
    shown = Shown({})
    found = await Groups(shown)(machines)  # type: ignore[arg-type]

    assert len(shown.asked) == module.MOST_MACHINES
    assert found[machines[-1]] == {machines[-1]: None}
