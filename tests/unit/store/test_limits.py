"""The limits of the service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import StoreLimit
from shared.store import limits
from shared.store.ports import Delete, Put


@pytest.mark.parametrize(
    "key",
    ["", "a/b", "a\\b", "a#b", "a?b", "a\x00", "a\n", "a\x7f", "a\x9f", "x" * 513],
)
def test_a_key_the_service_refuses_is_refused_here(key: str) -> None:
    """As partition and as row, to be written and to be deleted."""
    with pytest.raises(StoreLimit):
        limits.check_key(key)
    with pytest.raises(StoreLimit):
        limits.check(key, [Put("a", b"{}")])
    with pytest.raises(StoreLimit):
        limits.check("a", [Delete(key)])


def test_the_longest_key_is_one() -> None:
    """512 characters, and every other character there is."""
    limits.check_key("x" * 512)
    limits.check_key("d|20261123T120000.000000|}é\N{PILE OF POO}")


def test_a_row_is_measured_in_utf_16() -> None:
    """Half a million ASCII characters fill a row, as do half as many of two units."""
    limits.check("0a", [Put("a", b"x" * 520_000)])
    with pytest.raises(StoreLimit):
        limits.check("0a", [Put("a", b"x" * 524_288)])
    with pytest.raises(StoreLimit):
        limits.check("0a", [Put("a", ("\N{PILE OF POO}" * 262_144).encode())])


def test_a_transaction_is_measured_as_a_whole() -> None:
    """Four rows of a megabyte are more than four megabytes."""
    rows = [Put(f"a{n}", b"x" * 520_000) for n in range(4)]

    limits.check("0a", rows)
    with pytest.raises(StoreLimit, match="at once"):
        limits.check("0a", [*rows, Put("b", b"x" * 20_000)])


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.integers(1, 300)
)
def test_chunks_are_the_document(text: str, times: int) -> None:
    """Together they are what was cut, and each fits a property."""
    doc = (text * times).encode()

    found = limits.chunks(doc)

    assert "".join(found).encode() == doc
    assert all(
        len(chunk.encode("utf-16-le")) // 2 <= limits.PROPERTY_CHARACTERS
        for chunk in found
    )


def test_a_document_of_too_many_properties_is_refused() -> None:
    """However short each might be."""
    with pytest.raises(StoreLimit, match="properties"):
        limits.chunks(b"x" * limits.CHUNK_CHARACTERS * limits.PROPERTIES)


def test_writes_are_cut_into_transactions_that_each_pass() -> None:
    """In order, none left out, as few as it takes."""
    small = [Put(f"a|{number}", b"{}") for number in range(230)]
    large = [Put(f"t|{number}", b"x" * 500_000) for number in range(6)]
    writes: list[Put | Delete] = [*small, Delete("h|1"), *large]

    parts = list(limits.transactions("0a", writes))

    assert [write for part in parts for write in part] == writes
    for part in parts:
        limits.check("0a", part)
    assert list(map(len, parts)) == [100, 100, 35, 2]
    assert list(limits.transactions("0a", [])) == []
