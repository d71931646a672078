"""One suite for the fake blobs and for Azure's adapter over Azurite."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import TYPE_CHECKING

import pytest
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from shared.model.errors import StoreConflict, StoreUnavailable
from shared.store.blobs import AzureBlobs
from tests.fakes.store import FakeBlobs, Faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devhost.storage import Azurite
    from shared.store.ports import Blobs


@pytest.fixture(params=["fake", "azurite"])
async def blobs(request: pytest.FixtureRequest) -> AsyncIterator[Blobs]:
    """An empty container of each kind."""
    if request.param == "fake":
        yield FakeBlobs()
        return
    storage: Azurite = request.getfixturevalue("azurite")
    async with BlobServiceClient.from_connection_string(
        storage.connection_string
    ) as service:
        yield AzureBlobs(await service.create_container(f"c{uuid.uuid4().hex}"))


@pytest.mark.parametrize("data", [b"", b"\x00\xff\r\n\xef\xbb\xbf", b"x" * 1_000_000])
async def test_bytes_come_back_as_they_were(blobs: Blobs, data: bytes) -> None:
    """Not a byte is added, cut or converted."""
    await blobs.put("archive/hub/alerts/0/1.ndjson.gz", data)

    assert await blobs.get("archive/hub/alerts/0/1.ndjson.gz") == data


async def test_a_blob_is_overwritten(blobs: Blobs) -> None:
    """Writing again after a crash replaces the blob."""
    await blobs.put("a", b"a long first content")

    await blobs.put("a", b"second")

    assert await blobs.get("a") == b"second"


async def test_what_is_kept_is_written_once(blobs: Blobs) -> None:
    """Whoever comes again is told, and the first bytes stay."""
    assert await blobs.keep("a", b"first")

    assert not await blobs.keep("a", b"another")

    assert await blobs.get("a") == b"first"


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, 4, b"0123"),
        (4, 3, b"456"),
        (7, 0, b"789"),
        (8, 100, b"89"),
        (10, 1, b""),
        (11, 0, b""),
        (0, 0, b"0123456789"),
    ],
)
async def test_a_part_of_a_blob_is_read(
    blobs: Blobs, offset: int, length: int, expected: bytes
) -> None:
    """No more than was asked for, and nothing past the end."""
    await blobs.put("a", b"0123456789")

    assert await blobs.get("a", offset=offset, length=length) == expected


async def test_a_part_of_no_blob_is_none(blobs: Blobs) -> None:
    """As the whole of it."""
    assert await blobs.get("a", offset=3, length=2) is None


async def test_no_blob_is_none(blobs: Blobs) -> None:
    """Asking for what is not there is no failure."""
    assert await blobs.get("dead-letter/http/x.json") is None


async def test_names_are_listed_by_prefix_in_order(blobs: Blobs) -> None:
    """Only what begins so, sorted as text."""
    names = ["dead-letter/b/2", "dead-letter/b/10", "dead-letter/a/9", "archive/z"]
    for name in names:
        await blobs.put(name, name.encode())

    found = [name async for name in blobs.names("dead-letter/")]
    sizes = [pair async for pair in blobs.sizes("dead-letter/b")]

    assert found == ["dead-letter/a/9", "dead-letter/b/10", "dead-letter/b/2"]
    assert sizes == [("dead-letter/b/10", 16), ("dead-letter/b/2", 15)]


@pytest.mark.parametrize("kind", ["fake", "azure"])
async def test_a_store_that_does_not_answer_is_unavailable(kind: str) -> None:
    """Put, get and names say so; no exception of the SDK comes through."""
    async with contextlib.AsyncExitStack() as stack:
        blobs: Blobs
        if kind == "fake":
            faults = Faults()
            faults.go_down()
            blobs = FakeBlobs(faults)
        else:
            client = ContainerClient.from_connection_string(
                "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
                "BlobEndpoint=http://127.0.0.1:9/a;",
                "firewatch",
                retry_total=0,
            )
            blobs = AzureBlobs(await stack.enter_async_context(client))

        with pytest.raises(StoreUnavailable):
            await blobs.put("a", b"")
        with pytest.raises(StoreUnavailable):
            await blobs.keep("a", b"")
        with pytest.raises(StoreUnavailable):
            await blobs.get("a")
        with pytest.raises(StoreUnavailable):
            [name async for name in blobs.names("a")]
        with pytest.raises(StoreUnavailable):
            [pair async for pair in blobs.sizes("a")]


@contextlib.asynccontextmanager
async def refusing(code: str) -> AsyncIterator[AzureBlobs]:
    """Azure's adapter at a service that answers 409 for that reason, as Azure does.

    Azurite knows no policies of immutability.
    """
    body = (
        f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>m</Message></Error>"
    )
    head = (
        f"HTTP/1.1 409 Conflict\r\nx-ms-error-code: {code}\r\nConnection: close\r\n"
        f"Content-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = ContainerClient.from_connection_string(
        "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
        f"BlobEndpoint=http://127.0.0.1:{port}/a;",
        "firewatch",
        retry_total=0,
    )
    async with server, client:
        yield AzureBlobs(client)


@pytest.mark.parametrize(
    "code",
    ["BlobAlreadyExists", "BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold"],
)
async def test_what_nobody_may_change_is_kept_already(code: str) -> None:
    """Kept once more it is as if written; whoever wants it changed is told."""
    async with refusing(code) as blobs:
        assert not await blobs.keep("a", b"again")
        with pytest.raises(StoreConflict):
            await blobs.put("a", b"other")


async def test_another_conflict_is_no_blob() -> None:
    """What was not written is not taken for written."""
    async with refusing("ContainerBeingDeleted") as blobs:
        with pytest.raises(StoreUnavailable, match="ContainerBeingDeleted"):
            await blobs.keep("a", b"")
        with pytest.raises(StoreUnavailable):
            await blobs.put("a", b"")
