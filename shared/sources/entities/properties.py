"""Reading free keys and values: what an alert's extended properties are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.sources.entities import identifiers
from shared.sources.entities.identifiers import LONGEST_NAME, tidy
from shared.sources.entities.problems import Problems, decoded
from shared.sources.entities.topics import NO_KEYS, Key, by_topic

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_VALUES = 100

_NOTHING = frozenset({"", "-", "n/a", "none", "null", "unknown"})
_LONGEST_NOTHING = max(map(len, _NOTHING))


class Properties:
    """Values by what their keys are about; the first of two spellings wins.

    ``raw`` is an object or a text that holds one. ``topics`` are those that anything is
    said about. Nothing here raises.
    """

    __slots__ = ("_keys", "_values", "tell", "topics")

    def __init__(self, raw: object, problems: Problems) -> None:
        self.tell = problems.add
        self._values: dict[str, object] = {}
        self._keys, self.topics = NO_KEYS
        value = decoded(raw, "extended properties", problems)
        if isinstance(value, dict):
            self._values = value
            self._keys, self.topics = by_topic(tuple(value))
        elif value is not None:
            problems.add("extended properties are no object")

    def each(self, topic: str) -> list[tuple[Key, list[str]]]:
        """The texts on the topic by their keys."""
        keys = self._keys.get(topic, ())
        return [(key, _texts(self._values[key.name])) for key in keys]

    def texts(self, topic: str) -> list[str]:
        """Every text on the topic; a number is one, a list or a JSON list are many."""
        keys = self._keys.get(topic)
        if keys is None:
            return []
        if len(keys) == 1:
            return _texts(self._values[keys[0].name])
        texts = [text for _, texts in self.each(topic) for text in texts]
        return list(dict.fromkeys(texts))

    def names(self, topic: str) -> list[str]:
        """Every name on the topic; a comma stands between names, but not in a DN."""
        keys = self._keys.get(topic)
        if keys is None:
            return []
        if len(keys) == 1 and (name := _plain(self._values[keys[0].name])):
            return [name]
        names = [tidy(p) for text in self.texts(topic) for p in _parts(text)]
        if len(names) == 1:
            return [] if _is_nothing(names[0]) else names
        return list(dict.fromkeys(name for name in names if not _is_nothing(name)))

    def formed(
        self, what: str, form: Callable[[str], str | None], topic: str
    ) -> list[str]:
        """Every name on the topic in its normal form; what has none is told."""
        if topic not in self._keys:
            return []
        found: dict[str, None] = {}
        for name in self.names(topic):
            if (formed := form(name)) is None:
                self.tell(f"not {what}", name)
            elif formed:
                found[formed] = None
        return list(found)


def _plain(value: object) -> str:
    """The one name that most values are; empty where it takes a closer look."""
    if not isinstance(value, str) or len(value) > LONGEST_NAME:
        return ""
    is_plain = value.isascii() and value.isprintable()
    if not is_plain or "," in value or "  " in value or value[:1] == "[":
        return ""
    name = value.strip()
    return "" if len(name) <= _LONGEST_NOTHING and _is_nothing(name) else name


def _parts(text: str) -> list[str]:
    if "," not in text or "=" in text:
        return [text]
    return text.split(",", MOST_VALUES)[:MOST_VALUES]


def _texts(value: object) -> list[str]:
    """The texts that a value is or holds, each once."""
    if isinstance(value, str) and value[:1] == "[":
        listed = decoded(value, "", Problems())
        value = listed if isinstance(listed, list) else value
    if isinstance(value, list):
        texts = map(identifiers.command, value[:MOST_VALUES])
        return list(dict.fromkeys(text for text in texts if not _is_nothing(text)))
    text = identifiers.command(value)
    return [] if _is_nothing(text) else [text]


def _is_nothing(text: str) -> bool:
    return len(text) <= _LONGEST_NOTHING and text.lower() in _NOTHING
