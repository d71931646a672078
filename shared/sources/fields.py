"""Reading the fields of a unit without regard to case, and without trusting any."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from shared.model.errors import AlertRejected

# .NET writes seven digits of a second, Python reads six.
_FRACTION = re.compile(r"(\.\d{6})\d+")


class Fields:
    """A JSON object whose names have no case; the first of two spellings wins.

    ``path`` is where the object stands in the body, for error messages.
    """

    __slots__ = ("_values", "path")

    def __init__(self, raw: dict[str, Any], path: str) -> None:
        self.path = path
        self._values: dict[str, Any] = {}
        for name, value in raw.items():
            self._values.setdefault(name.lower(), value)

    def __contains__(self, name: str) -> bool:
        return self._values.get(name.lower()) is not None

    def get(self, name: str) -> object:
        """The value as it came, or None."""
        return self._values.get(name.lower())

    def names(self) -> frozenset[str]:
        """The names of all fields, in lower case."""
        return frozenset(self._values)

    def required(self, name: str) -> str:
        """A text that must be there.

        Raises AlertRejected where it is absent, empty or not a text.
        """
        value = self.get(name)
        if not isinstance(value, str) or not value.strip():
            what = "is missing" if value is None else "is not a text"
            what = "is empty" if isinstance(value, str) else what
            raise AlertRejected(f"{self.path}.{name}", f"{what}; expected a text")
        return value.strip()

    def text(self, *names: str) -> str:
        """The first of the names that holds a text, else an empty one."""
        for name in names:
            value = self.get(name)
            if isinstance(value, str) and value.strip():
                return value.strip()
        return ""

    def time(self, *names: str) -> datetime | None:
        """The first of the names that holds a readable time, in UTC."""
        for name in names:
            value = self.get(name)
            if isinstance(value, str) and (at := parse_time(value)) is not None:
                return at
        return None

    def flag(self, name: str) -> bool:
        """Whether the field is true, or the text "true"."""
        value = self.get(name)
        return value is True or (isinstance(value, str) and value.lower() == "true")

    def objects(self, name: str) -> list[Fields]:
        """The objects of a list; whatever else it holds is passed over."""
        value = self.get(name)
        if not isinstance(value, list):
            return []
        return [
            Fields(item, f"{self.path}.{name}[{place}]")
            for place, item in enumerate(value)
            if isinstance(item, dict)
        ]

    def canonical(self) -> dict[str, Any]:
        """The object with lower-case names at this level, to digest."""
        return self._values


def parse_time(text: str) -> datetime | None:
    """An ISO 8601 time in UTC; None where it is none. No offset is read as UTC."""
    try:
        at = datetime.fromisoformat(_FRACTION.sub(r"\1", text.strip()))
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
