"""Machines and apps that are stopped: which are left alone, and as what they come back."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from responders.app_stop import AppStop
from responders.scale_set_deallocate import ScaleSetDeallocate
from responders.vm_deallocate import VmDeallocate
from shared.model.deed import State
from shared.model.errors import ActionRefused, TransientFailure
from tests.conformance.cases_power import INSTANCE
from tests.conformance.doer_case import alert
from tests.factories import make_incident
from tests.fakes.azure import SITE, WEB01, Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from responders.base import Doer
    from shared.model.deed import Before, Deed

USES: dict[str, tuple[Any, str]] = {
    "vm": (VmDeallocate, WEB01),
    "instance": (ScaleSetDeallocate, INSTANCE),
    "app": (AppStop, SITE),
}
EPHEMERAL = {"osDisk": {"diffDiskSettings": {"option": "Local"}}}
POLICY = {"protectFromScaleIn": True, "protectFromScaleSetActions": False}


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as found:
        yield found


def doer(side: Azure, use: str) -> Doer:
    ports = make_ports(FakeHttp(), {}, clock=lambda: side.now)
    kind, _ = USES[use]
    made: Doer = kind(use, kind.Config(), ports._replace(azure=side.remotes))
    return made


async def planned(side: Azure, use: str) -> Deed:
    (deed,) = await doer(side, use).plan(make_incident(), [alert(USES[use][1])])
    return deed


async def done(side: Azure, use: str) -> tuple[Doer, Deed, Before]:
    """A deed that was done."""
    one, deed = doer(side, use), await planned(side, use)
    before = await one.before(deed)
    with contextlib.suppress(TransientFailure):
        await one.apply(deed, before)
    side.step()
    # An instance is protected first.
    await one.apply(deed, before)
    side.step()
    side.outside.manager.operations.settle()
    return one, deed, before


def change(side: Azure, resource_id: str, **properties: Any) -> None:  # noqa: ANN401
    """Somebody changes a resource."""
    found = side.outside.manager.resources.find(resource_id)
    assert found is not None
    changed = {**found["properties"], **properties}
    side.outside.manager.resources.write({**found, "properties": changed})


@pytest.mark.parametrize(
    ("use", "state"),
    [
        ("vm", {"powerState": "PowerState/stopped"}),
        ("vm", {"powerState": "PowerState/starting"}),
        ("vm", {"powerState": "nothing"}),
        ("instance", {"powerState": "PowerState/deallocated"}),
        ("app", {"state": "Stopped"}),
        ("app", {"state": None}),
    ],
)
async def test_what_does_not_run_is_left_alone(
    side: Azure, use: str, state: dict[str, Any]
) -> None:
    """Taking it back would start what did not run."""
    deed = await planned(side, use)
    change(side, USES[use][1], **state)

    with pytest.raises(ActionRefused):
        await doer(side, use).before(deed)


@pytest.mark.parametrize("use", ["vm", "instance"])
async def test_what_would_be_wiped_is_left_alone(side: Azure, use: str) -> None:
    """When it is planned, before it is done, and when it is."""
    one, deed = doer(side, use), await planned(side, use)
    before = await one.before(deed)
    change(side, USES[use][1], storageProfile=EPHEMERAL)

    assert "wiped" in (await planned(side, use)).obstacle
    with pytest.raises(ActionRefused):
        await one.before(deed)
    with pytest.raises(ActionRefused):
        await one.apply(deed, before)


@pytest.mark.parametrize("use", ["vm", "instance"])
async def test_another_machine_of_its_name_is_another(side: Azure, use: str) -> None:
    """It was deleted, and one was made anew."""
    one, deed, before = await done(side, use)
    change(side, USES[use][1], vmId="7c1f0e52-0000-4000-8000-00000000dead")

    assert (await one.verify(deed, before)).state is State.OTHERWISE
    side.outside.manager.resources.remove(USES[use][1])
    sight = await one.verify(deed, before)
    assert (sight.state, sight.difference) == (State.OTHERWISE, "the machine is gone")


async def test_an_app_that_is_gone_is_told(side: Azure) -> None:
    """There is nothing to start."""
    one, deed, before = await done(side, "app")
    side.outside.manager.resources.remove(SITE)

    assert (await one.verify(deed, before)).difference == "the app is gone"


@pytest.mark.parametrize("use", [*USES])
async def test_one_that_somebody_started_is_as_it_was(side: Azure, use: str) -> None:
    """Nothing more is sent to it."""
    one, deed, before = await done(side, use)
    name = "state" if use == "app" else "powerState"
    running = "Running" if use == "app" else "PowerState/running"
    change(side, USES[use][1], **{name: running})
    if use == "instance":
        change(side, INSTANCE, protectionPolicy=None)
    count = len(side.outside.manager.changes)

    assert (await one.verify(deed, before)).state is State.AS_BEFORE
    await one.undo(deed, before)

    assert len(side.outside.manager.changes) == count


@pytest.mark.parametrize("policy", [None, POLICY])
async def test_an_instance_has_its_own_protection_again(
    side: Azure, policy: dict[str, bool] | None
) -> None:
    """Whatever it was; the commands say so too."""
    if policy is not None:
        change(side, INSTANCE, protectionPolicy=policy)
    one, deed = doer(side, "instance"), await planned(side, "instance")
    before = await one.before(deed)

    assert before.state["protection"] == policy
    was = str(policy is not None).lower()
    assert f"--protect-from-scale-in {was}" in before.by_hand[1]
    assert "--protect-from-scale-set-actions false" in before.by_hand[1]


async def test_protection_of_a_third_kind_is_somebody_elses(side: Azure) -> None:
    """Neither what it was nor what we left."""
    one, deed = doer(side, "instance"), await planned(side, "instance")
    before = await one.before(deed)
    change(side, INSTANCE, protectionPolicy=POLICY)

    sight = await one.verify(deed, before)

    assert sight.state is State.OTHERWISE
    assert "protects" in sight.difference
