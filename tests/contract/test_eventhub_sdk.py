"""
The unpatched azure-eventhub SDK against the stand-in, over a socket.

The SDK takes 50 ms a frame to open anything and a second to stop a reader, so tests open
things side by side where they can, and readers stop while later tests run.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import pytest
import pytest_asyncio
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.exceptions import ConnectError, ConnectionLostError

from devhost.eventhub.broker import Broker
from devhost.eventhub.encoder import encode_described
from devhost.eventhub.link import MAX_MESSAGE
from devhost.eventhub.log import PartitionLog, Retention
from devhost.eventhub.message import SectionCode
from devhost.eventhub.server import Server, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from azure.eventhub.aio import PartitionContext

    class Retries(TypedDict):
        retry_total: int
        retry_backoff_factor: float

    class Options(TypedDict):
        on_error: Callable[[PartitionContext, Exception], Awaitable[None]]
        partition_id: str | None
        owner_level: int | None
        starting_position: str | int | datetime
        starting_position_inclusive: bool


HUB = "alerts"
GROUP = "$Default"
FROM_START = "-1"
PATIENCE_S = 10
START_S = 1_800_000_000.0

# The SDK waits before it gives up, too.
NO_RETRIES: Retries = {"retry_total": 0, "retry_backoff_factor": 0.01}

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Namespace:
    """A running stand-in with one hub, whose logs can be filled and looked at."""

    def __init__(self, broker: Broker, server: Server, closing: AsyncExitStack) -> None:
        self.broker = broker
        self.server = server
        self.closing = closing

    def log(self, partition_id: str = "0") -> PartitionLog:
        return self.broker.hub(HUB).partition(partition_id).log

    def fill(self, bodies: Iterable[str], partition_id: str = "0") -> None:
        self.broker.hub(HUB).partition(partition_id).append(
            encode_described(SectionCode.DATA, body.encode()) for body in bodies
        )


class Clock:
    """Seconds that pass only when told to."""

    now_s = START_S

    def __call__(self) -> float:
        return self.now_s


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closing() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="module")
async def namespace(closing: AsyncExitStack) -> Namespace:
    return await make_namespace(Broker([HUB]), closing)


async def make_namespace(broker: Broker, closing: AsyncExitStack) -> Namespace:
    server = await closing.enter_async_context(serve(broker))
    return Namespace(broker, server, closing)


def make_producer(namespace: Namespace, hub: str = HUB) -> EventHubProducerClient:
    return EventHubProducerClient.from_connection_string(
        namespace.server.connection_string, eventhub_name=hub, **NO_RETRIES
    )


@pytest_asyncio.fixture(loop_scope="module")
async def producer(namespace: Namespace) -> AsyncIterator[EventHubProducerClient]:
    async with make_producer(namespace) as client:
        yield client


async def send(
    client: EventHubProducerClient,
    bodies: Iterable[str],
    *,
    partition_id: str | None = None,
    partition_key: str | None = None,
) -> None:
    batch = await client.create_batch(
        partition_id=partition_id, partition_key=partition_key
    )
    for body in bodies:
        batch.add(EventData(body))
    await client.send_batch(batch)


class Got(NamedTuple):
    """An event that came, and from where."""

    event: EventData
    partition_id: str

    @property
    def octets(self) -> bytes:
        """The body, whole."""
        body = self.event.body
        assert isinstance(body, Iterable)
        return b"".join(part for part in body if isinstance(part, bytes))


class Reading:
    """What a consumer has been given, and a way to wait for more."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.errors: list[Exception] = []
        self._changed = asyncio.Condition()

    @property
    def bodies(self) -> list[str]:
        return [got.octets.decode() for got in self.got]

    async def on_batch(
        self, context: PartitionContext, events: list[EventData]
    ) -> None:
        async with self._changed:
            self.got += [Got(event, context.partition_id) for event in events]
            self._changed.notify_all()

    async def on_event(
        self, context: PartitionContext, event: EventData | None
    ) -> None:
        await self.on_batch(context, [event] if event else [])

    async def on_error(self, _context: PartitionContext, error: Exception) -> None:
        async with self._changed:
            self.errors.append(error)
            self._changed.notify_all()

    async def until(
        self, claim: Callable[[], bool], patience_s: float = PATIENCE_S
    ) -> None:
        async with asyncio.timeout(patience_s), self._changed:
            await self._changed.wait_for(claim)

    async def count(self, expected: int) -> None:
        await self.until(lambda: len(self.got) >= expected)

    async def failure(self) -> None:
        await self.until(lambda: bool(self.errors))


@asynccontextmanager
async def reading(
    namespace: Namespace,
    *,
    position: str | int | datetime = FROM_START,
    inclusive: bool = False,
    group: str = GROUP,
    partition_id: str | None = None,
    owner_level: int | None = None,
    one_by_one: bool = False,
) -> AsyncIterator[Reading]:
    """Read with a consumer of its own while the context lasts."""
    found = Reading()
    client = EventHubConsumerClient.from_connection_string(
        namespace.server.connection_string,
        consumer_group=group,
        eventhub_name=HUB,
        **NO_RETRIES,
    )
    options: Options = {
        "on_error": found.on_error,
        "partition_id": partition_id,
        "owner_level": owner_level,
        "starting_position": position,
        "starting_position_inclusive": inclusive,
    }
    task = asyncio.create_task(
        client.receive(found.on_event, **options)
        if one_by_one
        else client.receive_batch(found.on_batch, **options)
    )
    try:
        yield found
    finally:
        task.cancel()
        stop = asyncio.create_task(_stop(client, task))
        namespace.closing.push_async_callback(asyncio.wait_for, stop, PATIENCE_S)


async def _stop(client: EventHubConsumerClient, task: asyncio.Task[None]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await client.close()


async def test_batch_by_partition_id_lands_there_in_order(
    namespace: Namespace, producer: EventHubProducerClient
) -> None:
    """A batch sent to a partition is read from it, whole and in order."""
    bodies = [f"alert {number}" for number in range(20)]

    async with reading(namespace, partition_id="2") as found:
        await send(producer, bodies, partition_id="2")
        await found.count(20)

    assert found.bodies == bodies
    assert {got.partition_id for got in found.got} == {"2"}
    assert [got.event.sequence_number for got in found.got] == list(range(20))


async def test_partition_key_keeps_events_together(
    namespace: Namespace, producer: EventHubProducerClient
) -> None:
    """Batches with one key share a partition, and the key comes back."""
    async with reading(namespace) as found:
        for number in range(6):
            await send(producer, [f"{number}"], partition_key="host-7")
        await found.count(6)

    assert len({got.partition_id for got in found.got}) == 1
    assert {got.event.partition_key for got in found.got} == {b"host-7"}


async def test_batches_without_key_take_turns(
    namespace: Namespace, producer: EventHubProducerClient
) -> None:
    """Batches without key or partition are spread over all partitions evenly."""
    for number in range(8):
        await send(producer, [f"{number}"])

    assert [namespace.log(number).end for number in "0123"] == [2, 2, 2, 2]


async def test_single_event_keeps_its_properties(
    namespace: Namespace, producer: EventHubProducerClient
) -> None:
    """A lone event comes back with its application and system properties."""
    event = EventData(b"\x00\xff")
    event.properties = {"tenant": "contoso", "severity": 3, "is_test": True}
    event.content_type = "application/json"
    event.message_id = "id-1"

    async with reading(namespace, partition_id="0") as found:
        await producer.send_event(event, partition_id="0")
        await found.count(1)

    (got,) = found.got
    assert got.octets == b"\x00\xff"
    assert got.event.properties == {
        b"tenant": b"contoso",
        b"severity": 3,
        b"is_test": True,
    }
    assert (got.event.content_type, got.event.message_id) == (
        "application/json",
        "id-1",
    )
    assert got.event.offset == "0"
    assert got.event.enqueued_time is not None


async def test_receive_gives_events_one_by_one(namespace: Namespace) -> None:
    """The unbatched receive call works as receive_batch does."""
    namespace.fill("ab")

    async with reading(namespace, one_by_one=True) as found:
        await found.count(2)

    assert found.bodies == ["a", "b"]


async def test_latest_starts_after_what_is_there(namespace: Namespace) -> None:
    """A reader from @latest gets new events and none of the old ones."""
    namespace.fill(["old"] * 5)

    async with reading(namespace, position="@latest", partition_id="0") as found:
        async with asyncio.timeout(PATIENCE_S):
            while not found.got:  # nothing tells when the reader is attached
                namespace.fill(["new"])
                with contextlib.suppress(TimeoutError):
                    await found.until(lambda: bool(found.got), patience_s=0.1)

    assert set(found.bodies) == {"new"}


async def test_sequence_number_starts_a_reader(namespace: Namespace) -> None:
    """A sequence number starts a reader after it, or at it if inclusive."""
    namespace.fill("0123456")

    async with (
        reading(namespace, position=3, partition_id="0") as after,
        reading(namespace, position=3, inclusive=True, partition_id="0") as at,
    ):
        await after.count(3)
        await at.count(4)

    assert after.bodies == list("456")
    assert at.bodies == list("3456")


async def test_enqueued_time_starts_a_reader(closing: AsyncExitStack) -> None:
    """A time starts a reader at the first event that was enqueued after it."""
    clock = Clock()
    namespace = await make_namespace(Broker([HUB], clock=clock), closing)
    namespace.fill(["early"])
    clock.now_s += 60
    namespace.fill(["late"])

    between = datetime.fromtimestamp(START_S + 30, UTC)
    async with reading(namespace, position=between, partition_id="0") as found:
        await found.count(1)

    assert found.bodies == ["late"]
    assert found.got[0].event.enqueued_time == datetime.fromtimestamp(START_S + 60, UTC)


async def test_reading_resumes_where_it_stopped(namespace: Namespace) -> None:
    """A second reader that starts at the first one's last offset overlaps nothing."""
    namespace.fill("01234", "1")
    async with reading(namespace, partition_id="1") as first:
        await first.count(5)
    namespace.fill("56789", "1")

    offset = first.got[-1].event.offset or ""
    async with reading(namespace, position=offset, partition_id="1") as second:
        await second.count(5)

    assert first.bodies + second.bodies == list("0123456789")


async def test_consumer_groups_read_independently(namespace: Namespace) -> None:
    """Readers in two consumer groups each get every event."""
    async with (
        reading(namespace, group="triage", partition_id="0") as one,
        reading(namespace, group="archive", partition_id="0") as other,
    ):
        namespace.fill("0123")
        await one.count(4)
        await other.count(4)

    assert one.bodies == other.bodies == list("0123")


async def test_properties_describe_hub_and_partition(
    namespace: Namespace, producer: EventHubProducerClient
) -> None:
    """Hub and partition properties tell the counts, and -1 while empty."""
    namespace.fill("ab", "3")

    hub, filled, empty = await asyncio.gather(
        producer.get_eventhub_properties(),
        producer.get_partition_properties("3"),
        producer.get_partition_properties("0"),
    )

    assert hub["eventhub_name"] == HUB
    assert hub["partition_ids"] == ["0", "1", "2", "3"]
    assert filled["beginning_sequence_number"] == 0
    assert filled["last_enqueued_sequence_number"] == 1
    assert filled["is_empty"] is False
    assert int(filled["last_enqueued_offset"]) > 0
    assert empty["is_empty"] is True
    assert empty["last_enqueued_sequence_number"] == -1
    assert empty["last_enqueued_offset"] == "-1"


async def test_higher_epoch_steals_the_partition(namespace: Namespace) -> None:
    """A reader loses its partition, with an error, to one of a higher owner level."""
    namespace.fill("a")

    async with reading(namespace, partition_id="0", owner_level=1) as loser:
        await loser.count(1)
        async with reading(namespace, partition_id="0", owner_level=2) as winner:
            await winner.count(1)
            await loser.failure()

    assert isinstance(loser.errors[0], ConnectionLostError)
    assert "took over" in str(loser.errors[0])
    assert not winner.errors


async def test_event_of_a_million_bytes_passes(
    namespace: Namespace, producer: EventHubProducerClient
) -> None:
    """An event close to the limit of 1 MiB goes through whole."""
    body = os.urandom(1_000_000)

    async with reading(namespace, partition_id="0") as found:
        await producer.send_event(EventData(body), partition_id="0")
        await found.count(1)

    assert found.got[0].octets == body


async def test_oversized_batch_is_refused_by_the_sdk(
    producer: EventHubProducerClient,
) -> None:
    """The SDK learns the limit of 1 MiB from the link, and refuses what exceeds it."""
    batch = await producer.create_batch(partition_id="0")

    with pytest.raises(ValueError, match="size limit"):
        batch.add(EventData(b"x" * MAX_MESSAGE))

    assert batch.max_size_in_bytes == MAX_MESSAGE


async def test_missing_hub_is_a_connect_error(namespace: Namespace) -> None:
    """A hub that does not exist gives the SDK's ConnectError."""
    async with make_producer(namespace, hub="nowhere") as client:
        with pytest.raises(ConnectError, match="404"):
            await client.get_eventhub_properties()


async def test_retention_drops_the_oldest(closing: AsyncExitStack) -> None:
    """Beyond the retention the oldest go, and readers continue at the oldest kept."""
    broker = Broker([HUB], partitions=1, retention=Retention(events=8))
    namespace = await make_namespace(broker, closing)
    namespace.fill(str(number) for number in range(20))

    async with (
        reading(namespace, position=5, partition_id="0") as found,
        make_producer(namespace) as producer,
    ):
        properties = await producer.get_partition_properties("0")
        await found.count(8)

    assert properties["beginning_sequence_number"] == 12
    assert found.bodies == [str(number) for number in range(12, 20)]


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"AMQP\x09\x09\x09\x09",
        b"AMQP\x00\x01\x00\x00" + b"\x7f\xff\xff\xff\x02\x00\x00\x00",
        b"AMQP\x00\x01\x00\x00" + b"\x00\x00\x00\x10\x02\x00\x00\x00" + b"\xd0" * 8,
        b"AMQP\x00\x01\x00\x00" + b"\x00\x00\x00\x0c\x02\x00\x00\x00\x00\x53\x77\x45",
    ],
    ids=["http", "version", "oversized", "undecodable", "unknown-performative"],
)
async def test_garbage_costs_only_its_connection(
    namespace: Namespace, octets: bytes
) -> None:
    """A peer that does not speak AMQP is hung up on, and another is still greeted."""
    host, port = namespace.server
    reader, writer = await asyncio.open_connection(host, port)
    _, other = streams = await asyncio.open_connection(host, port)
    writer.write(octets)

    async with asyncio.timeout(PATIENCE_S):
        await reader.read()
        other.write(b"AMQP\x00\x01\x00\x00")
        greeting = await streams[0].readexactly(8)

    assert greeting == b"AMQP\x00\x01\x00\x00"
    writer.close()
    other.close()


async def test_process_announces_itself_and_stops() -> None:
    """The process prints one line of JSON, accepts connections, and ends on SIGTERM."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devhost.eventhub", "--hub", HUB, "--partitions", "2"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        ready = json.loads(await process.stdout.readline())
    with socket.create_connection(("127.0.0.1", ready["port"]), PATIENCE_S):
        process.send_signal(signal.SIGTERM)

        async with asyncio.timeout(PATIENCE_S):
            rest, complaints = await process.communicate()

    assert ready["ready"] == "eventhub"
    assert ready["connection_string"].endswith("UseDevelopmentEmulator=true")
    assert (process.returncode, rest, complaints) == (0, b"", b"")


async def test_process_ends_with_its_parent() -> None:
    """With --exit-with-parent the process does not outlive the one that started it."""
    starter = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-m',"
        " 'devhost.eventhub', '--exit-with-parent'], stdout=subprocess.PIPE);"
        " print(p.stdout.readline().decode(), end='', flush=True); sys.stdin.readline()"
    )
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", starter),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        ready = json.loads(await parent.stdout.readline())
        reader, writer = await asyncio.open_connection("127.0.0.1", ready["port"])

        await parent.communicate(b"\n")

        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
    writer.close()
