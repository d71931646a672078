"""What deeds keep as evidence, beside the archive: blobs below ``kept/`` (decision 0033)."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    StoreError,
    TransientFailure,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from shared.store.ports import Blobs

FOLDER = "kept/"

_NAME = re.compile(r"[a-z0-9-]+(?:[./][a-z0-9-]+)*")
_LONGEST = 200


class Keeper:
    """``shared.model.kept.Kept`` over the app's blobs, which are opened at first use."""

    def __init__(self, blobs: Callable[[], Awaitable[Blobs]]) -> None:
        self._blobs = blobs

    async def put(self, name: str, content: bytes) -> None:
        place = _checked(name)
        with _translated():
            await (await self._blobs()).keep(place, content)

    async def get(self, name: str) -> bytes | None:
        place = _checked(name)
        with _translated():
            return await (await self._blobs()).get(place)


def _checked(name: str) -> str:
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        raise PermanentFailure(FailureReason.INVALID, "not a name to keep anything by")
    return FOLDER + name


@contextmanager
def _translated() -> Iterator[None]:
    """A responder knows nothing of storage."""
    try:
        yield
    except StoreError as error:
        said = f"evidence cannot be kept now: {error}"
        raise TransientFailure(FailureReason.UNAVAILABLE, said) from error
