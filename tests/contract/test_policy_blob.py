"""One suite for the fake blob of a policy and for Azure's over Azurite."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

import pytest
from azure.storage.blob.aio import BlobServiceClient

from shared import settings as environment
from shared.clouds.policy_blob import MOST_BYTES, PolicyBlob
from shared.model.errors import StoreUnavailable
from tests.fakes.policy_blob import FakePolicyBlob

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from devhost.storage import Azurite
    from shared.live_policy import Fetch

AWAY = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
    "BlobEndpoint=http://127.0.0.1:9/a;"
)


class Side(NamedTuple):
    """The port, and how somebody else writes the blob."""

    fetch: Fetch
    write: Callable[[str], Awaitable[None]]


def opened(connection: str, url: str) -> PolicyBlob:
    """The adapter, as settings open it."""
    values = {"AzureWebJobsStorage": connection, "FIREWATCH_POLICY_BLOB": url}
    return PolicyBlob(environment.from_environment(values))


@pytest.fixture(params=["fake", "azurite"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    """A blob of each kind that nobody has written yet."""
    if request.param == "fake":
        fake = FakePolicyBlob()

        async def replace(text: str) -> None:
            fake.text = text

        yield Side(fake, replace)
        return
    storage: Azurite = request.getfixturevalue("azurite")
    async with BlobServiceClient.from_connection_string(
        storage.connection_string
    ) as service:
        container = await service.create_container(f"c{uuid.uuid4().hex}")
        blob = container.get_blob_client("of teams/policy.yaml")

        async def upload(text: str) -> None:
            await blob.upload_blob(text.encode(), overwrite=True)

        real = opened(storage.connection_string, blob.url)
        yield Side(real, upload)
        await real.close()


async def test_a_blob_is_read_once_for_each_version(side: Side) -> None:
    """Text and version; nothing while the version is known, and the new one then."""
    await side.write("routes: []\n")
    first = await side.fetch("")
    assert first is not None

    again = await side.fetch(first[0])
    await side.write("routes: [ä]\n")
    second = await side.fetch(first[0])

    assert first[1] == b"routes: []\n"
    assert again is None
    assert second is not None
    assert second[0] != first[0]
    assert second[1] == "routes: [ä]\n".encode()


async def test_no_blob_cannot_be_read(side: Side) -> None:
    """It is no empty policy."""
    with pytest.raises(StoreUnavailable, match="no such blob"):
        await side.fetch("")


async def test_an_empty_blob_is_read(side: Side) -> None:
    """What it means is for others to say."""
    await side.write("")

    found = await side.fetch("")

    assert found is not None
    assert found[1] == b""


async def test_no_more_is_read_than_a_policy_may_have(azurite: Azurite) -> None:
    """What is longer by far is not taken into memory."""
    async with BlobServiceClient.from_connection_string(
        azurite.connection_string
    ) as service:
        container = await service.create_container(f"c{uuid.uuid4().hex}")
        blob = container.get_blob_client("policy.yaml")
        await blob.upload_blob(b"#" * (MOST_BYTES + 1))
        real = opened(azurite.connection_string, blob.url)

        with pytest.raises(StoreUnavailable, match="longer than"):
            await real("")
        await real.close()


@pytest.mark.parametrize(
    ("connection", "url"),
    [
        (AWAY, "http://127.0.0.1:9/a/c/policy.yaml"),
        (AWAY, "http://127.0.0.1:10/a/c/policy.yaml"),
        ("UseDevelopmentStorage=true", "http://127.0.0.1:9/a/c/policy.yaml"),
        ("nonsense", "http://127.0.0.1:9/a/c/policy.yaml"),
    ],
)
async def test_what_does_not_answer_cannot_be_read(connection: str, url: str) -> None:
    """No exception of the SDK comes through, and no other account is asked."""
    blob = opened(connection, url)

    with pytest.raises(StoreUnavailable):
        await blob("")
    await blob.close()
