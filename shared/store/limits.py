"""The limits of Table Storage, enforced here because the emulator does not.

Source: "Scalability and performance targets for Table storage" and "Understanding the
Table service data model", Microsoft Learn. Azurite takes a 1.2 MiB entity and 260
properties, and answers a batch of 101 with bytes the client cannot read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.errors import StoreLimit
from shared.store.ports import Put

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.store.ports import Write

OPERATIONS = 100
TRANSACTION_BYTES = 4 * 1024 * 1024
ENTITY_BYTES = 1024 * 1024
PROPERTIES = 252
PROPERTY_CHARACTERS = 32 * 1024
KEY_CHARACTERS = 512

# A text property counts UTF-16 units, so a chunk of this many characters fits even if
# each needs two.
CHUNK_CHARACTERS = PROPERTY_CHARACTERS // 2

_FORBIDDEN = frozenset("/\\#?") | {chr(c) for c in (*range(32), *range(127, 160))}


def check_key(key: str) -> None:
    """Raise StoreLimit for a key the service would refuse."""
    if not key or len(key) > KEY_CHARACTERS:
        raise StoreLimit(f"key of {len(key)} characters, 1 to {KEY_CHARACTERS} may be")
    if _FORBIDDEN & set(key):
        raise StoreLimit("key with a forbidden character: / \\ # ? or a control")


def check(partition: str, writes: Sequence[Write]) -> None:
    """Raise StoreLimit for a transaction that the service would refuse."""
    check_key(partition)
    if not 1 <= len(writes) <= OPERATIONS:
        raise StoreLimit(f"{len(writes)} operations, 1 to {OPERATIONS} may be")
    if len({write.key for write in writes}) < len(writes):
        raise StoreLimit("one row twice in a transaction")
    total = 0
    for write in writes:
        check_key(write.key)
        if isinstance(write, Put):
            size = _entity_bytes(partition, write)
            if size > ENTITY_BYTES:
                raise StoreLimit(f"row of {size} bytes, {ENTITY_BYTES} may be")
            total += size
    if total > TRANSACTION_BYTES:
        raise StoreLimit(f"{total} bytes at once, {TRANSACTION_BYTES} may be")


def transactions(partition: str, writes: Iterable[Write]) -> Iterator[list[Write]]:
    """The writes in order, as many at once as one transaction takes."""
    part: list[Write] = []
    total = 0
    for write in writes:
        size = _entity_bytes(partition, write) if isinstance(write, Put) else 0
        if part and (len(part) == OPERATIONS or total + size > TRANSACTION_BYTES):
            yield part
            part, total = [], 0
        part.append(write)
        total += size
    if part:
        yield part


def chunks(doc: bytes) -> list[str]:
    """The document cut into properties that each fit."""
    text = doc.decode()
    found = [
        text[start : start + CHUNK_CHARACTERS]
        for start in range(0, len(text), CHUNK_CHARACTERS)
    ]
    # Two of an entity's 255 properties are its keys, one its time, one our version.
    if len(found) > PROPERTIES - 1:
        raise StoreLimit(f"row of {len(found)} properties, {PROPERTIES - 1} may be")
    return found


def _entity_bytes(partition: str, write: Put) -> int:
    """The size the service reckons: UTF-16 text and keys, 8 bytes a name and more."""
    characters = len(write.doc.decode().encode("utf-16-le")) + 2 * (
        len(partition) + len(write.key)
    )
    properties = len(write.doc) // CHUNK_CHARACTERS + 2
    return 4 + characters + properties * (8 + 2 * len("doc00"))
