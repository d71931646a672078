"""What a reader could not make sense of, told without failing."""

from __future__ import annotations

import msgspec

from shared.model.text import plain
from shared.sources.entities.identifiers import tidy

MOST_WARNINGS = 20


class Problems:
    """Warnings, each told once and not too many."""

    def __init__(self) -> None:
        self._told: dict[str, None] = {}
        self._untold = 0

    def add(self, what: str, text: object = "") -> None:
        """Tell ``what``, about a text that an attacker may have written."""
        said = plain(tidy(text, 100), 80)
        message = f"{what}: {said}" if said else what
        if message not in self._told and len(self._told) >= MOST_WARNINGS:
            self._untold += 1
        else:
            self._told[message] = None

    def told(self) -> tuple[str, ...]:
        """All of them, in order."""
        if not self._told:
            return ()
        more = (f"and {self._untold} more warnings",) if self._untold else ()
        return (*self._told, *more)


def decoded(value: object, what: str, problems: Problems) -> object:
    """The JSON value that a text holds, and any other value as it is.

    None for an empty text, and for one that is no JSON, which is told.
    """
    if not isinstance(value, str):
        return value
    if not value or value.isspace():
        return None
    try:
        return msgspec.json.decode(value)
    except (ValueError, RecursionError):
        problems.add(f"{what} are no JSON")
        return None
