"""Which machines of Defender for Endpoint are meant, and what they are told by whom."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from devhost.outside.azure.machine_actions import ACTS
from responders.endpoint_isolate import EndpointIsolate, Isolation
from responders.endpoint_package import EndpointPackage
from responders.endpoint_quarantine_file import EndpointQuarantineFile
from responders.endpoint_scan import EndpointScan, Scan
from responders.sides.endpoints import meant
from shared.model.deed import State
from shared.model.errors import ActionRefused, SettingsError, TransientFailure
from tests.conformance.cases_endpoint import MALWARE, host, infected, laptop
from tests.conformance.doer_case import alert
from tests.factories import make_incident
from tests.fakes.azure import (
    DC01,
    LAPTOP_ENTRA,
    MDE_LAPTOP,
    MDE_WEB01,
    MDE_WEB10,
    WEB01,
    Azure,
    azure,
)
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.model.alert import AlertRow
    from shared.model.deed import Deed

LONG = timedelta(hours=1)


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as found:
        yield found


def doer(side: Azure, **settings: Any) -> EndpointIsolate:  # noqa: ANN401
    ports = make_ports(FakeHttp(), {}, clock=lambda: side.now)
    config = EndpointIsolate.Config(**settings)
    return EndpointIsolate("isolate", config, ports._replace(azure=side.remotes))


def collector(side: Azure) -> EndpointPackage:
    ports = make_ports(FakeHttp(), {}, clock=lambda: side.now)
    config = EndpointPackage.Config()
    return EndpointPackage("package", config, ports._replace(azure=side.remotes))


async def planned(one: EndpointIsolate | EndpointPackage, row: AlertRow) -> Deed:
    (deed,) = await one.plan(make_incident(), [row])
    return deed


def told(side: Azure, machine: str, act: str, **more: str) -> None:
    """Somebody else tells a machine something, and it is done."""
    endpoint = side.outside.endpoint
    body = {"Comment": "the SOC's own", **more}
    path = f"/machines/{machine}/{act}"
    endpoint.actions.begin(endpoint.machines[machine], ACTS[act], body, path)
    side.step()


# Which machine


@pytest.mark.parametrize(
    ("row", "machine", "resource"),
    [
        (alert(WEB01), MDE_WEB01, WEB01.lower()),
        (laptop(), MDE_LAPTOP, ""),
        (alert(None, host(HostName="x", AadDeviceId=LAPTOP_ENTRA)), MDE_LAPTOP, ""),
        (
            alert(WEB01, host(HostName="x", MdatpDeviceId=MDE_WEB01, AzureID=WEB01)),
            MDE_WEB01,
            WEB01.lower(),
        ),
        # Whoever attacked it is another machine of the same alert.
        (
            alert(WEB01, host(HostName="web10", MdatpDeviceId=MDE_WEB10)),
            MDE_WEB01,
            WEB01.lower(),
        ),
    ],
)
async def test_a_machine_is_known_by_its_ids(
    side: Azure, row: AlertRow, machine: str, resource: str
) -> None:
    """Whichever the alert gives it."""
    (found,) = await meant(side.remotes, [row])

    assert found.machine is not None
    assert (found.target, found.resource, found.obstacle) == (machine, resource, "")
    assert found.machine.id == machine


async def test_alerts_that_know_one_machine_by_different_ids_are_one_deed(
    side: Azure,
) -> None:
    """And the resource that it is, is what guards are asked about."""
    by_device = alert(
        None, host(HostName="x", MdatpDeviceId=MDE_WEB01), SystemAlertId="b"
    )
    by_resource = alert(WEB01)

    (found,) = await meant(side.remotes, [by_device, by_resource])

    assert found.resource == WEB01.lower()
    assert {*found.alerts} == {by_device.id, by_resource.id}


async def test_an_id_of_another_machine_is_not_taken(side: Azure) -> None:
    """The alert says that it is web01; Defender for Endpoint says that it is not."""
    row = alert(WEB01, host(HostName="x", MdatpDeviceId=MDE_WEB10, AzureID=WEB01))

    (found,) = await meant(side.remotes, [row])

    assert found.machine is None
    assert found.obstacle


async def test_a_machine_that_is_tagged_is_protected(side: Azure) -> None:
    """When it is planned, and when it was tagged since."""
    assert "tagged" in (await planned(doer(side), alert(DC01))).obstacle

    deed = await planned(doer(side), alert())
    side.outside.endpoint.machines[MDE_WEB01]["machineTags"] = ["Firewatch:Protected"]
    with pytest.raises(ActionRefused, match="tagged"):
        await doer(side).before(deed)


# Isolating


async def test_what_somebody_else_isolated_is_theirs(side: Azure) -> None:
    """It is not isolated again, and never released."""
    deed = await planned(doer(side), alert())
    told(side, MDE_WEB01, "isolate", IsolationType="Full")

    with pytest.raises(ActionRefused):
        await doer(side).before(deed)


async def test_one_that_is_being_released_is_waited_for(side: Azure) -> None:
    """Both at once would end as neither."""
    deed = await planned(doer(side), alert())
    side.outside.endpoint.actions.lasts = LONG
    told(side, MDE_WEB01, "unisolate")

    with pytest.raises(TransientFailure):
        await doer(side).before(deed)


async def test_somebody_elses_that_comes_between_is_not_ours(side: Azure) -> None:
    """Whose it is, its comment says."""
    one, deed = doer(side), await planned(doer(side), alert())
    before = await one.before(deed)
    side.outside.endpoint.actions.lasts = LONG
    told(side, MDE_WEB01, "isolate", IsolationType="Full")

    with pytest.raises(ActionRefused):
        await one.apply(deed, before)
    assert (await one.verify(deed, before)).state is State.OTHERWISE


async def test_one_that_somebody_released_is_as_it_was(side: Azure) -> None:
    """There is nothing left to take back."""
    one, deed = doer(side), await planned(doer(side), alert())
    before = await one.before(deed)
    await one.apply(deed, before)
    side.step()
    assert (await one.verify(deed, before)).state is State.IN_FORCE

    told(side, MDE_WEB01, "unisolate")

    assert (await one.verify(deed, before)).state is State.AS_BEFORE
    count = len(side.outside.endpoint.actions.all())
    await one.undo(deed, before)
    assert len(side.outside.endpoint.actions.all()) == count


async def test_a_release_that_failed_leaves_it_isolated(side: Azure) -> None:
    """The last that counts is the one before."""
    one, deed = doer(side), await planned(doer(side), alert())
    before = await one.before(deed)
    await one.apply(deed, before)
    side.step()
    await one.undo(deed, before)
    side.outside.endpoint.actions.all()[0].ends_as = "TimeOut"
    side.step()

    assert (await one.verify(deed, before)).state is State.IN_FORCE


async def test_what_ended_while_it_was_called_off_is_looked_at_again(
    side: Azure,
) -> None:
    """It may be isolated by then."""
    one, deed = doer(side), await planned(doer(side), alert())
    before = await one.before(deed)
    await one.apply(deed, before)
    action = side.outside.endpoint.actions.all()[0]
    assert (await one.verify(deed, before)).state is State.AWAITED
    shown = side.outside.endpoint.actions.shown
    ended = {**shown(action)}
    side.step()

    def late(each: object) -> dict[str, Any]:
        return ended if each is action else shown(each)  # type: ignore[arg-type]

    side.outside.endpoint.actions.shown = late  # type: ignore[method-assign, assignment]
    with pytest.raises(TransientFailure):
        await one.undo(deed, before)


@pytest.mark.parametrize("isolation", [*Isolation])
async def test_how_much_is_cut_off_is_said(side: Azure, isolation: Isolation) -> None:
    """Only Windows keeps Outlook and Teams."""
    one = doer(side, isolation=isolation)
    is_selective = isolation is Isolation.SELECTIVE
    assert bool((await planned(one, alert())).obstacle) is is_selective

    deed = await planned(one, laptop())
    await one.apply(deed, await one.before(deed))

    assert ("Outlook" in deed.says) is is_selective
    assert side.outside.endpoint.actions.all()[0].scope == isolation.capitalize()


# Packages


async def test_packages_are_of_windows(side: Azure) -> None:
    """Of another machine there is none to be had."""
    assert "Windows" in (await planned(collector(side), alert())).obstacle


async def test_each_time_that_the_incident_is_open_has_its_own(side: Azure) -> None:
    """The twelfth time is not taken for the first."""
    one = collector(side)
    for epoch in (12, 1):
        (deed,) = await one.plan(make_incident(epoch=epoch), [laptop()])
        before = await one.before(deed)
        await one.apply(deed, before)
        side.step()
        assert (await one.verify(deed, before)).state is State.IN_FORCE
        with pytest.raises(ActionRefused):
            await one.before(deed)

    assert len(side.outside.endpoint.actions.all()) == 2


@pytest.mark.parametrize("gives_pending", [False, True])
async def test_while_it_collects_for_somebody_else_ours_waits(
    side: Azure, *, gives_pending: bool
) -> None:
    """Whichever way Defender for Endpoint says so."""
    one, deed = collector(side), await planned(collector(side), laptop())
    before = await one.before(deed)
    side.outside.endpoint.actions.gives_pending = gives_pending
    side.outside.endpoint.actions.lasts = LONG
    told(side, MDE_LAPTOP, "collectInvestigationPackage")

    with pytest.raises(TransientFailure):
        await one.apply(deed, before)
    assert (await one.verify(deed, before)).state is State.AS_BEFORE


# Scans, and files


def stopper(side: Azure, **settings: Any) -> EndpointQuarantineFile:  # noqa: ANN401
    ports = make_ports(FakeHttp(), {}, clock=lambda: side.now)
    config = EndpointQuarantineFile.Config(**settings)
    return EndpointQuarantineFile("stop", config, ports._replace(azure=side.remotes))


@pytest.mark.parametrize("scan", [*Scan])
async def test_so_much_is_scanned(side: Azure, scan: Scan) -> None:
    """As the policy says."""
    ports = make_ports(FakeHttp(), {}, clock=lambda: side.now)
    config = EndpointScan.Config(scan=scan)
    one = EndpointScan("scan", config, ports._replace(azure=side.remotes))
    (deed,) = await one.plan(make_incident(), [laptop()])

    await one.apply(deed, await one.before(deed))

    assert side.outside.endpoint.actions.all()[0].scope == scan.capitalize()
    (of_linux,) = await one.plan(make_incident(), [alert()])
    assert "Windows" in of_linux.obstacle


async def test_of_several_files_none_is_the_malware(side: Azure) -> None:
    """Unless the policy takes so many; each then is a deed of its own."""
    row = infected(MALWARE, "6" * 40)

    doubted = await stopper(side).plan(make_incident(), [row])
    taken = await stopper(side, most=2).plan(make_incident(), [row])

    assert ["2 files" in deed.obstacle for deed in doubted] == [True, True]
    assert [deed.obstacle for deed in taken] == ["", ""]
    assert len({deed.target for deed in taken}) == 2
    assert len({deed.content["mark"] for deed in taken}) == 2


async def test_files_of_all_alerts_on_a_machine_count(side: Azure) -> None:
    """Two alerts that name one each name two."""
    other = replace(infected("6" * 40), id="other")

    found = await stopper(side).plan(make_incident(), [infected(), other])

    assert len(found) == 2
    assert all("2 files" in deed.obstacle for deed in found)


async def test_files_without_a_setting_for_them_are_a_mistake(side: Azure) -> None:
    """It would never do anything."""
    with pytest.raises(SettingsError):
        stopper(side, most=0)
