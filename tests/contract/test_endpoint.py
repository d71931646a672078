"""What responders know of Defender for Endpoint, against the stand-in of devhost."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from devhost.outside import Fault
from devhost.outside.azure.upsets import Upset, Way
from responders.sides import machine_actions
from responders.sides.machine_actions import MachineAction, newest, package_url, tell
from responders.sides.machines import Sought, machine, one_machine
from shared.clouds.http import HttpClient
from shared.model.errors import (
    ActionRefused,
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.rest import Done, Pending
from tests.fakes.azure import (
    LAPTOP_ENTRA,
    MDE_LAPTOP,
    MDE_WEB01,
    MDE_WEB10,
    WEB01,
    Azure,
    azure,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FULL = {"Comment": "firewatch 1", "IsolationType": "Full"}


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


async def isolate(side: Azure, machine_id: str = MDE_WEB01) -> MachineAction:
    return await tell(
        side.endpoint, machine_id, "isolate", FULL, permission="Machine.Isolate"
    )


async def look(side: Azure, action: MachineAction) -> Done | Pending:
    return await machine_actions.look(side.endpoint, action.id, now=side.now)


@pytest.mark.parametrize(
    "sought",
    [
        Sought(machine_id=MDE_WEB01.upper()),
        Sought(name="WEB01"),
        Sought(name="web01", resource=WEB01.lower()),
        Sought(name="web01", vm_id="7c1f0e52-0000-4000-8000-000000000001"),
    ],
)
async def test_one_machine_is_found(side: Azure, sought: Sought) -> None:
    """An old record of the same machine does not stand in its way, nor does web10."""
    found = await one_machine(side.endpoint, sought)

    assert (found.id, found.name, found.platform) == (MDE_WEB01, "web01", "Linux")


async def test_a_machine_is_found_by_its_entra_id(side: Azure) -> None:
    """Which is written as the other side wants it."""
    found = await one_machine(side.endpoint, Sought(entra_id=LAPTOP_ENTRA.upper()))

    assert found.id == MDE_LAPTOP


@pytest.mark.parametrize(
    "sought",
    [
        Sought(name="kiosk"),
        Sought(),
        Sought(name="web01' or startswith(computerDnsName,'w"),
        # It is another machine's, and the old record's address agrees with nothing.
        Sought(name="dc01", resource=WEB01.lower(), addresses=("10.10.1.4",)),
    ],
)
async def test_a_machine_that_may_be_another_is_refused(
    side: Azure, sought: Sought
) -> None:
    """Never guessed."""
    with pytest.raises((ActionRefused, PermanentFailure)):
        await one_machine(side.endpoint, sought)


async def test_a_name_that_only_begins_alike_is_none(side: Azure) -> None:
    """The answer of the other side to "none" is 404."""
    with pytest.raises(PermanentFailure) as caught:
        await one_machine(side.endpoint, Sought(name="web0"))

    assert caught.value.reason is FailureReason.NOT_FOUND


async def test_a_machine_is_isolated_and_released(side: Azure) -> None:
    """Whether it is, what it was told last says."""
    assert await newest(side.endpoint, MDE_WEB01, "isolate") is None

    told = await isolate(side)
    assert (told.type, told.status, told.comment) == (
        "Isolate",
        "Pending",
        "firewatch 1",
    )
    assert await look(side, told) == Pending(
        poll=told.id, retry_after=timedelta(minutes=1)
    )
    side.step()
    assert await look(side, told) == Done()
    found = await newest(side.endpoint, MDE_WEB01, "isolate")
    assert found is not None
    assert (found.id, found.status) == (told.id, "Succeeded")
    assert side.outside.state()["machines"] == {MDE_WEB01: {"Isolate": "Full"}}

    side.step(timedelta(minutes=1))
    released = await tell(
        side.endpoint,
        MDE_WEB01,
        "unisolate",
        {"Comment": "firewatch 1"},
        permission="Machine.Isolate",
    )
    side.step()
    assert await look(side, released) == Done()
    assert side.outside.state()["machines"] == {}


@pytest.mark.parametrize("gives_pending", [False, True])
async def test_a_machine_that_is_at_it_is_told_once(
    side: Azure,
    gives_pending: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    """Whichever of its two answers the other side gives (issue 5903)."""
    side.outside.endpoint.actions.gives_pending = gives_pending

    first, second = await isolate(side), await isolate(side)

    assert first.id == second.id
    assert len(side.outside.endpoint.actions.all()) == 1


@pytest.mark.parametrize(
    ("way", "ended"), [(Way.FAILS, "Failed"), (Way.IS_LOST, "TimeOut")]
)
async def test_an_action_that_ended_badly_is_raised(
    side: Azure, way: Way, ended: str
) -> None:
    """With how."""
    side.outside.upsets.add(Upset(side="defender-endpoint", way=way))
    told = await isolate(side)
    side.step()

    with pytest.raises(PermanentFailure, match=ended):
        await look(side, told)
    assert side.outside.state()["machines"] == {}


async def test_a_machine_that_is_off_is_looked_at_ever_less(side: Azure) -> None:
    """It may take days; and then it can be cancelled."""
    side.outside.upsets.add(Upset(side="defender-endpoint", way=Way.NEVER_ENDS))
    told = await isolate(side)

    waits = []
    for minutes in (0, 20, 60, 600):
        side.step(timedelta(minutes=minutes))
        found = await look(side, told)
        assert isinstance(found, Pending)
        waits.append(found.retry_after)

    assert [wait.total_seconds() / 60 for wait in waits] == [1, 5, 20, 30]
    await side.endpoint.change(
        "POST", f"/machineactions/{told.id}/cancel", {"Comment": "firewatch"}
    )
    with pytest.raises(PermanentFailure, match="Cancelled"):
        await look(side, told)


async def test_an_action_may_show_late(side: Azure) -> None:
    """In the list; by its id it is there at once."""
    side.outside.upsets.add(Upset(side="defender-endpoint", way=Way.IS_STALE, reads=1))
    told = await isolate(side)

    assert isinstance(await look(side, told), Pending)
    found = [await newest(side.endpoint, MDE_WEB01, "isolate") for _ in range(2)]
    assert [each is not None for each in found] == [False, True]


async def test_a_package_is_collected(side: Azure) -> None:
    """It has an address for whoever knows it, which is asked for twice a minute."""
    told = await tell(
        side.endpoint,
        MDE_LAPTOP,
        "collectInvestigationPackage",
        {"Comment": "firewatch 1"},
        permission="Machine.CollectForensics",
    )
    with pytest.raises(PermanentFailure) as caught:
        await package_url(side.endpoint, told.id)
    assert caught.value.reason is FailureReason.NOT_FOUND
    side.step()

    url = await package_url(side.endpoint, told.id)

    http = HttpClient()
    content = (await http.get(url)).body
    assert content.startswith(b"PK")
    assert (await http.get(url.partition("?")[0])).status == 403
    await http.close()
    with pytest.raises(TransientFailure) as throttled:
        await package_url(side.endpoint, told.id)
    assert throttled.value.reason is FailureReason.RATE_LIMITED
    assert throttled.value.retry_after == timedelta(seconds=57)


@pytest.mark.parametrize(
    ("act", "body", "code"),
    [
        ("isolate", {"comment": "x", "isolationType": "Full"}, "InvalidRequestBody"),
        ("isolate", {"Comment": "x"}, "InvalidRequestBody"),
        ("isolate", {"Comment": "x", "IsolationType": "full"}, "InvalidInput"),
        ("isolate", {"Comment": " ", "IsolationType": "Full"}, "MissingRequired"),
        ("runAntiVirusScan", {"Comment": "x", "ScanType": "Quick"}, "OsPlatform"),
        ("collectInvestigationPackage", {"Comment": "x"}, "OsPlatformNotSupported"),
    ],
)
async def test_a_request_that_is_wrong_is_refused(
    side: Azure, act: str, body: dict[str, str], code: str
) -> None:
    """For good: names have their case, and platforms their limits."""
    with pytest.raises(PermanentFailure, match=code):
        await side.endpoint.change("POST", machine(MDE_WEB01, act=act), body)

    assert side.outside.endpoint.actions.all() == []


@pytest.mark.parametrize(
    "wanted",
    [
        "vmMetadata eq 'x'",
        "computerDnsName eq web01",
        f"aadDeviceId eq '{LAPTOP_ENTRA}'",
        "id eq 'a' or id eq 'b'",
        "id eq 'a' and ",
    ],
)
async def test_a_filter_that_is_wrong_is_refused(side: Azure, wanted: str) -> None:
    """As the other side does, so that nobody relies on what it does not offer."""
    with pytest.raises(PermanentFailure, match="ODataError"):
        await side.endpoint.read(f"/machines?$filter={wanted.replace(' ', '%20')}")


async def test_each_is_told_apart(side: Azure) -> None:
    """What one machine was told says nothing of another."""
    await isolate(side, MDE_WEB10)

    assert await newest(side.endpoint, MDE_WEB01, "isolate") is None


async def test_a_bad_day_is_understood(side: Azure) -> None:
    """500 is to be tried again (remote-apis-azure.md 0.4)."""
    side.outside.faults.add(Fault(side="defender-endpoint", status=500))

    with pytest.raises(TransientFailure):
        await isolate(side)


async def test_whoever_asks_too_often_is_told_to_wait(side: Azure) -> None:
    """A hundred calls of one kind a minute."""
    for _ in range(100):
        await side.endpoint.read(machine(MDE_WEB01))

    with pytest.raises(TransientFailure) as caught:
        await side.endpoint.read(machine(MDE_WEB01))
    assert caught.value.retry_after == timedelta(minutes=1)
    side.step(timedelta(minutes=1))
    assert await side.endpoint.find(machine(MDE_WEB01)) is not None


HASH = "9f2c1e7ab0d44a5e8c6f3b7d21e0954c7a8b6d5e4f30291817a6b5c4d3e2f101"
INDICATOR = {
    "indicatorValue": HASH,
    "indicatorType": "FileSha256",
    "action": "BlockAndRemediate",
    "title": "firewatch 0d9eeb301d377b52",
    "description": "kworkerd",
    "severity": "High",
    "expirationTime": "2026-12-31T00:00:00Z",
}


def of_hash() -> str:
    wanted = f"indicatorValue eq '{HASH}' and indicatorType eq 'FileSha256'"
    return f"/indicators?$filter={wanted.replace(' ', '%20')}"


async def test_an_indicator_is_made_and_taken_away(side: Azure) -> None:
    """By its number; it is found by what it is about."""
    before = side.outside.state()
    done = await side.endpoint.change("POST", "/indicators", INDICATOR)
    assert isinstance(done, Done)

    [found] = await side.endpoint.list_all(of_hash())
    assert (found["id"], found["createdBy"]) == (done.content["id"], "firewatch")
    for _ in range(2):
        await side.endpoint.change("DELETE", f"/indicators/{found['id']}")
    assert await side.endpoint.list_all(of_hash()) == []
    assert side.outside.state() == before


async def test_an_indicator_is_written_over_by_whoever_has_the_same(
    side: Azure,
) -> None:
    """So one that somebody else made must be read beforehand."""
    for action in ("Allowed", "Block"):
        body = INDICATOR | {"action": action}
        await side.endpoint.change("POST", "/indicators", body)

    [found] = await side.endpoint.list_all(of_hash())
    assert found["action"] == "Block"


async def test_an_indicator_ends_by_itself(side: Azure) -> None:
    """At its time."""
    await side.endpoint.change("POST", "/indicators", INDICATOR)
    side.step(timedelta(days=60))

    assert await side.endpoint.list_all(of_hash()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""},
        {"action": "AlertAndBlock"},
        {"action": "Audit"},
        {"indicatorType": "FileSha1"},
        {"indicatorType": "IpAddress", "indicatorValue": "203.0.113.0/24"},
        {"severity": "Critical"},
        {"expirationTime": "soon"},
        {"expirationTime": "2026-12-31T00:00:00"},
    ],
)
async def test_an_indicator_that_is_none_is_refused(
    side: Azure, changes: dict[str, str]
) -> None:
    """No network, no word that was retired."""
    with pytest.raises(PermanentFailure):
        await side.endpoint.change("POST", "/indicators", INDICATOR | changes)

    assert side.outside.state()["indicators"] == {}
