"""What a worker remembers of the table, so that most decisions need no read."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from shared.model.alert import AlertRow
from shared.model.books import Books
from shared.model.correlation import OpenKey
from shared.model.deed import DeedRow, Stop, TargetRow
from shared.model.incident import Incident
from shared.model.silence import Kept
from shared.model.storm import Slots
from shared.model.tally import Tally
from shared.store import rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.store.ports import Row

# Versions of alerts, 0.25 KB each; and as many heads, keys and others, 1 KB each.
MOST_KNOWN = 40_000

# Rows of alerts, 3 KB each with what their entities say.
MOST_ALERTS = 5_000

Remembered = (
    AlertRow
    | Books
    | DeedRow
    | Incident
    | OpenKey
    | rows.Once
    | Kept
    | Slots
    | Stop
    | Tally
    | TargetRow
)

_T = TypeVar("_T")

_KINDS: dict[str, type[Remembered]] = {
    "a": AlertRow,
    "b": Books,
    "c": DeedRow,
    "g": Slots,
    "h": Incident,
    "i": rows.Once,
    "k": OpenKey,
    "n": Tally,
    "o": TargetRow,
    "q": Stop,
    "s": Kept,
}


class Known(NamedTuple):
    """A row as last read or written."""

    document: Remembered
    etag: str


class Memory:
    """Rows this worker has seen, the least used forgotten.

    It may be behind the store, never wrong about it: every write names the version it
    replaces. An alert row's version only rises, so a duplicate of what is remembered
    is a duplicate for ever and needs no read. The version alone tells one, and is
    remembered of many more alerts than the row is: most alerts that come again are
    copies, and who needs the row of an old one can read it.
    """

    def __init__(self, most: int = MOST_KNOWN, alerts: int = MOST_ALERTS) -> None:
        self._versions: _Latest[str] = _Latest(most)
        self._alerts: _Latest[Known] = _Latest(alerts)
        self._others: _Latest[Known] = _Latest(most)

    def recall(self, partition: str, key: str) -> Known | None:
        """The row, if this worker remembers it."""
        return self._rows(key).recall((partition, key))

    def version(self, partition: str, key: str) -> str | None:
        """The digest of an alert's version, if this worker remembers that of its row.

        It may where ``recall`` gives None. Empty for a place that is held.
        """
        place = partition, key
        found = self._versions.recall(place)
        # The two forget on their own; who has the row has its version.
        row = self._alerts.get(place) if found is None else None
        if row is not None and isinstance(row.document, AlertRow):
            return row.document.version.digest
        return found

    def learn(self, partition: str, found: dict[str, Row]) -> dict[str, Known]:
        """Remember rows just read, and give them."""
        known = {
            key: Known(rows.decode(row, _KINDS[key[0]]), row.etag)
            for key, row in found.items()
        }
        for key, row in known.items():
            self.keep(partition, key, row)
        return known

    def keep(self, partition: str, key: str, known: Known) -> None:
        """Remember a row just written."""
        place = partition, key
        self._rows(key).keep(place, known)
        if isinstance(known.document, AlertRow):
            self._versions.keep(place, known.document.version.digest)

    def forget(self, partition: str, keys: Iterable[str]) -> None:
        """Take nothing for granted about these rows."""
        for key in keys:
            self._rows(key).pop((partition, key), None)
            self._versions.pop((partition, key), None)

    def _rows(self, key: str) -> _Latest[Known]:
        return self._alerts if key.startswith(rows.CLAIM) else self._others


class _Latest(OrderedDict[tuple[str, str], _T], Generic[_T]):
    """By partition and key, at most so many; the least used goes first."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def recall(self, place: tuple[str, str]) -> _T | None:
        found = self.get(place)
        if found is not None:
            self.move_to_end(place)
        return found

    def keep(self, place: tuple[str, str], value: _T) -> None:
        self[place] = value
        self.move_to_end(place)
        if len(self) > self._most:
            self.popitem(last=False)
