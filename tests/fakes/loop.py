"""An event loop whose time passes only while everybody waits for it."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock jumps to the next timer where a real one would sleep.

    For code that waits for nothing but timers and other tasks. Where nothing would ever
    happen again it raises, in place of hanging.
    """

    def __init__(self) -> None:
        super().__init__(_Jumping(self))
        self._virtual = 0.0

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._virtual

    def jump(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._virtual += seconds


class _Jumping(selectors.DefaultSelector):
    """What the loop would wait for, for so long: the time passes instead."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:  # noqa: ANN401
        found = super().select(0)
        if not found and timeout is None:
            raise RuntimeError("everybody waits, and for nothing that will come")
        if not found and timeout:
            self._loop.jump(timeout)
        return found


def in_virtual_time(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it to its end on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)
