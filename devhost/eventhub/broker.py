"""The hubs: their partitions, and who reads them."""

from __future__ import annotations

import re
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from devhost.eventhub.amqp import Condition, LinkError
from devhost.eventhub.log import PartitionLog, Retention

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# Event Hubs quotas: at most 32 partitions a hub outside the premium and dedicated tiers.
MAX_PARTITIONS = 32
_ADDRESS = re.compile(
    r"(?:amqps?://[^/]+/)?(?P<hub>[^/]+)"
    r"(?:/ConsumerGroups/(?P<group>[^/]+))?"
    r"(?:/Partitions/(?P<partition>[^/]+))?"
)


class Address(NamedTuple):
    """What a link attaches to, in the parts of its path."""

    hub: str
    group: str | None
    partition: str | None

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `[amqps://host/]hub[/ConsumerGroups/group][/Partitions/id]`."""
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise LinkError(Condition.NOT_FOUND, f"No such address: {text}")
        return cls(**found.groupdict())


@dataclass(eq=False, slots=True, kw_only=True)
class Reader:
    """A receiver on one partition: how far it has come, and whom to tell of what."""

    group: str
    epoch: int | None
    position: int
    on_append: Callable[[], None]
    on_stolen: Callable[[LinkError], None]


class Partition:
    """A log and its readers."""

    def __init__(self, log: PartitionLog) -> None:
        self.log = log
        self._readers: list[Reader] = []

    def admit(self, reader: Reader) -> None:
        """
        Let a reader in, and those out that it takes the partition from.

        The epoch (the SDK's owner level) decides, within a consumer group: a reader with
        one ends readers without and those of the same or a lower epoch; LinkError if it
        is the one to yield.
        """
        rivals = [other for other in self._readers if other.group == reader.group]
        epochs = [other.epoch for other in rivals if other.epoch is not None]
        if epochs and (reader.epoch is None or reader.epoch < max(epochs)):
            raise LinkError(Condition.STOLEN, "A receiver with a higher epoch exists.")
        self._readers.append(reader)
        if reader.epoch is None:
            return
        for rival in rivals:
            self.leave(rival)
            rival.on_stolen(LinkError(Condition.STOLEN, "A new receiver took over."))

    def leave(self, reader: Reader) -> None:
        """Forget a reader; one that has been forgotten before is fine."""
        if reader in self._readers:
            self._readers.remove(reader)

    def append(self, messages: Iterable[bytes]) -> None:
        """Store messages, then tell the readers once."""
        for message in messages:
            self.log.append(message)
        for reader in tuple(self._readers):
            reader.on_append()

    def next_message(self, reader: Reader) -> bytes | None:
        """The next message of a reader, which then counts as read."""
        found = self.log.read(reader.position)
        if found is None:
            return None
        message, reader.position = found
        return message


class Hub:
    """A named set of partitions."""

    def __init__(
        self,
        name: str,
        *,
        partitions: int,
        retention: Retention,
        clock: Callable[[], float],
    ) -> None:
        if not 1 <= partitions <= MAX_PARTITIONS:
            raise ValueError(f"A hub has 1 to {MAX_PARTITIONS} partitions.")
        share = retention.shared_by(partitions)
        self.name = name
        self.created_at_ms = int(clock() * 1000)
        self.partitions = {
            str(number): Partition(PartitionLog(retention=share, clock=clock))
            for number in range(partitions)
        }
        self._next_partition = 0

    def partition(self, partition_id: str) -> Partition:
        """The partition of this id; LinkError if there is none."""
        found = self.partitions.get(partition_id)
        if found is None:
            raise LinkError(Condition.NOT_FOUND, f"{self.name} has no such partition.")
        return found

    def publish(self, messages: Sequence[bytes], key: str | None) -> None:
        """
        Store messages together: by the hash of the key, or in turn without one.

        The hash is not the service's, so a key may land on another partition there.
        """
        if key is None:
            number = self._next_partition
            self._next_partition = (number + 1) % len(self.partitions)
        else:
            number = zlib.crc32(key.encode()) % len(self.partitions)
        self.partitions[str(number)].append(messages)


class Broker:
    """All hubs of the namespace."""

    def __init__(
        self,
        hubs: Iterable[str],
        *,
        partitions: int = 4,
        retention: Retention | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Create the hubs; `retention` bounds each hub as a whole."""
        self.hubs = {
            name: Hub(
                name,
                partitions=partitions,
                retention=retention or Retention(),
                clock=clock,
            )
            for name in hubs
        }

    def hub(self, name: str) -> Hub:
        """The hub of this name; LinkError if there is none."""
        found = self.hubs.get(name)
        if found is None:
            raise LinkError(
                Condition.NOT_FOUND,
                f"The messaging entity '{name}' could not be found.",
            )
        return found
