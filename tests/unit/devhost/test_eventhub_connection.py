from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devhost.eventhub.amqp import Described, Long, Symbol, ULong, UShort
from devhost.eventhub.broker import Broker
from devhost.eventhub.connection import Connection
from devhost.eventhub.encoder import encode_described
from devhost.eventhub.frame import Performative, encode_frame
from devhost.eventhub.message import SectionCode

if TYPE_CHECKING:
    from devhost.eventhub.amqp import Scalar, Value

MESSAGE = encode_described(SectionCode.DATA, b"alert")


class Wire(asyncio.Transport):
    """A transport that keeps what is written, and takes no more than told to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


SOURCE = Described(ULong(0x28), ["h/ConsumerGroups/g/Partitions/0"])
TARGET = Described(ULong(0x29), ["h"])
Frame: TypeAlias = "tuple[Performative, list[Value], bytes]"


def attach_in(epoch: int | None) -> Frame:
    """A reader's attach; the epoch is the SDK's owner level."""
    properties: dict[Scalar, Value] = {}
    if epoch is not None:
        properties[Symbol("com.microsoft:epoch")] = Long(epoch)
    fields: list[Value] = ["in", 1, True, None, None, SOURCE, TARGET, *[None] * 6]
    return Performative.ATTACH, [*fields, properties], b""


OPEN: Frame = (Performative.OPEN, ["client", "host", 4096, UShort(9), None], b"")
BEGIN: Frame = (Performative.BEGIN, [None, 0, 100, 100], b"")
ATTACH_OUT: Frame = (
    Performative.ATTACH,
    ["out", 0, False, None, None, SOURCE, TARGET],
    b"",
)
ATTACH_IN = attach_in(epoch=None)
FLOW: Frame = (Performative.FLOW, [0, 100, 0, 100, 1, 0, 10], b"")
TRANSFER: Frame = (
    Performative.TRANSFER,
    [0, 0, b"t", 0x80013700, False, False],
    encode_described(SectionCode.DATA, MESSAGE),
)
CONVERSATION: tuple[Frame, ...] = (
    OPEN,
    BEGIN,
    ATTACH_OUT,
    attach_in(epoch=1),
    FLOW,
    TRANSFER,
    (Performative.DISPOSITION, [True, 0, 0, True], b""),
    (Performative.DETACH, [0, True], b""),
    (Performative.END, [None], b""),
    (Performative.CLOSE, [None], b""),
)


def as_octets(*frames: Frame) -> bytes:
    return b"AMQP\x00\x01\x00\x00" + b"".join(
        encode_frame(performative, fields, payload=payload)
        for performative, fields, payload in frames
    )


def connect(broker: Broker | None = None) -> tuple[Connection, Wire, Broker]:
    wire = Wire()
    broker = broker or Broker(["h"], partitions=1)
    connection = Connection(broker, set())
    connection.connection_made(wire)
    return connection, wire, broker


def answers(wire: Wire) -> list[Performative]:
    """The performatives written so far, after the protocol header."""
    found = []
    start = 8
    while start < len(wire.written):
        found.append(Performative(wire.written[start + 10]))
        start += int.from_bytes(wire.written[start : start + 4])
    return found


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_conversation_is_answered_however_it_is_cut(step: int) -> None:
    """Frames are put together from any pieces, and each is answered."""
    octets = as_octets(*CONVERSATION)
    connection, wire, broker = connect()

    for start in range(0, len(octets), step):
        connection.data_received(octets[start : start + step])

    assert answers(wire) == [
        Performative.OPEN,
        Performative.BEGIN,
        Performative.ATTACH,
        Performative.FLOW,
        Performative.ATTACH,
        Performative.TRANSFER,
        Performative.DISPOSITION,
        Performative.DETACH,
        Performative.END,
        Performative.CLOSE,
    ]
    assert wire.is_closed
    assert broker.hub("h").partition("0").log.end == 1


@given(st.data())
def test_broken_conversation_raises_nothing(data: st.DataObject) -> None:
    """A conversation with any octets changed is answered or closed, never a crash."""
    octets = bytearray(as_octets(*CONVERSATION))
    places = st.integers(0, len(octets) - 1)
    for place, octet in data.draw(
        st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=6)
    ):
        octets[place] = octet

    # Heartbeats, if they come to be asked for, need a loop.
    async def converse() -> None:
        connection, _, _ = connect()
        connection.data_received(bytes(octets))
        connection.connection_lost(None)

    asyncio.run(converse())


def test_full_socket_holds_deliveries_back() -> None:
    """Nothing is sent while the socket is full, and all of it once it has drained."""
    connection, wire, broker = connect()
    connection.data_received(as_octets(OPEN, BEGIN, ATTACH_IN, FLOW))

    connection.pause_writing()
    broker.hub("h").partition("0").append([MESSAGE] * 3)
    held = answers(wire)
    connection.resume_writing()

    assert Performative.TRANSFER not in held
    assert answers(wire).count(Performative.TRANSFER) == 3


@pytest.mark.parametrize(("window", "credit"), [(2, 10), (10, 2), (0xFFFFFFFF, 2)])
def test_window_and_credit_bound_deliveries(window: int, credit: int) -> None:
    """No more is sent than the session's window and the link's credit allow."""
    connection, wire, broker = connect()
    flow: Frame = (Performative.FLOW, [0, window, 0, 100, 1, 0, credit], b"")
    connection.data_received(as_octets(OPEN, BEGIN, ATTACH_IN, flow))

    broker.hub("h").partition("0").append([MESSAGE] * 5)

    assert answers(wire).count(Performative.TRANSFER) == 2


def test_message_over_the_limit_costs_the_link() -> None:
    """A message that grows past 1 MiB is not kept, and its link is detached."""
    connection, wire, broker = connect()
    part: Frame = (Performative.TRANSFER, [0, 0, b"t", 0, True, True], b"x" * 600_000)

    connection.data_received(as_octets(OPEN, BEGIN, ATTACH_OUT, part, part, part))

    assert answers(wire)[-1] is Performative.DETACH
    assert b"amqp:link:message-size-exceeded" in wire.written
    assert not wire.is_closed
    assert broker.hub("h").partition("0").log.end == 0


@pytest.mark.parametrize(
    "address", ["nowhere", "h/Partitions/7", "h/Partitions/x", "h/a/b"]
)
def test_unknown_address_is_refused(address: str) -> None:
    """A link to what does not exist is attached and at once detached as not found."""
    connection, wire, _ = connect()
    target = Described(ULong(0x29), [address])
    attach: list[Value] = ["out", 0, False, None, None, SOURCE, target]

    connection.data_received(
        as_octets(OPEN, BEGIN, (Performative.ATTACH, attach, b""), TRANSFER)
    )

    assert answers(wire)[2:] == [Performative.ATTACH, Performative.DETACH]
    assert b"amqp:not-found" in wire.written


@pytest.mark.parametrize(
    ("held", "asked", "holder_ends", "asker_ends"),
    [
        (None, None, False, False),
        (None, 0, True, False),
        (1, 1, True, False),
        (1, 2, True, False),
        (2, 1, False, True),
        (0, None, False, True),
    ],
)
def test_epoch_decides_who_reads(
    *, held: int | None, asked: int | None, holder_ends: bool, asker_ends: bool
) -> None:
    """An epoch ends readers without or not above it; the lower one is refused."""
    holder, holder_wire, broker = connect()
    asker, asker_wire, _ = connect(broker)
    holder.data_received(as_octets(OPEN, BEGIN, attach_in(held)))

    asker.data_received(as_octets(OPEN, BEGIN, attach_in(asked)))

    assert (b"amqp:link:stolen" in holder_wire.written) == holder_ends
    assert (b"amqp:link:stolen" in asker_wire.written) == asker_ends
