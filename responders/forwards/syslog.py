"""Records as lines of syslog over TLS: headers, frames, and what both SIEMs share.

remote-apis-sinks.md 15; RFC 5424 (header), RFC 6587 and 5425 (frames), RFC 3164.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from responders.base import Forwarder, recorded
from responders.forwards.batch import Batch
from responders.forwards.records import Record, Sort, records
from shared.model.action import Action, Outcome
from shared.model.errors import SettingsError
from shared.model.outlets import Peer
from shared.model.secret import SecretRef
from shared.model.text import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from responders.base import Ports
    from shared.model.traffic import Traffic

# What a receiver need not take more of (RFC 5425 4.3.1), with room for the header.
LINE_SIZE = 8_000
CALL_SIZE = 64 * 1024

VENDOR = "Firewatch"
VERSION = "1"

_FACILITY = 16  # local0
_LEVELS = {"high": 3, "medium": 4, "low": 5, "informational": 6}
_INFORMATIONAL = 6
_HOST = re.compile(r"[A-Za-z0-9.-]{1,255}")
_MONTHS = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]
_PEM = re.compile(
    r"\s*-----BEGIN CERTIFICATE-----.+-----END CERTIFICATE-----\s*", re.DOTALL
)
# What would end a field or a line, and is a space in both syntaxes.
ENDS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Of ten, as CEF and LEEF count; LEEF has no 0.
OF_TEN = {"informational": 1, "low": 3, "medium": 5, "high": 8}
# All but the tab, which is between the fields of LEEF.
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


class Header(StrEnum):
    """How a line of syslog begins."""

    RFC3164 = "rfc3164"
    RFC5424 = "rfc5424"
    SHORT = "short"


class Framing(StrEnum):
    """How one line is told from the next."""

    OCTET = "octet"
    NEWLINE = "newline"


class SyslogConfig(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What a policy says of every receiver of syslog over TLS.

    ``ca`` is the certificate in PEM that the receiver's must come from, ``certificate``
    where our own is, with its key. ``source`` is the host that the lines are from.
    """

    host: str
    port: int = 6514
    ca: str = ""
    certificate: SecretRef | None = None
    framing: Framing = Framing.OCTET
    header: Header = Header.RFC5424
    source: str = "firewatch"


class SyslogForwarder(Forwarder):
    """A receiver of lines; ``line`` puts a record into its syntax."""

    def __init__(
        self,
        name: str,
        config: SyslogConfig,
        ports: Ports,
        line: Callable[[Record, int], str],
    ) -> None:
        self.name = name
        problems = [f"responders.{name}.{text}" for text in _problems(config)]
        if problems:
            raise SettingsError(problems)
        secret = config.certificate
        self._config = config
        self._line = line
        self._wire = ports.outlets.wire(
            Peer(
                host=config.host,
                port=config.port,
                ca=config.ca,
                certificate=ports.secret(secret) if secret else None,
            )
        )
        self._batch = Batch(self._send, most=CALL_SIZE)

    @property
    def traffic(self) -> Traffic:
        """What this process sent, or tried to."""
        return self._batch.total

    async def apply(self, action: Action) -> Outcome:
        """Write a line for each record of the forward."""
        frames = [self._frame(each) for each in records(action, recorded(action))]
        return Outcome(reference=action.key, traffic=await self._batch(frames))

    def _frame(self, record: Record) -> bytes:
        header = _header(self._config.header, record, self._config.source)
        room = LINE_SIZE - len(header) - 1
        return framed(f"{header} {self._line(record, room)}", self._config.framing)

    async def _send(self, frames: Sequence[bytes]) -> int:
        data = b"".join(frames)
        await self._wire.send(data)
        return len(data)


def framed(line: str, framing: Framing) -> bytes:
    """A line as it goes over the wire, whatever control characters it holds."""
    encoded = _CONTROLS.sub(" ", line).encode(errors="replace")
    if framing is Framing.NEWLINE:
        return encoded + b"\n"
    return b"%d %s" % (len(encoded), encoded)


def class_of(record: Record) -> str:
    """What kind of event a record is, out of a small set: nothing of an alert is in it."""
    match record.sort:
        case Sort.INCIDENT | Sort.ACTION | Sort.EVIDENCE:
            word = record.data["status"]
        case Sort.AUDIT:
            word = record.data["what"]
    return f"{record.sort}.{re.sub('[^a-z0-9_.-]', '-', word)[:60]}"


def severity_of(record: Record) -> str:
    """The severity of an incident; what is said about one is informational."""
    return str(record.data.get("severity", "informational"))


def as_text(value: object, room: int) -> str:
    """A field of a record as one text: what is no text as JSON, of lists what fits.

    ``room`` is in bytes.
    """
    if isinstance(value, str):
        return value.encode()[:room].decode(errors="ignore")
    if isinstance(value, list):
        while len(text := msgspec.json.encode(value)) > room and value:
            value = value[: len(value) * 2 // 3]
        return text.decode()
    return msgspec.json.encode(value).decode()


def fitting(
    pairs: Sequence[tuple[str, str]], room: int, *, needed: int, cost: int = 2
) -> list[tuple[str, str]]:
    """The pairs, the first ``needed`` always, and of the rest those that there is room for.

    A line is never cut: what does not fit is left out whole. ``cost`` is what a pair
    takes besides its key and value.
    """
    found = []
    for place, (key, value) in enumerate(pairs):
        size = len(key) + len(value.encode()) + cost
        if place >= needed and size > room:
            continue
        room -= size
        found.append((key, value))
    return found


def _header(header: Header, record: Record, source: str) -> str:
    priority = f"<{_FACILITY * 8 + _LEVELS.get(severity_of(record), _INFORMATIONAL)}>"
    match header:
        case Header.RFC3164:
            return f"{priority}{_old_time(record.at)} {source}"
        case Header.SHORT:
            return f"{priority}1 {instant(record.at)} {source}"
        case Header.RFC5424:
            # No byte order mark: parsers want their own format first.
            return (
                f"{priority}1 {instant(record.at)} {source} firewatch - "
                f"{class_of(record)[:32]} -"
            )


def _old_time(at: datetime) -> str:
    """As RFC 3164 has it: no year, a blank before one digit; ours is UTC."""
    return f"{_MONTHS[at.month - 1]} {at.day:2d} {at:%H:%M:%S}"


def _problems(config: SyslogConfig) -> list[str]:
    problems = []
    if not _HOST.fullmatch(config.host):
        problems.append("host is not the name or address of a host")
    if not 0 < config.port < 65536:
        problems.append("port is not 1 to 65535")
    if config.ca and not _PEM.fullmatch(config.ca):
        problems.append("ca is not a certificate in PEM")
    if not _HOST.fullmatch(config.source):
        problems.append("source is not the name of a host")
    return problems
