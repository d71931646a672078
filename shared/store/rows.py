"""Which rows there are, what their keys are, and what their documents hold.

The layout is decision 0001. Keys made from an attacker's text are hashed.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec

from shared.model.action import ActionRow
from shared.model.alert import AlertRow
from shared.model.books import Books
from shared.model.correlation import OpenKey
from shared.model.deed import DeedRow, Stop, TargetRow
from shared.model.evidence import EvidenceRow
from shared.model.incident import Entry, Incident, Judged
from shared.model.silence import Kept
from shared.model.storm import Slots
from shared.model.tally import Tally
from shared.model.ticket import Ticket

if TYPE_CHECKING:
    from shared.store.ports import Row


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the due index; its key says it all."""

    incident: str


class Once(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was carried out under a key of its sender, and what it asked."""

    asked: str
    at: datetime


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """Incidents whose heads went to ``history``, and whose other rows are to follow."""

    incidents: tuple[str, ...]


class TrailHead(msgspec.Struct, frozen=True, kw_only=True):
    """The last day of the audit trail, and the hash that the next one follows."""

    day: date
    number: int
    sha256: str
    begun: date


class Pointer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An incident in ``history`` that a line of an index leads to, and its verdict."""

    incident: str
    judged: Judged | None = None


Document = (
    AlertRow
    | Books
    | Due
    | Incident
    | OpenKey
    | Entry
    | ActionRow
    | EvidenceRow
    | Once
    | Kept
    | Slots
    | Leaving
    | Pointer
    | TrailHead
    | Ticket
    | DeedRow
    | TargetRow
    | Stop
    | Tally
)

_D = TypeVar("_D", bound=Document)

_DUE = "%Y%m%dT%H%M%S.%f"

_INCIDENT_ID = re.compile(r"[0-9a-f]{16}")

# Seconds since 1970 are taken from this, so that the latest comes first: the year 5138.
_LAST_SECOND = 10**11 - 1

# Where rows lie that belong to no scope, and which they are.
SHARED = "00"
SILENCE = "s"
STORM = "g|storm"
LIMIT = "g|limit|"
BUDGET = "g|budget|"
SHARE = "n|"
STOP = "q|stop"
TRAIL = "y|audit"

LEAVING = "r"

# Tickets that are open, so that whoever reads them again finds them.
TICKET = "w"

# How the rows of alerts begin, and those of books. Whoever inserts the row of an alert
# has claimed the alert.
CLAIM = "a|"
BOOKS = "b|"

# The first key after every key of a kind: "|" is 0x7C, "}" the next.
_AFTER = "}"


def partition_of(scope: str, partitions: int) -> str:
    """The partition of a scope, two hex digits."""
    digest = hashlib.sha256(scope.encode()).digest()
    return f"{int.from_bytes(digest[:4], 'big') % partitions:02x}"


def partition_of_incident(incident_id: str) -> str:
    """The partition an incident lies in: its id begins with it."""
    return incident_id[:2]


def is_incident_id(text: str) -> bool:
    """Whether a text from outside has the form of an incident's id."""
    return _INCIDENT_ID.fullmatch(text) is not None


def all_partitions(partitions: int) -> list[str]:
    """Every partition of the table."""
    return [f"{number:02x}" for number in range(partitions)]


def alert(alert_id: str) -> str:
    """The row of an alert, from its id in any case."""
    return CLAIM + digest(alert_id.lower())


def books(source: str) -> str:
    """The books of a source, such as ``hub/alerts/0`` or ``http``."""
    return BOOKS + source.replace("/", "|")


def incident(incident_id: str) -> str:
    """The head of an incident."""
    return f"h|{incident_id}"


def open_key(digest: str) -> str:
    """A correlation key."""
    return f"k|{digest}"


def entry(incident_id: str, sequence: int) -> str:
    """One timeline row, sorted by sequence."""
    return f"t|{incident_id}|{sequence:06d}"


def action(incident_id: str, key: str) -> str:
    """One action of an incident."""
    return f"x|{incident_id}|{key}"


def ticket(incident_id: str, key: str) -> str:
    """The ticket that one action of an incident has opened."""
    return f"{TICKET}|{incident_id}|{key}"


def deed(incident_id: str, key: str) -> str:
    """One deed of an incident."""
    return f"c|{incident_id}|{key}"


def target(use: str, name: str) -> str:
    """What is changed, or may be, by responders of one use."""
    return f"o|{digest(f'{use}|{name}')}"


def evidence(incident_id: str, query: str, about: str) -> str:
    """The evidence of an incident that one query gave about one subject."""
    return f"e|{incident_id}|{query}|{about}"


def due(at: datetime, incident_id: str) -> str:
    """One line of the due index, sorted by time."""
    return f"d|{at.astimezone(UTC):{_DUE}}|{incident_id}"


def due_at(key: str) -> datetime:
    """The time that a line of the due index stands under."""
    return datetime.strptime(key.split("|")[1], _DUE).replace(tzinfo=UTC)


def once(key: str) -> str:
    """A command that may be sent again under the same key."""
    return f"i|{digest(key)}"


def silence(name: str) -> str:
    """A silence that somebody made while the app runs, by its name in any case."""
    return f"{SILENCE}|{name.lower()}"


def leaving(incident_id: str) -> str:
    """An incident that is on its way to ``history``."""
    return f"{LEAVING}|{incident_id}"


def month(at: datetime) -> str:
    """The partition of ``history`` that lists what ended in that month."""
    return f"m|{at.astimezone(UTC):%Y-%m}"


def problem(fingerprint: str) -> str:
    """The partition of ``history`` that lists incidents with that problem."""
    return f"f|{fingerprint}"


def latest_first(at: datetime, incident_id: str) -> str:
    """A key of both lists: the later it ended, the earlier it sorts."""
    return f"{_LAST_SECOND - int(at.timestamp()):011d}|{incident_id}"


def digest(text: str) -> str:
    """32 hex digits that stand for a text of any length."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def span(prefix: str) -> tuple[str, str]:
    """The range of keys that begin with ``prefix`` and a bar."""
    return f"{prefix}|", f"{prefix}{_AFTER}"


def due_until(at: datetime) -> tuple[str, str]:
    """The range of due lines up to and including a moment."""
    return "d|", due(at, _AFTER)


def encode(document: Document) -> bytes:
    """The document as it is stored."""
    return msgspec.json.encode(document)


def decode(row: Row, kind: type[_D]) -> _D:
    """The document of a row."""
    return msgspec.json.decode(row.doc, type=kind)


def chained(line: Entry) -> str:
    """The hash that the next timeline entry names: of this one as it is stored."""
    return hashlib.sha256(encode(line)).hexdigest()
