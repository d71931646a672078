"""Entity group transactions as they travel: one body out, one answer back.

The SDK makes and reads each of the hundred parts with Python's email package, which
costs more than everything else that happens to an alert (docs/performance.md). The form
is OData's batch, as "Performing entity group transactions" and "Insert Entity",
Microsoft Learn, have it. Pure.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import msgspec

from shared.model.errors import StoreUnavailable
from shared.store import limits
from shared.store.ports import Delete

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.store.ports import Write

# The version of a row's document; a reader refuses what it does not know.
SCHEMA_VERSION = 1

_PART = b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
_JSON = (
    b"Content-Type: application/json\r\n"
    b"Accept: application/json;odata=minimalmetadata\r\n"
    b"DataServiceVersion: 3.0\r\n"
)
# Without it the service sends every new row back.
_SILENT = b"Prefer: return-no-content\r\n"

_STATUS = re.compile(rb"^HTTP/1\.1 (\d{3}) [^\r\n]*\r?$", re.MULTILINE)
_ETAG = re.compile(rb"^etag:[ \t]*(\S+)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)


class Request(NamedTuple):
    """What is posted to ``$batch``."""

    headers: Mapping[str, str]
    content: bytes


class Part(NamedTuple):
    """What became of one write: a status of HTTP, and the row's new version if any."""

    status: int
    etag: str


def request(
    table_url: str, partition: str, writes: Sequence[Write], *, border: str
) -> Request:
    """All of the writes as one transaction; ``table_url`` is without a slash at its end.

    The writes keep to the limits of the service (``limits.check``). ``border`` parts
    them; nobody who writes an alert may guess it.
    """
    batch, changes = f"batch_{border}", f"changeset_{border}"
    url = table_url.encode()
    start = f"--{changes}\r\n".encode() + _PART
    pieces = [
        f"--{batch}\r\nContent-Type: multipart/mixed; boundary={changes}\r\n\r\n".encode()
    ]
    for write in writes:
        pieces += (start, _operation(url, partition, write), b"\r\n")
    pieces.append(f"--{changes}--\r\n\r\n--{batch}--\r\n".encode())
    headers = {
        "Content-Type": f"multipart/mixed; boundary={batch}",
        "Accept": "application/json",
        "DataServiceVersion": "3.0",
        "MaxDataServiceVersion": "3.0;NetFx",
    }
    return Request(headers, b"".join(pieces))


def answers(content: bytes, writes: Sequence[Write]) -> list[Part]:
    """What became of each write, in order; a transaction that failed is one part.

    Raises StoreUnavailable for an answer that cannot be read, or is not about these
    writes: whether they were made is then not known.
    """
    lines = list(_STATUS.finditer(content))
    ends = [*(line.start() for line in lines), len(content)][1:]
    parts = []
    for line, end in zip(lines, ends, strict=False):
        etag = _ETAG.search(content, line.end(), end)
        parts.append(Part(int(line[1]), etag[1].decode() if etag else ""))
    failed = [part for part in parts if part.status // 100 != 2]
    if failed:
        return failed[:1]
    if len(parts) != len(writes) or any(
        not part.etag and not isinstance(write, Delete)
        for part, write in zip(parts, writes, strict=True)
    ):
        raise StoreUnavailable(
            "table storage answered a transaction with something else"
        )
    return parts


def _operation(url: bytes, partition: str, write: Write) -> bytes:
    if isinstance(write, Delete):
        head = b"DELETE %s(%s) HTTP/1.1\r\n" % (url, _keys(partition, write.key))
        return head + _JSON + _match(write.etag or "*") + b"\r\n"
    entity = {"PartitionKey": partition, "RowKey": write.key, "v": SCHEMA_VERSION}
    for number, chunk in enumerate(limits.chunks(write.doc)):
        entity[f"doc{number}"] = chunk
    document = msgspec.json.encode(entity)
    if not document.isascii():
        # As the SDK writes it: the emulator takes U+2028 for the end of a line.
        document = json.dumps(entity).encode()
    if write.etag is None:
        head = b"POST %s HTTP/1.1\r\n" % url + _JSON + _SILENT
    else:
        head = b"PUT %s(%s) HTTP/1.1\r\n" % (url, _keys(partition, write.key))
        head += _JSON + _match(write.etag)
    return b"%sContent-Length: %d\r\n\r\n%s" % (head, len(document), document)


def _keys(partition: str, key: str) -> bytes:
    """The address of a row; a quote inside a key is doubled."""
    of_partition, of_row = (
        quote(k.replace("'", "''"), safe="") for k in (partition, key)
    )
    return f"PartitionKey='{of_partition}',RowKey='{of_row}'".encode()


def _match(etag: str) -> bytes:
    return f"If-Match: {etag}\r\n".encode()
