"""Blobs that are moved: which, and never one of which there is no copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from devhost.outside.azure.upsets import Upset, Way
from devhost.outside.blob import LARGEST_COPY
from responders.blob_quarantine import BlobQuarantine
from responders.sides.blobs import path_in
from shared.model.deed import State
from shared.model.entity import Named
from shared.model.errors import ActionRefused, SettingsError, TransientFailure
from tests.conformance.doer_case import alert
from tests.factories import make_incident
from tests.fakes.azure import LAKE, Azure, azure
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.model.deed import Deed

URL = "https://lake7.blob.core.windows.net"
BLOB = "exports/a.exe"


@pytest.fixture
async def side() -> AsyncIterator[Azure]:
    async with azure() as side:
        side.outside.blob.put(f"lake7/{BLOB}", 10, "bWQ1")
        yield side


def made(side: Azure) -> BlobQuarantine:
    ports = make_ports(FakeHttp(), {})._replace(azure=side.remotes)
    config = BlobQuarantine.Config(container="quarantine")
    return BlobQuarantine("it", config, ports)


async def planned(side: Azure, *urls: str) -> Sequence[Deed]:
    named = tuple(Named(kind="blob", name=url, strong=True) for url in urls)
    return await made(side).plan(
        make_incident(), [replace(alert(LAKE), entities=named)]
    )


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (f"{URL}/exports/a.exe", "/exports/a.exe"),
        (f"{URL}/exports/a.exe?sig=s3cret#x", "/exports/a.exe"),
        (f"{URL}/exports/%C3%A9%20b", "/exports/%C3%A9%20b"),
        (f"{URL}/exports/it's", "/exports/it%27s"),
        ("https://lake7.z12.blob.storage.azure.net/c/b", "/c/b"),
        # Another account, whatever it looks like, and what is no blob.
        ("https://lake70.blob.core.windows.net/c/b", ""),
        ("https://x.lake7.blob.core.windows.net/c/b", ""),
        ("https://lake7.file.core.windows.net/c/b", ""),
        (f"http{URL[5:]}/c/b", ""),
        (f"{URL}/exports", ""),
        (f"{URL}/exports/", ""),
        ("https://[", ""),
    ],
)
def test_a_blob_is_meant_by_its_whole_address(url: str, path: str) -> None:
    """Signatures in it are not repeated."""
    assert path_in("lake7", url) == path


async def test_what_is_moved_is_kept_by_a_name_of_its_own(side: Azure) -> None:
    """Two of one name in two places do not meet."""
    side.outside.blob.put("lake7/raw/a.exe", 10, "bWQ1")
    found = await planned(side, f"{URL}/{BLOB}", f"{URL}/raw/a.exe")

    assert len({deed.content["kept"] for deed in found}) == 2
    assert all(deed.content["kept"].startswith("/quarantine/") for deed in found)


async def test_what_cannot_be_moved_says_why(side: Azure) -> None:
    """Too large for one copy, or not there; what is in quarantine is left there."""
    side.outside.blob.put("lake7/raw/big", LARGEST_COPY + 1)
    urls = (f"{URL}/raw/big", f"{URL}/raw/none", f"{URL}/quarantine/x/y")

    found = {deed.content["path"]: deed.obstacle for deed in await planned(side, *urls)}

    assert found.keys() == {"/raw/big", "/raw/none"}
    assert "too large" in found["/raw/big"]
    assert "no such" in found["/raw/none"]


async def test_a_copy_that_is_lost_costs_nothing(side: Azure) -> None:
    """The blob is deleted only when its copy was seen."""
    (deed,) = await planned(side, f"{URL}/{BLOB}")
    doer, before = made(side), side.outside.state()
    was = await doer.before(deed)
    side.outside.upsets.add(Upset(side="blob", way=Way.IS_LOST, method="PUT"))

    with pytest.raises(TransientFailure):
        await doer.apply(deed, was)

    assert side.outside.state() == before


async def test_what_somebody_wrote_since_is_another_blob(side: Azure) -> None:
    """Also of the same size and content."""
    (deed,) = await planned(side, f"{URL}/{BLOB}")
    doer = made(side)
    was = await doer.before(deed)
    side.outside.blob.put(f"lake7/{BLOB}", 10, "bWQ1")

    for work in (doer.before(deed), doer.apply(deed, was)):
        with pytest.raises(ActionRefused, match="since"):
            await work


async def test_another_incident_may_need_it_there_as_well(side: Azure) -> None:
    """It is planned while it is in quarantine: who leaves last puts it back."""
    (deed,) = await planned(side, f"{URL}/{BLOB}")
    doer = made(side)
    was = await doer.before(deed)
    await doer.apply(deed, was)

    (again,) = await planned(side, f"{URL}/{BLOB}")

    assert (again.target, again.obstacle) == (deed.target, "")
    assert (await doer.verify(deed, was)).state is State.IN_FORCE


async def test_what_is_gone_altogether_is_said(side: Azure) -> None:
    """Nobody can put it back."""
    (deed,) = await planned(side, f"{URL}/{BLOB}")
    doer = made(side)
    was = await doer.before(deed)
    await doer.apply(deed, was)
    side.outside.blob.blobs.remove(f"lake7{deed.content['kept']}")

    assert (await doer.verify(deed, was)).state is State.OTHERWISE
    with pytest.raises(ActionRefused):
        await doer.undo(deed, was)


@pytest.mark.parametrize("container", ["", "Q", "a", "a--b", "../x", "$root"])
def test_a_container_is_named(container: str) -> None:
    """As Azure has names."""
    config = BlobQuarantine.Config(container=container)
    with pytest.raises(SettingsError):
        BlobQuarantine("it", config, make_ports(FakeHttp(), {}))
