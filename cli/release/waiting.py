"""Asking again and again until something is so, with a clock that is handed in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Waiting(NamedTuple):
    """A clock in seconds, and how to let time go by."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def rounds(self, *, for_s: float, every_s: float) -> Iterator[None]:
        """A round now and one after each pause, for so long; at least two."""
        end = self.clock() + for_s
        yield
        while True:
            self.sleep(every_s)
            yield
            if self.clock() >= end:
                return
