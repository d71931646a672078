"""One transaction in the making: what is known of a partition, and what will change.

Pure. A row that is not known is taken to be absent; the transaction then inserts it,
and if it did exist the store says so and the caller reads and decides again. That
costs nothing where alerts are new and one wasted request where they are not.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from shared.model.alert import AlertRow
from shared.model.incident import Entry, Fact, Incident
from shared.model.ticket import opened
from shared.store import limits, rows
from shared.store.memory import Known, Remembered
from shared.store.ports import Delete, Put

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.action import ActionRow
    from shared.model.evidence import EvidenceRow
    from shared.store.memory import Memory
    from shared.store.ports import Write

# How long after a change the timer looks, should the message be lost. The message
# comes at once; a line of the due index in the past would have the timer send another.
SAFETY_NET = timedelta(seconds=30)

# The largest change of one alert is far below this.
ROOM_BYTES = 512 * 1024

_D = TypeVar("_D", bound=Remembered)


class Draft:
    """What one transaction on a partition will read and write.

    ``missing`` are rows that are there and were not read: heads that some row names, and
    alerts of which only the version is remembered. Read them and decide again.
    ``answers`` is what the store said for this decision, None where it has no such row:
    it holds, whatever the memory forgets meanwhile. ``conflicts`` counts how often the
    decision lost to another worker.
    """

    def __init__(
        self,
        partition: str,
        memory: Memory,
        now: datetime,
        *,
        answers: Mapping[str, Known | None] | None = None,
        conflicts: int = 0,
    ) -> None:
        self.partition = partition
        self.now = now
        self.conflicts = conflicts
        self.touched: set[str] = set()
        self.missing: set[str] = set()
        self._answers = answers if answers is not None else {}
        self._memory = memory
        self._documents: dict[str, Remembered] = {}
        self._facts: dict[str, list[Fact]] = {}
        self._actions: dict[str, tuple[ActionRow, str | None]] = {}
        self._evidence: dict[str, tuple[EvidenceRow, str | None]] = {}
        self._extra: list[Write] = []

    def read(self, key: str, kind: type[_D]) -> _D | None:
        """The row as this transaction would leave it; None where it is not known."""
        self.touched.add(key)
        if (mine := self._documents.get(key)) is not None:
            return mine if isinstance(mine, kind) else None
        known = self.known(key)
        if known is None:
            if self.version(key) is not None:
                self.missing.add(key)
            return None
        return known.document if isinstance(known.document, kind) else None

    def version(self, key: str) -> str | None:
        """The digest of an alert's version, None where its row is not known.

        Empty for a place that is held. It tells a copy, and needs no row to be read.
        """
        found = self._documents.get(key)
        if found is None and (read := self._answers.get(key)) is not None:
            found = read.document
        if isinstance(found, AlertRow):
            return found.version.digest
        return self._memory.version(self.partition, key)

    def known(self, key: str) -> Known | None:
        """The row as it was before this transaction."""
        return self._answers.get(key) or self._memory.recall(self.partition, key)

    def put(self, key: str, document: Remembered) -> None:
        """Insert or replace a row."""
        self.touched.add(key)
        self._documents[key] = document

    def put_action(self, row: ActionRow, etag: str | None) -> None:
        """Insert an action row, or replace the version read.

        What it has opened a ticket by is indexed with it; it does that once.
        """
        self._actions[rows.action(row.incident, row.key)] = (row, etag)

    def put_evidence(self, row: EvidenceRow, etag: str | None) -> None:
        """Insert evidence, or replace the version read; for whoever writes its head."""
        key = rows.evidence(row.incident, row.evidence.query, row.about)
        self._evidence[key] = (row, etag)

    def incident(self, incident_id: str) -> Incident | None:
        """The incident, or the one it was merged into."""
        for _ in range(1000):
            key = rows.incident(incident_id)
            found = self.read(key, Incident)
            if found is None and key not in self._answers:
                self.missing.add(key)
            if found is None or found.merged_into is None:
                return found
            incident_id = found.merged_into
        raise RuntimeError(f"incident {incident_id} is merged in a circle")

    def change(self, incident: Incident, *facts: Fact) -> None:
        """Write the head; facts become an entry of its timeline."""
        key = rows.incident(incident.id)
        self.touched.add(key)
        self._documents[key] = incident
        self._facts.setdefault(incident.id, []).extend(facts)

    @property
    def dirty(self) -> list[str]:
        """The incidents that a worker must look at and need not have before."""
        return [
            incident_id
            for incident_id in self._facts
            if self._head(incident_id).is_dirty and not self._was_dirty(incident_id)
        ]

    @property
    def unknown(self) -> set[str]:
        """Rows that were taken to be absent and never asked for; claims first.

        What is known of an alert decides whether its other rows are needed. The books
        are, whatever it is.
        """
        found = {
            key
            for key in self.touched
            if key not in self._answers and self.known(key) is None
        }
        claims = {key for key in found if key.startswith(rows.CLAIM)}
        books = {key for key in found if key.startswith(rows.BOOKS)}
        return claims | books if claims else found

    @property
    def written(self) -> set[str]:
        """The rows that the decision inserts or replaces, but for what follows them."""
        return set(self._documents)

    def has_room(self, needed: int) -> bool:
        """Whether a change of so many rows still fits; the first one always does."""
        if not self._documents:
            return True
        size = sum(300 * len(self._head(i).problems) for i in self._facts)
        # Its timeline row, its due row, and the one that a known incident had before.
        of_heads = sum(3 if self._before(i) else 2 for i in self._facts)
        rows_so_far = len(self._documents) + of_heads
        bytes_so_far = size + 4_000 * len(self._documents)
        return (
            rows_so_far + needed <= limits.OPERATIONS
            and bytes_so_far + ROOM_BYTES <= limits.TRANSACTION_BYTES // 2
        )

    def finish(self, by: str) -> list[Write]:
        """Every write of the transaction, a timeline entry for each incident with news.

        ``by`` says who did it. Call once.
        """
        self._extra = []
        for incident_id, facts in self._facts.items():
            if facts:
                self._record(self._head(incident_id), tuple(facts), by)
            self._index(self._head(incident_id))
        writes: list[Write] = [
            Put(key, rows.encode(document), self._etag(key))
            for key, document in self._documents.items()
        ]
        writes += [
            Put(key, rows.encode(row), etag)
            for key, (row, etag) in self._actions.items()
        ]
        writes += [
            Put(rows.ticket(row.incident, row.key), rows.encode(ticket))
            for row, _ in self._actions.values()
            if (ticket := opened(row)) is not None
        ]
        writes += [
            Put(key, rows.encode(kept), etag)
            for key, (kept, etag) in self._evidence.items()
        ]
        return [*writes, *self._extra]

    def committed(self, etags: dict[str, str]) -> None:
        """Remember what the store took."""
        for key, document in self._documents.items():
            self._memory.keep(self.partition, key, Known(document, etags[key]))

    def _record(self, head: Incident, facts: tuple[Fact, ...], by: str) -> None:
        line = Entry(
            sequence=head.sequence + 1,
            at=self.now,
            by=by,
            facts=facts,
            previous=head.chain,
        )
        self._extra.append(Put(rows.entry(head.id, line.sequence), rows.encode(line)))
        self._documents[rows.incident(head.id)] = replace(
            head, sequence=line.sequence, chain=rows.chained(line)
        )

    def _index(self, head: Incident) -> None:
        before = self._before(head.id)
        was = before.due if before else None
        if was == head.due:
            return
        if was is not None:
            self._extra.append(Delete(rows.due(was, head.id)))
        if head.due is not None:
            document = rows.encode(rows.Due(incident=head.id))
            self._extra.append(Put(rows.due(head.due, head.id), document))

    def _head(self, incident_id: str) -> Incident:
        head = self._documents[rows.incident(incident_id)]
        assert isinstance(head, Incident)  # noqa: S101  change() put it there
        return head

    def _before(self, incident_id: str) -> Incident | None:
        known = self.known(rows.incident(incident_id))
        if known is None or not isinstance(known.document, Incident):
            return None
        return known.document

    def _was_dirty(self, incident_id: str) -> bool:
        before = self._before(incident_id)
        return before is not None and before.is_dirty

    def _etag(self, key: str) -> str | None:
        known = self.known(key)
        return known.etag if known else None


def news(incident: Incident, now: datetime) -> Incident:
    """The incident with something new for a worker to look at, at the latest soon."""
    soon = now + SAFETY_NET
    due = min(incident.due, soon) if incident.due else soon
    return replace(incident, generation=incident.generation + 1, due=due)
