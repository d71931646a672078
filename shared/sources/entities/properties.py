"""Reading free keys and values: what an alert's extended properties are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.sources.entities import identifiers
from shared.sources.entities.identifiers import letters, tidy
from shared.sources.entities.problems import Problems, decoded

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_VALUES = 100

_NOTHING = frozenset({"", "-", "n/a", "none", "null", "unknown"})


class Properties:
    """Values by the letters of their keys; the first of two spellings wins.

    ``raw`` is an object or a text that holds one. Nothing here raises.
    """

    def __init__(self, raw: object, problems: Problems) -> None:
        self.tell = problems.add
        self._values: dict[str, object] = {}
        value = decoded(raw, "extended properties", problems)
        if isinstance(value, dict):
            for key, each in value.items():
                self._values.setdefault(letters(key), each)
        elif value is not None:
            problems.add("extended properties are no object")

    @property
    def keys(self) -> tuple[str, ...]:
        """The letters of all keys, in order."""
        return tuple(self._values)

    def texts(self, *keys: str) -> list[str]:
        """Every text under the keys; a number is one, a list or a JSON list are many."""
        values = self._values
        if values.keys().isdisjoint(keys):
            return []
        found: dict[str, None] = {}
        for key in keys:
            if key not in values:
                continue
            for item in _items(values[key]):
                text = identifiers.command(item)
                if text.lower() not in _NOTHING:
                    found[text] = None
        return list(found)

    def names(self, *keys: str) -> list[str]:
        """Every name under the keys; a comma stands between names, but not in a DN."""
        if not (texts := self.texts(*keys)):
            return texts
        found: dict[str, None] = {}
        for text in texts:
            parts = [text] if "=" in text else text.split(",", MOST_VALUES)
            for part in parts[:MOST_VALUES]:
                name = tidy(part)
                if name.lower() not in _NOTHING:
                    found[name] = None
        return list(found)

    def formed(
        self, what: str, form: Callable[[str], str | None], *keys: str
    ) -> list[str]:
        """Every name under the keys in its normal form; what has none is told."""
        found: dict[str, None] = {}
        for name in self.names(*keys):
            if (formed := form(name)) is None:
                self.tell(f"not {what}", name)
            elif formed:
                found[formed] = None
        return list(found)


def _items(value: object) -> list[object]:
    if isinstance(value, str) and value[:1] == "[":
        listed = decoded(value, "", Problems())
        value = listed if isinstance(listed, list) else value
    return value[:MOST_VALUES] if isinstance(value, list) else [value]
