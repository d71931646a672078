"""The app's client of Azure Resource Manager, against the stand-in of devhost."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from devhost.outside import Fault
from devhost.outside.azure.upsets import Upset, Way
from responders.sides.arm import at, attached
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.rest import Done, Pending
from tests.fakes.azure import NIC, NSG, QUARANTINE, WEB01, Azure, azure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RULE = f"{NSG}/securityRules/fw-deny-in-0123456789ab"
DENY: dict[str, Any] = {
    "properties": {
        "description": "firewatch 0d9eeb301d377b52",
        "protocol": "*",
        "access": "Deny",
        "direction": "Inbound",
        "priority": 101,
        "sourceAddressPrefix": "203.0.113.77/32",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "*",
    }
}


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


async def test_a_rule_is_made_and_taken_back(side: Azure) -> None:
    """Made by an operation, taken away by a location: in the end all is as before."""
    before = side.outside.manager.state()

    made = await side.arm.change("PUT", at(RULE), DENY)
    assert isinstance(made, Pending)
    assert not made.is_location
    assert made.retry_after == timedelta(seconds=1)
    assert isinstance(await side.arm.look(made), Pending)
    await side.ended(made)
    rule = await side.arm.read(at(RULE))
    assert rule.content["properties"] == {
        **DENY["properties"],
        "provisioningState": "Succeeded",
    }
    assert rule.etag

    gone = await side.arm.change("DELETE", at(RULE))
    assert isinstance(gone, Pending)
    assert gone.is_location
    assert isinstance(await side.arm.look(gone), Pending)
    await side.ended(gone)
    assert await side.arm.find(at(RULE)) is None
    assert await side.arm.change("DELETE", at(RULE)) == Done()
    assert side.outside.manager.state() == before
    assert side.outside.manager.refused == [f"ResourceNotFound: {RULE} is not there"]


async def test_a_rule_shows_in_its_group(side: Azure) -> None:
    """With an etag that is new to both."""
    before = await side.arm.read(at(NSG))
    await side.ended(await side.arm.change("PUT", at(RULE), DENY))

    group = await side.arm.read(at(NSG))

    names = [rule["name"] for rule in group.content["properties"]["securityRules"]]
    assert names[-1] == "fw-deny-in-0123456789ab"
    assert group.etag != before.etag
    assert group.etag == (await side.arm.read(at(RULE))).etag
    assert len(group.content["properties"]["defaultSecurityRules"]) == 6
    on = [each["id"] for each in group.content["properties"]["networkInterfaces"]]
    assert NIC in on


async def test_a_priority_that_is_taken_is_to_be_chosen_anew(side: Azure) -> None:
    """What comes first to a race is a reason to read again, and so transient."""
    taken = {"properties": {**DENY["properties"], "priority": 100}}

    with pytest.raises(TransientFailure, match="SecurityRuleConflict") as caught:
        await side.arm.change("PUT", at(RULE), taken)

    assert caught.value.reason is FailureReason.CONFLICT


async def test_the_group_of_an_interface_is_swapped_and_swapped_back(
    side: Azure,
) -> None:
    """By a PUT of what was read with one field another."""
    before = side.outside.manager.state()
    read = (await side.arm.read(at(NIC))).content
    swapped = {**read, "properties": {**read["properties"]}}
    swapped["properties"]["networkSecurityGroup"] = {"id": QUARANTINE}

    await side.ended(await side.arm.change("PUT", at(NIC), swapped))

    found = (await side.arm.read(at(NIC))).content
    assert found["properties"]["networkSecurityGroup"] == {"id": QUARANTINE}
    await side.ended(await side.arm.change("PUT", at(NIC), read))
    assert side.outside.manager.state() == before


async def test_what_holds_for_an_interface_is_told_by_location(side: Azure) -> None:
    """A result, not a status, and from both groups that are over it."""
    asked = await side.arm.change("POST", at(NIC, act="effectiveNetworkSecurityGroups"))

    found = (await side.ended(asked)).content

    groups = [each["networkSecurityGroup"]["id"] for each in found["value"]]
    assert groups[0] == NSG
    assert groups[1].endswith("/nsg-vnet-shop")


async def test_a_machine_is_stopped_and_started(side: Azure) -> None:
    """Its power state is shown to who asks for it, in between too."""

    async def power() -> str:
        found = await side.arm.read(at(WEB01, expand="instanceView"))
        codes = [
            s["code"] for s in found.content["properties"]["instanceView"]["statuses"]
        ]
        return str(codes[-1])

    assert await power() == "PowerState/running"
    assert "instanceView" not in (await side.arm.read(at(WEB01))).content["properties"]
    begun = await side.arm.change("POST", at(WEB01, act="deallocate"))
    assert await power() == "PowerState/deallocating"
    await side.ended(begun)
    assert await power() == "PowerState/deallocated"
    await side.ended(await side.arm.change("POST", at(WEB01, act="start")))
    assert await power() == "PowerState/running"


async def test_a_stale_etag_is_a_conflict(side: Azure) -> None:
    """Of a machine, which heeds it; whoever tries again reads first."""
    machine = await side.arm.read(at(WEB01))
    tags = {"tags": {"firewatch": "seen"}}
    path = at(WEB01)
    await side.ended(await side.arm.change("PATCH", path, tags, if_match=machine.etag))

    with pytest.raises(TransientFailure, match="412") as caught:
        await side.arm.change("PATCH", path, tags, if_match=machine.etag)

    assert caught.value.reason is FailureReason.CONFLICT


async def test_a_side_that_is_busy_is_left_alone(side: Azure) -> None:
    """It is no quota that was used up, whatever its status says."""
    await side.arm.change("PUT", at(RULE), DENY)

    with pytest.raises(TransientFailure) as caught:
        await side.arm.change("DELETE", at(RULE))

    assert caught.value.reason is FailureReason.CONFLICT
    assert caught.value.retry_after == timedelta(seconds=1)


async def test_an_operation_that_fails_is_raised(side: Azure) -> None:
    """And nothing was changed by it."""
    side.outside.upsets.add(
        Upset(side="arm", way=Way.FAILS, about="securityRules", code="QuotaExceeded")
    )
    begun = await side.arm.change("PUT", at(RULE), DENY)

    with pytest.raises(PermanentFailure, match=r"Failed .QuotaExceeded") as caught:
        await side.ended(begun)

    assert caught.value.reason is FailureReason.SERVER
    assert await side.arm.find(at(RULE)) is None


async def test_an_operation_that_somebody_overtook_may_be_tried_again(
    side: Azure,
) -> None:
    """The code says so, not the status."""
    code = "CanceledAndSupersededDueToAnotherOperation"
    side.outside.upsets.add(Upset(side="arm", way=Way.FAILS, code=code))

    begun = await side.arm.change("PUT", at(RULE), DENY)

    with pytest.raises(TransientFailure, match=code):
        await side.ended(begun)


async def test_a_change_that_did_not_take_looks_like_one_that_did(side: Azure) -> None:
    """Only reading again tells them apart."""
    side.outside.upsets.add(Upset(side="arm", way=Way.IS_LOST, times=1))

    await side.ended(await side.arm.change("PUT", at(RULE), DENY))

    assert await side.arm.find(at(RULE)) is None
    await side.ended(await side.arm.change("PUT", at(RULE), DENY))
    assert await side.arm.find(at(RULE)) is not None


async def test_what_was_changed_may_show_later(side: Azure) -> None:
    """The first readers see what was before, and then nobody."""
    side.outside.upsets.add(Upset(side="arm", way=Way.IS_STALE, reads=2, times=1))
    await side.ended(await side.arm.change("PUT", at(RULE), DENY))

    found = [await side.arm.find(at(RULE)) for _ in range(3)]

    assert [each is not None for each in found] == [False, False, True]


async def test_an_operation_may_never_end(side: Azure) -> None:
    """What it was about is done all the same, and shows."""
    side.outside.upsets.add(Upset(side="arm", way=Way.NEVER_ENDS, times=1))
    begun = await side.arm.change("PUT", at(RULE), DENY)
    assert isinstance(begun, Pending)
    side.step(timedelta(days=1))

    assert isinstance(await side.arm.look(begun), Pending)
    assert await side.arm.find(at(RULE)) is not None
    side.outside.manager.recover()
    assert isinstance(await side.arm.look(begun), Done)


async def test_an_operation_that_nobody_remembers_is_done(side: Azure) -> None:
    """The resource tells how it ended."""
    begun = await side.arm.change("PUT", at(RULE), DENY)
    assert isinstance(begun, Pending)
    side.outside.manager.operations.forget()

    assert await side.arm.look(begun) == Done()
    side.step()
    assert await side.arm.find(at(RULE)) is not None


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (Fault(side="arm", status=401), PermanentFailure, FailureReason.AUTH),
        (Fault(side="arm", status=403), PermanentFailure, FailureReason.AUTH),
        (Fault(side="arm", status=404), PermanentFailure, FailureReason.NOT_FOUND),
        (Fault(side="arm", status=409), PermanentFailure, FailureReason.CONFLICT),
        (Fault(side="arm", status=412), TransientFailure, FailureReason.CONFLICT),
        (
            Fault(side="arm", status=429, retry_after=17),
            TransientFailure,
            FailureReason.RATE_LIMITED,
        ),
        (Fault(side="arm", status=500), TransientFailure, FailureReason.SERVER),
        (Fault(side="arm", status=503), TransientFailure, FailureReason.UNAVAILABLE),
        (Fault(side="arm", status=504), TransientFailure, FailureReason.TIMEOUT),
        (Fault(side="arm", drop=True), TransientFailure, FailureReason.UNAVAILABLE),
    ],
)
async def test_a_bad_day_is_understood(
    side: Azure,
    fault: Fault,
    kind: type[TransientFailure | PermanentFailure],
    reason: FailureReason,
) -> None:
    """Whatever is asked for, and with what the identity lacks where it lacks it."""
    side.outside.faults.add(fault)

    with pytest.raises(kind) as caught:
        await side.arm.change("PUT", at(RULE), DENY, permission="Microsoft.X/write")

    assert caught.value.reason is reason
    assert ("Microsoft.X/write" in str(caught.value)) is (reason is FailureReason.AUTH)
    assert side.outside.manager.changes == []


async def test_a_type_that_is_listed_is_listed(side: Azure) -> None:
    """Below the one above it."""
    found = await side.arm.read(
        attached(
            NIC.rpartition("/providers/")[0], "Microsoft.Network/networkSecurityGroups"
        )
    )

    assert [each["name"] for each in found.content["value"]] == [
        "nsg-web",
        "nsg-vnet-shop",
    ]
