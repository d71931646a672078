"""One suite for the tables in memory and for Azure's adapter over Azurite."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING

import pytest
from azure.data.tables.aio import TableClient, TableServiceClient

from cli.rehearsal.memory import MemoryTable
from shared.model.errors import RowExists, StoreConflict, StoreLimit, StoreUnavailable
from shared.store import limits
from shared.store.ports import Delete, Put
from shared.store.tables import AzureTable
from tests.fakes.clock import Clock
from tests.fakes.store import FakeTable, Faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devhost.storage import Azurite
    from shared.store.ports import Table

P = "0a"


@pytest.fixture(params=["fake", "memory", "azurite"])
async def table(request: pytest.FixtureRequest) -> AsyncIterator[Table]:
    """An empty table of each kind."""
    if request.param == "fake":
        yield FakeTable()
        return
    if request.param == "memory":
        yield MemoryTable(Clock())
        return
    storage: Azurite = request.getfixturevalue("azurite")
    name = f"t{uuid.uuid4().hex}"
    async with TableServiceClient.from_connection_string(
        storage.connection_string
    ) as service:
        client = await service.create_table(name)
        yield AzureTable(client, Clock())
        await service.delete_table(name)


@pytest.fixture
async def azure(azurite: Azurite) -> AsyncIterator[TableClient]:
    """An empty table of Azurite, without our adapter."""
    async with TableServiceClient.from_connection_string(
        azurite.connection_string
    ) as service:
        yield await service.create_table(f"t{uuid.uuid4().hex}")


async def docs(table: Table, *keys: str) -> dict[str, bytes]:
    """What the rows hold."""
    return {key: row.doc for key, row in (await table.get(P, keys)).items()}


async def test_rows_come_back_as_they_were_put(table: Table) -> None:
    """A row is read with its document and the version its commit gave."""
    etags = await table.commit(P, [Put("a|1", b'{"n":1}'), Put("h|2", b'{"n":2}')])

    found = await table.get(P, ["a|1", "h|2", "k|3"])

    assert {key: (row.key, row.doc) for key, row in found.items()} == {
        "a|1": ("a|1", b'{"n":1}'),
        "h|2": ("h|2", b'{"n":2}'),
    }
    assert {key: row.etag for key, row in found.items()} == etags


async def test_partitions_keep_apart(table: Table) -> None:
    """One key in two partitions is two rows."""
    await table.commit("00", [Put("a|1", b"0")])
    await table.commit("01", [Put("a|1", b"1")])

    assert (await table.get("00", ["a|1"]))["a|1"].doc == b"0"
    assert [row.doc for row in await table.scan("01", "a|", "a}")] == [b"1"]


async def test_inserting_what_exists_is_a_conflict(table: Table) -> None:
    """A claim is taken once."""
    await table.commit(P, [Put("a|1", b"first")])

    with pytest.raises(RowExists):
        await table.commit(P, [Put("a|1", b"second")])

    assert await docs(table, "a|1") == {"a|1": b"first"}


async def test_replacing_needs_the_version_that_is_there(table: Table) -> None:
    """Whoever decides on an old version has to read again."""
    old = (await table.commit(P, [Put("h|1", b"1")]))["h|1"]
    new = (await table.commit(P, [Put("h|1", b"2", old)]))["h|1"]

    with pytest.raises(StoreConflict) as caught:
        await table.commit(P, [Put("h|1", b"3", old)])
    assert not isinstance(caught.value, RowExists)

    assert new != old
    assert await docs(table, "h|1") == {"h|1": b"2"}


async def test_replacing_leaves_nothing_of_the_old_row(table: Table) -> None:
    """A short document after a long one is the short one."""
    long = b'"' + b"x" * 50_000 + b'"'
    etag = (await table.commit(P, [Put("h|1", long)]))["h|1"]

    await table.commit(P, [Put("h|1", b"{}", etag)])

    assert await docs(table, "h|1") == {"h|1": b"{}"}


@pytest.mark.parametrize("write", [Put("h|1", b"{}", 'W/"1"'), Delete("h|1")])
async def test_a_row_that_is_gone_is_a_conflict(
    table: Table, write: Put | Delete
) -> None:
    """Neither replacing nor deleting brings back what somebody took away."""
    with pytest.raises(StoreConflict):
        await table.commit(P, [write])


async def test_deleting_a_stale_version_is_a_conflict(table: Table) -> None:
    """A delete may name the version it means; without one it takes any."""
    old = (await table.commit(P, [Put("h|1", b"1")]))["h|1"]
    await table.commit(P, [Put("h|1", b"2", old)])

    with pytest.raises(StoreConflict):
        await table.commit(P, [Delete("h|1", old)])
    assert await docs(table, "h|1") == {"h|1": b"2"}

    assert await table.commit(P, [Delete("h|1")]) == {}
    assert await docs(table, "h|1") == {}


async def test_a_transaction_is_all_or_nothing(table: Table) -> None:
    """One conflict among many writes leaves every row as it was."""
    etag = (await table.commit(P, [Put("h|1", b"old"), Put("d|1", b"due")]))["h|1"]

    with pytest.raises(StoreConflict):
        await table.commit(
            P,
            [
                Put("h|1", b"new", etag),
                Put("a|9", b"claim"),
                Delete("d|1"),
                Put("d|1|x", b"due", 'W/"stale"'),
            ],
        )

    assert await docs(table, "h|1", "a|9", "d|1") == {"h|1": b"old", "d|1": b"due"}


async def test_a_scan_takes_a_range_in_order_of_keys(table: Table) -> None:
    """The first key is in, the last is not, and the limit takes the first of them."""
    keys = ["d|1|b", "d|1|a", "d|2|c", "d}", "e|1", "d|10|a"]
    await table.commit(P, [Put(key, b"{}") for key in keys])

    assert [row.key for row in await table.scan(P, "d|", "d}")] == [
        "d|10|a",
        "d|1|a",
        "d|1|b",
        "d|2|c",
    ]
    assert [row.key for row in await table.scan(P, "d|1|a", "d|2|c")] == [
        "d|1|a",
        "d|1|b",
    ]
    assert [row.key for row in await table.scan(P, "d|", "d}", limit=2)] == [
        "d|10|a",
        "d|1|a",
    ]
    assert await table.scan("0b", "d|", "d}") == []


async def test_a_scan_reads_on_past_a_page(table: Table) -> None:
    """The service answers a thousand rows at a time; a scan gives all of them."""
    keys = [f"x|{number:05d}" for number in range(1_040)]
    for start in range(0, len(keys), 100):
        part = keys[start : start + 100]
        await table.commit(P, [Put(key, b"{}") for key in part])

    assert [row.key for row in await table.scan(P, "x|", "x}")] == keys
    assert len(await table.scan(P, "x|", "x}", limit=1_020)) == 1_020


@pytest.mark.parametrize(
    "text",
    [
        "x" * 200_000,
        "\N{PILE OF POO}" * 50_000,
        "x" + "\N{PILE OF POO}é" * 30_000,
        "\x7f\x85\xa0\u2028\ufeff\ufffe\uffff\\u0000\\\"'<>&%{}",
    ],
    ids=["ascii", "two units each", "odd boundaries", "awkward"],
)
async def test_documents_of_any_text_survive(table: Table, text: str) -> None:
    """A document is cut into columns and put together without a character lost."""
    await table.commit(P, [Put("a|1", text.encode())])

    assert await docs(table, "a|1") == {"a|1": text.encode()}


async def test_a_hundred_rows_fit_a_transaction(table: Table) -> None:
    """The limit itself is within the limit."""
    etags = await table.commit(
        P, [Put(f"a|{n}", b"{}") for n in range(limits.OPERATIONS)]
    )

    assert len(etags) == limits.OPERATIONS


@pytest.mark.parametrize(
    "writes",
    [
        [],
        [Put(f"a|{n}", b"{}") for n in range(101)],
        [Put("a|1", b"{}"), Delete("a|1")],
        [Put("a/1", b"{}")],
        [Put("", b"{}")],
        [Put("a" * 513, b"{}")],
        [Put("a|1", b"x" * 600_000)],
        [Put(f"a|{n}", b"x" * 400_000) for n in range(6)],
    ],
    ids=["none", "101", "twice", "slash", "empty", "long key", "long row", "4 MiB"],
)
async def test_what_the_service_refuses_is_a_limit(
    table: Table, writes: list[Put | Delete]
) -> None:
    """A bug of ours is named as one, and nothing of it is written."""
    with pytest.raises(StoreLimit):
        await table.commit(P, writes)

    assert await table.scan(P, "a", "b") == []


async def test_a_bad_key_cannot_be_read_either(table: Table) -> None:
    """Reading holds keys to the same rule as writing."""
    with pytest.raises(StoreLimit):
        await table.get(P, ["a#1"])
    with pytest.raises(StoreLimit):
        await table.scan(P, "a\n", "b")


@pytest.mark.parametrize("kind", ["fake", "azure"])
async def test_a_store_that_does_not_answer_is_unavailable(kind: str) -> None:
    """Get, scan and commit say so; no exception of the SDK comes through."""
    async with contextlib.AsyncExitStack() as stack:
        table: Table
        if kind == "fake":
            faults = Faults()
            faults.go_down()
            table = FakeTable(faults=faults)
        else:
            # Port 9 (discard) is closed on every machine that runs tests.
            client = TableClient.from_connection_string(
                "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
                "TableEndpoint=http://127.0.0.1:9/a;",
                "work",
                retry_total=0,
            )
            table = AzureTable(await stack.enter_async_context(client), Clock())

        with pytest.raises(StoreUnavailable):
            await table.get(P, ["a|1"])
        with pytest.raises(StoreUnavailable):
            await table.scan(P, "a", "b")
        with pytest.raises(StoreUnavailable):
            await table.commit(P, [Put("a|1", b"{}")])


async def test_a_row_of_a_newer_app_is_refused(azure: TableClient) -> None:
    """What this version cannot know is not guessed at."""
    await azure.create_entity({"PartitionKey": P, "RowKey": "a|1", "v": 2, "doc0": "1"})
    table = AzureTable(azure, Clock())

    with pytest.raises(StoreUnavailable, match="schema version 2"):
        await table.get(P, ["a|1"])
    with pytest.raises(StoreUnavailable, match="newer app"):
        await table.scan(P, "a", "b")


async def test_a_missing_table_is_no_answer(azurite: Azurite) -> None:
    """A table somebody deleted is neither an empty one nor a crash."""
    client = TableClient.from_connection_string(
        azurite.connection_string, f"t{uuid.uuid4().hex}"
    )
    async with client:
        table = AzureTable(client, Clock())

        with pytest.raises((StoreConflict, StoreUnavailable)):
            await table.commit(P, [Put("a|1", b"{}")])


async def test_the_clock_is_the_servers(azure: TableClient) -> None:
    """Workers whose clocks differ agree on the time once they asked the store."""
    slow = Clock()
    table = AzureTable(azure, slow)

    await table.get(P, ["a|1"])

    # The fake clock stands in 2026; whatever the server's year is, we follow it.
    other = Clock(slow().replace(year=2031))
    later = AzureTable(azure, other)
    await later.get(P, ["a|1"])
    assert abs((later.now() - table.now()).total_seconds()) <= 5
