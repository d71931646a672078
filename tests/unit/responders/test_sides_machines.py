"""Which machine is meant, and what it was told: in doubt, nobody's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from responders.sides.machine_actions import newest, package_url, progress, read, tell
from responders.sides.machines import Sought, machine, one_machine
from shared.clouds.rest import RestClient
from shared.model.errors import (
    ActionRefused,
    FailureReason,
    PermanentFailure,
    TransientFailure,
)
from shared.model.http import Reply
from tests.factories import NOON
from tests.fakes.http import FakeHttp

if TYPE_CHECKING:
    from shared.model.rest import Rest

ONE, OTHER = "a" * 40, "b" * 40
GUID = "c0ffee00-0000-4000-8000-000000000030"
VM = "/subscriptions/s/resourcegroups/g/providers/microsoft.compute/virtualmachines/v"


def endpoint(*contents: object) -> tuple[Rest, FakeHttp]:
    """An API that answers so, a number for a status alone."""
    http = FakeHttp(
        *(
            Reply(status=each, headers={}, body=b"")
            if isinstance(each, int)
            else Reply(status=200, headers={}, body=msgspec.json.encode(each))
            for each in contents
        )
    )

    async def token(_: str) -> str:
        return "t"

    return RestClient("MDE", "https://mde.example/api", http=http, token=token), http


def known(machine_id: str = ONE, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": machine_id,
        "computerDnsName": "host",
        "osPlatform": "Linux",
        "onboardingStatus": "Onboarded",
        "healthStatus": "Active",
        "lastSeen": "2026-11-01T00:00:00Z",
        "lastIpAddress": "10.0.0.1",
    } | changes


def at(resource: str | None, vm_id: str | None = None) -> dict[str, Any]:
    return {"vmMetadata": {"resourceId": resource, "vmId": vm_id}}


NAMED = Sought(name="host")
PLACED = Sought(name="host", resource=VM, vm_id="1", addresses=("10.0.0.1",))


@pytest.mark.parametrize(
    ("sought", "candidates"),
    [
        (NAMED, [known()]),
        (NAMED, [known(), known(OTHER, onboardingStatus="CanBeOnboarded")]),
        (NAMED, [known(), known(OTHER, healthStatus="Inactive")]),
        (NAMED, [known(), known(OTHER, lastSeen="2026-10-01T00:00:00Z")]),
        # One alone may be inactive: it is told when it is back.
        (NAMED, [known(healthStatus="Inactive")]),
        (PLACED, [known(**at(VM.upper(), "1"))]),
        (PLACED, [known(**at(VM)), known(OTHER)]),
        (PLACED, [known(**at(None, "1")), known(OTHER, **at(VM, "2"))]),
        (PLACED, [known()]),
        (PLACED, [known(**at(None)), known(OTHER, lastIpAddress="10.0.0.2")]),
    ],
)
async def test_the_one_that_is_left_is_meant(
    sought: Sought, candidates: list[dict[str, Any]]
) -> None:
    """By all that is known of it."""
    api, _ = endpoint({"value": candidates})

    assert (await one_machine(api, sought)).id == ONE


@pytest.mark.parametrize(
    ("sought", "candidates"),
    [
        (NAMED, [known(), known(OTHER)]),
        (NAMED, [known(healthStatus="Inactive"), known(OTHER, healthStatus="x")]),
        (NAMED, [known(onboardingStatus="CanBeOnboarded")]),
        (PLACED, [known(**at(VM)), known(OTHER, **at(VM))]),
        (PLACED, [known(), known(OTHER)]),
        (Sought(name="a' or 'b"), []),
        (Sought(name="a b"), []),
        (Sought(entra_id="x"), []),
    ],
)
async def test_where_two_are_left_none_is_meant(
    sought: Sought, candidates: list[dict[str, Any]]
) -> None:
    """Nor where nothing certain is known of it."""
    api, _ = endpoint({"value": candidates})

    with pytest.raises(ActionRefused):
        await one_machine(api, sought)


@pytest.mark.parametrize(
    ("sought", "candidates"),
    [
        (NAMED, []),
        (PLACED, [known(lastIpAddress="10.0.0.2")]),
        (PLACED, [known(**at(f"{VM}2"))]),
        (PLACED, [known(**at(VM, "2"))]),
        (msgspec.structs.replace(PLACED, addresses=()), [known()]),
        (msgspec.structs.replace(PLACED, addresses=()), [known(lastIpAddress=None)]),
    ],
)
async def test_another_machine_of_that_name_is_not_taken(
    sought: Sought, candidates: list[dict[str, Any]]
) -> None:
    """Nothing says that it is the one that is meant."""
    api, _ = endpoint({"value": candidates})

    with pytest.raises(PermanentFailure) as caught:
        await one_machine(api, sought)

    assert caught.value.reason is FailureReason.NOT_FOUND


async def test_an_entra_id_is_written_both_ways() -> None:
    """Which is right is not documented; the second is the last."""
    api, http = endpoint(400, {"value": [known()]})

    assert (await one_machine(api, Sought(entra_id=GUID))).id == ONE

    assert [sent.url.rpartition("filter=")[2] for sent in http.sent] == [
        f"aadDeviceId%20eq%20{GUID}",
        f"aadDeviceId%20eq%20%27{GUID}%27",
    ]


async def test_a_refusal_is_no_reason_to_write_it_another_way() -> None:
    """Only what may be the writing is."""
    api, http = endpoint(403)

    with pytest.raises(PermanentFailure):
        await one_machine(api, Sought(entra_id=GUID))

    assert len(http.sent) == 1


@pytest.mark.parametrize("machine_id", ["", "host", "a" * 39, "a" * 41, f"{'a' * 39}/"])
def test_what_is_no_id_is_no_path(machine_id: str) -> None:
    """It came from an alert."""
    with pytest.raises(PermanentFailure):
        machine(machine_id)


async def test_a_machine_without_an_id_is_not_taken() -> None:
    """Nor is a list that is none."""
    api, _ = endpoint({"value": [known("x")]}, {"value": "many"}, {"value": ["x"]})

    for _ in range(3):
        with pytest.raises(PermanentFailure):
            await one_machine(api, NAMED)


def told(number: int = 1, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": f"{number:08x}-0000-4000-8000-000000000000",
        "type": "Isolate",
        "requestorComment": "ours",
        "status": "Pending",
        "machineId": ONE,
        "creationDateTimeUtc": "2026-11-01T00:00:00.1234567Z",
    } | changes


async def test_the_newest_is_the_latest_that_was_begun() -> None:
    """In whatever order they come."""
    later = told(2, creationDateTimeUtc="2026-11-01T00:00:00.1234667Z")
    pages = (
        {"value": [told(1), later], "@odata.nextLink": "https://mde.example/2"},
        {"value": [told(3)]},
    )
    api, http = endpoint(*pages, {"value": []})

    found = await newest(api, ONE, "isolate")
    assert await newest(api, ONE, "isolate") is None

    assert found is not None
    assert found.id == later["id"]
    assert f"machineId%20eq%20%27{ONE}%27" in http.sent[0].url


@pytest.mark.parametrize(
    "content",
    [{}, {"id": "x"}, told(creationDateTimeUtc="soon"), told(id="1/../2"), told(id=7)],
)
async def test_an_action_that_is_none_is_not_taken(content: object) -> None:
    """What it says is kept in rows."""
    api, _ = endpoint({"value": [content]})

    with pytest.raises(PermanentFailure) as caught:
        await newest(api, ONE, "isolate")

    assert caught.value.reason is FailureReason.INVALID


async def test_a_refusal_while_nothing_goes_on_is_one() -> None:
    """It is not taken for a repeat."""
    for listed in ([], [told(status="Succeeded")]):
        api, _ = endpoint(400, {"value": listed})
        with pytest.raises(PermanentFailure, match="400"):
            await tell(api, ONE, "isolate", {}, permission="Machine.Isolate")

    api, http = endpoint(403)
    with pytest.raises(PermanentFailure, match=r"needs Machine\.Isolate"):
        await tell(api, ONE, "isolate", {}, permission="Machine.Isolate")
    assert len(http.sent) == 1


async def test_a_lost_answer_is_no_refusal() -> None:
    """Whoever tries again reads first."""
    api, _ = endpoint(503)

    with pytest.raises(TransientFailure):
        await tell(api, ONE, "isolate", {}, permission="Machine.Isolate")


async def test_how_it_ended_is_a_word_or_nothing() -> None:
    """It is text of somebody else's."""
    api, _ = endpoint(told(status="<b>"), told(status="Weird"))
    for said in ("something else", "Weird"):
        action = await read(api, told()["id"])
        with pytest.raises(PermanentFailure, match=f"ended as {said}$"):
            progress(action, now=NOON)


async def test_the_first_look_is_after_a_minute() -> None:
    """Whatever the clocks say."""
    api, _ = endpoint(told(creationDateTimeUtc="2027-01-01T00:00:00"))

    found = progress(await read(api, told()["id"]), now=NOON)

    assert getattr(found, "retry_after", None) == timedelta(minutes=1)


@pytest.mark.parametrize("value", ['"https://x.example/p"', "https://x.example/p"])
async def test_an_address_is_taken_out_of_its_quotes(value: str) -> None:
    """Whether they are there or not."""
    api, _ = endpoint({"value": value}, {"value": None})

    assert await package_url(api, told()["id"]) == "https://x.example/p"
    with pytest.raises(PermanentFailure):
        await package_url(api, told()["id"])


async def test_an_id_that_is_none_is_not_asked_about() -> None:
    """A row may have been written by somebody else."""
    api, http = endpoint()

    for asked in (read, package_url):
        with pytest.raises(PermanentFailure):
            await asked(api, "../machines")
    assert http.sent == []
