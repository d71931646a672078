"""Where what a responder copies as evidence is kept."""

from __future__ import annotations

from typing import Protocol


class Kept(Protocol):
    """Named bytes that nobody here writes over or takes away.

    A name is made of lower-case letters, digits, hyphens, dots and slashes. Both raise
    TransientFailure without an answer.
    """

    async def put(self, name: str, content: bytes) -> None:
        """Keep it; where something is kept under that name, that stays."""
        ...

    async def get(self, name: str) -> bytes | None:
        """What is kept under that name; None where nothing is."""
        ...
