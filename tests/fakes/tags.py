"""Resource Graph in memory."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Shown(NamedTuple):
    """The tags of the resources that were shown."""

    tags: dict[str, dict[str, str]]
    rest: timedelta = timedelta(0)


class FakeGraph:
    """Shows the resources that it has, after some seconds; ``failures`` come first.

    ``asked`` is every batch that it was asked about.
    """

    def __init__(
        self, tags: Mapping[str, dict[str, str]], *, seconds: float = 0.0
    ) -> None:
        self.tags = dict(tags)
        self.seconds = seconds
        self.failures: list[Exception] = []
        self.asked: list[list[str]] = []

    async def __call__(self, resources: Sequence[str]) -> Shown:
        self.asked.append([*resources])
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if self.failures:
            raise self.failures.pop(0)
        return Shown({each: self.tags[each] for each in resources if each in self.tags})
