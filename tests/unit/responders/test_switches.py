"""Properties that are switched: what nobody said, and what is not what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from responders.storage_public_off import StoragePublicOff
from shared.model.deed import State
from shared.model.errors import ActionRefused
from tests.conformance.cases_storage import change
from tests.conformance.doer_case import alert
from tests.factories import make_incident
from tests.fakes.azure import LAKE, Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.model.deed import Deed


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        yield side


def made(side: Azure, **settings: Any) -> StoragePublicOff:  # noqa: ANN401
    ports = make_ports(FakeHttp(), {})._replace(azure=side.remotes)
    config = msgspec.convert(settings, StoragePublicOff.Config)
    return StoragePublicOff("it", config, ports)


async def planned(doer: StoragePublicOff) -> Deed:
    (deed,) = await doer.plan(make_incident(), [alert(LAKE)])
    return deed


async def test_blobs_are_what_is_taken_away_unless_said(side: Azure) -> None:
    """The network stays open: whoever signs in still comes."""
    doer, before = made(side), side.outside.state()
    deed = await planned(doer)

    was = await doer.before(deed)
    await doer.apply(deed, was)

    found = side.outside.manager.resources.find(LAKE) or {}
    assert found["properties"]["allowBlobPublicAccess"] is False
    assert found["properties"]["publicNetworkAccess"] == "Enabled"
    assert (await doer.verify(deed, was)).state is State.IN_FORCE
    await doer.undo(deed, was)
    assert side.outside.state() == before


async def test_the_two_are_two_targets(side: Azure) -> None:
    """One is not held for the other."""
    blobs = await planned(made(side, access="blobs"))
    network = await planned(made(side, access="network"))

    assert blobs.target != network.target
    assert blobs.resources == network.resources


@pytest.mark.parametrize("said", [None, "true", 1])
async def test_what_is_not_certain_is_left_alone(side: Azure, said: object) -> None:
    """Put back to what it was not, blobs would be open that never were."""
    change(side, LAKE, allowBlobPublicAccess=said)
    doer = made(side)
    deed = await planned(doer)

    assert "allowBlobPublicAccess" in deed.obstacle
    with pytest.raises(ActionRefused):
        await doer.before(deed)


async def test_what_is_usual_where_nothing_is_said_is_put_back(side: Azure) -> None:
    """It is said then; an account cannot be made to say nothing."""
    change(side, LAKE, publicNetworkAccess=None)
    doer = made(side, access="network")
    deed = await planned(doer)

    was = await doer.before(deed)
    await doer.apply(deed, was)
    await doer.undo(deed, was)

    assert (await doer.verify(deed, was)).state is State.AS_BEFORE
    body = '{"properties": {"publicNetworkAccess": "Enabled"}}'
    uri = f"'{LAKE.lower()}?api-version=2023-05-01'"
    assert was.by_hand == (f"az rest --method patch --uri {uri} --body '{body}'",)
