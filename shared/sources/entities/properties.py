"""Reading free keys and values: what an alert's extended properties are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.sources.entities import identifiers
from shared.sources.entities.identifiers import tidy
from shared.sources.entities.problems import Problems, decoded
from shared.sources.entities.topics import NO_KEYS, Key, by_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

MOST_VALUES = 100

_NOTHING = frozenset({"", "-", "n/a", "none", "null", "unknown"})


class Properties:
    """Values by what their keys are about; the first of two spellings wins.

    ``raw`` is an object or a text that holds one. ``topics`` are those that anything is
    said about. Nothing here raises.
    """

    __slots__ = ("_keys", "_pairs", "_values", "tell", "topics")

    def __init__(self, raw: object, problems: Problems) -> None:
        self.tell = problems.add
        self._values: dict[str, object] = {}
        self._keys, self.topics, self._pairs = NO_KEYS
        value = decoded(raw, "extended properties", problems)
        if isinstance(value, dict):
            self._values = value
            self._keys, self.topics, self._pairs = by_topic(tuple(value))
        elif value is not None:
            problems.add("extended properties are no object")

    def is_within(self, held: Mapping[str, Container[object] | None]) -> bool:
        """Whether every value is one text, and held under its topic; None holds all."""
        for topic, name in self._pairs:
            values = held.get(topic, ())
            if values is None:
                continue
            value = self._values[name]
            if not isinstance(value, str) or value not in values:
                return False
            if "," in value or value[:1] == "[":
                return False
        return True

    def each(self, topic: str) -> Iterator[tuple[Key, object]]:
        """The values on the topic, as they came, by their keys."""
        for key in self._keys.get(topic, ()):
            yield key, self._values[key.name]

    def texts(self, topic: str) -> list[str]:
        """Every text on the topic; a number is one, a list or a JSON list are many."""
        values = (value for _, value in self.each(topic))
        return list(dict.fromkeys(text for value in values for text in texts_in(value)))

    def names(self, topic: str) -> list[str]:
        """Every name on the topic; a comma stands between names, but not in a DN."""
        names = (tidy(part) for text in self.texts(topic) for part in _parts(text))
        return list(dict.fromkeys(name for name in names if not _is_nothing(name)))

    def formed(
        self, what: str, form: Callable[[str], str | None], topic: str
    ) -> list[str]:
        """Every name on the topic in its normal form; what has none is told."""
        found: dict[str, None] = {}
        for name in self.names(topic):
            if (formed := form(name)) is None:
                self.tell(f"not {what}", name)
            elif formed:
                found[formed] = None
        return list(found)


def _parts(text: str) -> list[str]:
    if "," not in text or "=" in text:
        return [text]
    return text.split(",", MOST_VALUES)[:MOST_VALUES]


def texts_in(value: object) -> list[str]:
    """The texts that a value is or holds, each once."""
    if isinstance(value, str) and value[:1] == "[":
        listed = decoded(value, "", Problems())
        value = listed if isinstance(listed, list) else value
    items = value[:MOST_VALUES] if isinstance(value, list) else [value]
    texts = map(identifiers.command, items)
    return list(dict.fromkeys(text for text in texts if not _is_nothing(text)))


def _is_nothing(text: str) -> bool:
    return text.lower() in _NOTHING
