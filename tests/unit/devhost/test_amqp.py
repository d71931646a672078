from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devhost.eventhub.amqp import (
    AmqpError,
    Array,
    Described,
    Fields,
    Int,
    Long,
    Symbol,
    Timestamp,
    UByte,
    ULong,
    UShort,
)
from devhost.eventhub.decoder import MAX_DEPTH, decode
from devhost.eventhub.encoder import encode, encode_described
from devhost.eventhub.frame import Performative, decode_performative, encode_frame
from devhost.eventhub.message import (
    SectionCode,
    annotate,
    data_bodies,
    decode_sections,
    sections,
)

if TYPE_CHECKING:
    from devhost.eventhub.amqp import Value

SYMBOLS = st.text(st.characters(max_codepoint=127)).map(Symbol)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 2**32 - 1),
    st.integers(0, 255).map(UByte),
    st.integers(0, 2**16 - 1).map(UShort),
    st.integers(0, 2**64 - 1).map(ULong),
    st.integers(-(2**31), 2**31 - 1).map(Int),
    st.integers(-(2**63), 2**63 - 1).map(Long),
    st.integers(-(2**63), 2**63 - 1).map(Timestamp),
    st.floats(allow_nan=False),
    st.text(),
    SYMBOLS,
    st.binary(),
    st.uuids(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text() | SYMBOLS, inner, max_size=4),
        st.builds(Described, st.integers(0, 2**64 - 1).map(ULong), inner),
    ),
    max_leaves=12,
)
MESSAGE = (
    encode_described(SectionCode.HEADER, [True, None])
    + encode_described(SectionCode.MESSAGE_ANNOTATIONS, {Symbol("x-opt-a"): Long(-5)})
    + encode_described(SectionCode.PROPERTIES, ["id-1"])
    + encode_described(SectionCode.DATA, b"alert")
)


@given(VALUES)
def test_values_survive_encoding(value: Value) -> None:
    """Whatever is encoded is decoded to the same value, of the same type."""
    octets = encode(value)

    decoded, end = decode(octets)

    assert decoded == value
    assert type(decoded) is type(value)
    assert end == len(octets)


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        ("43", 0),
        ("44", ULong(0)),
        ("45", ()),
        ("5207", 7),
        ("5307", ULong(7)),
        ("54ff", Int(-1)),
        ("55ff", Long(-1)),
        ("5601", True),
        ("a003616263", b"abc"),
        ("a103616263", "abc"),
        ("a303616263", "abc"),
        ("c0030240" + "41", (None, True)),
        ("c1050252" + "015202", {1: 2}),
        ("e00602a3" + "01610162", ("a", "b")),
        ("f000000004" + "00000000", ()),
        ("7300000041", b"\x00\x00\x00A"),
        ("98" + "00" * 15 + "01", UUID(int=1)),
    ],
)
def test_short_forms_are_read(octets: str, value: Value) -> None:
    """The compact encodings, which this side never writes, are understood."""
    assert decode(bytes.fromhex(octets))[0] == value


def test_arrays_are_written_with_one_constructor() -> None:
    """An array of symbols or strings has its constructor once, in front."""
    octets = encode(Array([Symbol("a"), Symbol("b")]))

    assert octets.hex() == "f00000000f00000002b3" + "0000000161" + "0000000162"
    assert decode(octets)[0] == ("a", "b")


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "00",
        "01",
        "70ffff",
        "98" + "00" * 15,
        "a0056162",
        "a101ff",
        "a301ff",
        "b0ffffffff",
        "c0",
        "c002",
        "c0017f",
        "c0020141" + "c00201",
        "d0000000047fffffff",
        "f00000000540000000" + "0040",
        "c1020141",
        "c1060240" + "41404040"[:6],
        "c104024540" + "40",
    ],
)
def test_broken_octets_raise_amqp_error(octets: str) -> None:
    """Octets that are cut, miscounted or of no type raise AmqpError and nothing else."""
    try:
        value, end = decode(bytes.fromhex(octets))
    except AmqpError:
        return
    assert end <= len(octets) // 2
    encode(value)


def test_count_of_items_without_width_is_bounded() -> None:
    """An array of 4 billion nulls, which fits 10 octets, is refused."""
    with pytest.raises(AmqpError, match="count"):
        decode(bytes.fromhex("f000000005ffffffff40"))


@pytest.mark.parametrize(
    "octets",
    [b"\x00" * 5000, b"\x00\x53\x70" * 5000, (b"\xc0\x81\x01" * 5000)],
)
def test_nesting_is_bounded(octets: bytes) -> None:
    """Nesting without end is an AmqpError, not a RecursionError."""
    with pytest.raises(AmqpError):
        decode(octets)
    with pytest.raises(AmqpError):
        list(sections(octets))


def test_nesting_up_to_the_bound_is_read() -> None:
    """Lists nested as deep as is allowed are decoded; one more is refused."""
    value: Value = ()
    for _ in range(MAX_DEPTH - 1):
        value = (value,)

    assert decode(encode(value))[0] == value
    with pytest.raises(AmqpError, match="deep"):
        decode(encode([[value]]))


@given(st.binary(max_size=200))
def test_decoding_noise_raises_only_amqp_error(octets: bytes) -> None:
    """Any octets at all are decoded or refused with AmqpError."""
    for read in (decode, lambda x: list(sections(x)), lambda x: annotate(x, {})):
        try:
            read(octets)
        except AmqpError:
            continue


def test_performatives_are_written_in_full() -> None:
    """Null fields are on the wire, as azure-eventhub pyamqp indexes fields blindly."""
    frame = encode_frame(
        Performative.DETACH, [7, True, None], channel=3, payload=b"rest"
    )

    code, fields, payload = decode_performative(frame, 8)

    assert frame[:8] == len(frame).to_bytes(4) + b"\x02\x00\x00\x03"
    assert frame[8:12] == b"\x00\x53\x16\xd0"
    assert int.from_bytes(frame[16:20]) == 3
    assert (code, fields[0], fields[1], payload) == (0x16, 7, True, b"rest")


def test_absent_fields_are_null() -> None:
    """A list cut short reads as if nulls followed, with the defaults for them."""
    fields = Fields((1,))

    assert fields[5] is None
    assert fields.uint(5, 9) == 9
    assert fields.mapping(5) == {}
    assert fields.terminus(5)[0] is None


@pytest.mark.parametrize("value", [None, True, "1", -1, 2**32])
def test_fields_of_a_wrong_type_are_refused(value: Value) -> None:
    """A field that is no uint where one is mandatory is an AmqpError."""
    with pytest.raises(AmqpError):
        Fields((value,)).uint(0)


def test_sections_are_measured() -> None:
    """A message is cut into its sections, each with the place of its value."""
    found = list(sections(MESSAGE))

    assert [section.code for section in found] == [0x70, 0x72, 0x73, 0x75]
    assert [section.end for section in found[:-1]] == [s.start for s in found[1:]]
    assert found[-1].end == len(MESSAGE)
    assert decode_sections(MESSAGE, SectionCode.PROPERTIES) == {0x73: ("id-1",)}


def test_batch_is_cut_into_messages() -> None:
    """Each data section of a batch gives one message."""
    batch = b"".join(encode_described(SectionCode.DATA, x) for x in (b"a", b"", b"c"))

    assert data_bodies(batch) == [b"a", b"", b"c"]


def test_annotate_keeps_the_rest_of_the_message() -> None:
    """New annotations join the client's, replace those of the same name, and no more."""
    once = annotate(MESSAGE, {Symbol("x-opt-offset"): "0"})

    twice = annotate(once, {Symbol("x-opt-offset"): "77"})

    assert len(twice) == len(once) + 1
    assert decode_sections(twice, *SectionCode) == {
        SectionCode.HEADER: (True, None),
        SectionCode.MESSAGE_ANNOTATIONS: {"x-opt-offset": "77", "x-opt-a": -5},
        SectionCode.PROPERTIES: ("id-1",),
        SectionCode.DATA: b"alert",
    }


def test_annotate_adds_the_section_after_the_header() -> None:
    """A message without annotations gets them where the standard wants them."""
    message = encode_described(SectionCode.HEADER, []) + encode_described(
        SectionCode.DATA, b"x"
    )

    annotated = annotate(message, {Symbol("x-opt-offset"): "0"})

    assert [section.code for section in sections(annotated)] == [0x70, 0x72, 0x75]
