"""Reading the fields of a unit without regard to case, and without trusting any."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from shared.model.errors import AlertRejected

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

# Entra, Log Alerts V1 and the portal's exports: "3/24/2022 2:42:35 PM", month first.
_US_TIME = re.compile(
    r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}),?\s+([0-9]{1,2}):([0-9]{2})"
    r"(?::([0-9]{2})(?:\.([0-9]{1,6})[0-9]*)?)?(?:\s*([AaPp])[Mm])?"
)

# Codes and scales are small; a text of a huge number costs quadratic time.
LARGEST_WORD = 1_000_000


class Fields:
    """A JSON object whose names have no case; the first of two spellings wins.

    ``path`` is where the object stands in the body, for error messages.
    """

    __slots__ = ("_values", "path")

    def __init__(self, raw: dict[str, Any], path: str) -> None:
        self.path = path
        self._values = lower_names(raw)

    def __contains__(self, name: str) -> bool:
        return self._values.get(name.lower()) is not None

    def get(self, name: str) -> object:
        """The value as it came, or None."""
        return self._values.get(name.lower())

    def names(self) -> AbstractSet[str]:
        """The names of all fields, in lower case."""
        return self._values.keys()

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
            value = self._values.get(name.lower())
            if isinstance(value, str) and (text := value.strip()):
                return text
        return ""

    def word(self, *names: str) -> str:
        """Like ``text``; a small whole number is taken for its digits."""
        for name in names:
            value = self.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                if abs(value) <= LARGEST_WORD:
                    return str(value)
            elif isinstance(value, str) and value.strip():
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

    def objects(self, name: str, most: int | None = None) -> list[Fields]:
        """The objects of a list; whatever else it holds is passed over.

        ``most`` is how many items of it are looked at, all by default.
        """
        value = self.get(name)
        if not isinstance(value, list):
            return []
        return [
            Fields(item, f"{self.path}.{name}[{place}]")
            for place, item in enumerate(value[:most])
            if isinstance(item, dict)
        ]

    def child(self, name: str) -> Fields:
        """The object under the name, or in its text; an empty one where it is none."""
        value = self.decoded(name)
        return Fields(value if isinstance(value, dict) else {}, f"{self.path}.{name}")

    def decoded(self, name: str) -> object:
        """The value; where it is a text that holds a JSON object or list, that."""
        value = self.get(name)
        if not isinstance(value, str) or value.lstrip()[:1] not in {"{", "["}:
            return value
        try:
            return msgspec.json.decode(value)
        except (ValueError, RecursionError):
            return value

    def canonical(self) -> dict[str, Any]:
        """The object with lower-case names at this level, to digest."""
        return self._values


def lower_names(raw: dict[str, Any]) -> dict[str, Any]:
    """The object with lower-case names; the first of two spellings wins."""
    lowered = {name.lower(): value for name, value in raw.items()}
    if len(lowered) == len(raw):
        return lowered
    lowered.clear()
    for name, value in raw.items():
        lowered.setdefault(name.lower(), value)
    return lowered


def parse_stamp(text: str) -> datetime | None:
    """A time as .NET writes it, in UTC; None for any other, which may be one too."""
    if text[10:11] != "T" or text[-1:] != "Z":
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def parse_time(text: str) -> datetime | None:
    """An ISO 8601 or US time in UTC; None where it is none. No offset is UTC."""
    try:
        text = text.strip()
        if "/" in text:
            us = _US_TIME.fullmatch(text)
            return _us_time(us) if us else None
        # .NET writes seven digits of a second; Python drops the last.
        at = datetime.fromisoformat(text)
        if at.tzinfo is UTC:
            return at
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _us_time(found: re.Match[str]) -> datetime:
    month, day, year, hour, minute = (int(found[group]) for group in range(1, 6))
    half = (found[8] or "").lower()
    if half and not 1 <= hour <= 12:
        raise ValueError(hour)
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    micros = int((found[7] or "").ljust(6, "0"))
    return datetime(year, month, day, hour, minute, int(found[6] or 0), micros, UTC)
