"""One suite for history over the fake table and over Azurite."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from azure.data.tables.aio import TableServiceClient
from msgspec.structs import replace

from shared.clouds.storage import HISTORY, TABLE, Layout, Storage
from shared.model.incident import Entry, Fact, Incident, IncidentStatus, Mark
from shared.purge import Purge
from shared.retention import Retention
from shared.settings import from_environment
from shared.store import reading, rows
from shared.store.history import History, find
from shared.store.ledger import META_PARTITION, META_ROW, Ledger
from shared.store.ports import Put, Row
from shared.store.tables import AzureTable
from shared.wiring.parts import utc_now
from tests.factories import NOON, make_incident
from tests.fakes.clock import Clock
from tests.fakes.store import FakeTable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devhost.storage import Azurite
    from shared.store.ports import Table

ID = "0a" + "1" * 14
AT = NOON - timedelta(days=60)


@pytest.fixture(params=["fake", "azurite"])
async def tables(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Table, Table]]:
    """Two empty tables of each kind: one to work in, and history."""
    if request.param == "fake":
        yield FakeTable(), FakeTable()
        return
    storage: Azurite = request.getfixturevalue("azurite")
    names = [f"t{uuid.uuid4().hex}" for _ in range(2)]
    async with TableServiceClient.from_connection_string(
        storage.connection_string
    ) as service:
        work, past = [await service.create_table(name) for name in names]
        # Whatever the server says the time is, it is long after the incidents ended.
        yield AzureTable(work, Clock()), AzureTable(past, Clock())
        for name in names:
            await service.delete_table(name)


def whole(head: Incident, actions: int) -> dict[str, list[Row]]:
    """The rows of an incident: its head, an entry, and so many actions."""
    entry = Entry(sequence=1, at=AT, by="x", facts=(Fact(kind="x"),), previous="")
    return {
        head.id: [
            Row(rows.incident(head.id), rows.encode(head), ""),
            Row(rows.entry(head.id, 1), rows.encode(entry), ""),
            *(Row(f"x|{head.id}|{n:06d}", b"{}", "") for n in range(actions)),
        ]
    }


ENDED = make_incident(
    id=ID,
    status=IncidentStatus.RESOLVED,
    resolved=Mark(by="ada", at=AT),
    opened_at=AT,
    changed_at=AT,
    observed=1,
)


async def test_a_copy_is_the_rows_and_can_be_made_again(
    tables: tuple[Table, Table],
) -> None:
    """Of more rows than a transaction takes; then of fewer."""
    history = History(tables[1])

    for actions in (150, 150, 3):
        await history.keep(whole(ENDED, actions))

        assert await reading.head(history, ID) == ENDED
        assert len(await history.scan(ID, "x")) == actions
    assert await history.month(AT) == [ENDED]
    assert await history.with_problem("fp-1") == [ENDED]


async def test_lists_are_in_order_and_follow_a_change(
    tables: tuple[Table, Table],
) -> None:
    """The latest first; who ended anew stands once."""
    history = History(tables[1])
    heads = [
        replace(ENDED, id=f"0a{n:014x}", resolved=Mark(by="ada", at=at))
        for n, at in enumerate(AT + timedelta(hours=n) for n in range(3))
    ]
    for head in (*heads, replace(heads[0], resolved=heads[2].resolved)):
        await history.keep(whole(head, 1))

    found = [head.id[-1] for head in await history.month(AT)]

    assert found == ["0", "2", "1"]


async def test_a_run_moves_what_ended_from_table_to_table(
    tables: tuple[Table, Table],
) -> None:
    """A large one and a small one, and what goes on stays."""
    work, past = tables
    ledger, history = Ledger(work, 16), History(past)
    small, open_ = (replace(ENDED, id="0b" + c * 14) for c in "23")
    open_ = replace(open_, status=IncidentStatus.OPEN, resolved=None)
    for head, actions in ((ENDED, 150), (small, 1), (open_, 1)):
        (found,) = whole(head, actions).values()
        for start in range(0, len(found), 100):
            part = [Put(row.key, row.doc) for row in found[start : start + 100]]
            await work.commit(head.id[:2], part)
    # The SDK's clients learn the server's time from its first answer.
    retention = Retention(
        ledger,
        history,
        Purge(ledger, gap=timedelta(hours=5)),
        keep=ledger.now() - AT - timedelta(days=1),
    )

    done = await retention()

    assert (done.moved, done.remaining) == (2, 0)
    assert [head.id for head in await reading.incidents(ledger)] == [open_.id]
    for head, actions in ((ENDED, 150), (small, 1)):
        shelf, lineage = await find(ledger, history, head.id)
        assert (shelf, lineage) == (history, [head])
        assert len(await history.scan(head.id, "x")) == actions
        assert await ledger.scan(head.id[:2], f"x|{head.id}") == []
    assert await ledger.scan("0a", rows.LEAVING) == []


async def test_an_account_of_before_gets_the_second_table(azurite: Azurite) -> None:
    """When it is opened next; what it holds stays as it is."""
    settings = from_environment({"AzureWebJobsStorage": azurite.connection_string})
    await (await Storage(settings, utc_now).open()).close()
    async with TableServiceClient.from_connection_string(
        azurite.connection_string
    ) as service:
        work = AzureTable(service.get_table_client(TABLE), utc_now)
        meta = (await work.get(META_PARTITION, [META_ROW]))[META_ROW]
        before = b'{"partitions":16}'
        await work.commit(META_PARTITION, [Put(META_ROW, before, meta.etag)])
        await service.delete_table(HISTORY)

        storage = await Storage(settings, utc_now).open()
        try:
            await storage.history.keep(whole(ENDED, 1))
            found = await reading.head(storage.history, ID)
        finally:
            await storage.close()

        assert found == ENDED
        assert storage.ledger.partitions == 16
        meta = (await work.get(META_PARTITION, [META_ROW]))[META_ROW]
        layout = msgspec.json.decode(meta.doc, type=Layout)
        assert layout == Layout(partitions=16, history=True)
