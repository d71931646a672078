"""What is kept as evidence: written once, under names that lead nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.model.errors import PermanentFailure, StoreUnavailable, TransientFailure
from shared.store.kept import FOLDER, Keeper
from tests.fakes.store import FakeBlobs

if TYPE_CHECKING:
    from shared.store.ports import Blobs

NAME = "0a0a0a0a0a0a0a0a/1-config-0123456789abcdef.json"


def keeper(blobs: FakeBlobs) -> Keeper:
    async def opened() -> Blobs:
        return blobs

    return Keeper(opened)


async def test_what_is_kept_is_not_written_over() -> None:
    """Whoever comes second finds the first."""
    blobs = FakeBlobs()
    kept = keeper(blobs)
    assert await kept.get(NAME) is None

    await kept.put(NAME, b"first")
    await kept.put(NAME, b"second")

    assert await kept.get(NAME) == b"first"
    assert [*blobs.blobs] == [f"{FOLDER}{NAME}"]


@pytest.mark.parametrize(
    "name", ["", "../policy/last-good", "a//b", "/a", "A", "a b", "a/../b", "a" * 201]
)
async def test_a_name_that_leads_elsewhere_is_none(name: str) -> None:
    """Names hold parts of what others wrote."""
    kept = keeper(FakeBlobs())

    with pytest.raises(PermanentFailure):
        await kept.put(name, b"x")
    with pytest.raises(PermanentFailure):
        await kept.get(name)


async def test_a_store_that_is_away_may_come_back() -> None:
    """A responder hears that it passes, and nothing of storage."""

    async def closed() -> Blobs:
        raise StoreUnavailable("away")

    with pytest.raises(TransientFailure):
        await Keeper(closed).put(NAME, b"x")
    with pytest.raises(TransientFailure):
        await Keeper(closed).get(NAME)
