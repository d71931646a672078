"""Blobs over HTTP: what is sent, and what answers mean."""

from __future__ import annotations

from typing import Any

import pytest

from shared.clouds.blobs import BlobClient
from shared.clouds.remotes import remotes
from shared.model.blobs import Blob
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    ResponderError,
    TransientFailure,
)
from shared.model.http import Reply
from shared.settings import from_environment
from tests.fakes.http import FakeHttp

URL = "https://lake7.blob.core.windows.net"
SCOPES: list[str] = []


async def token(scope: str) -> str:
    SCOPES.append(scope)
    return "t0ken"


def reply(status: int, code: str = "", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    said = {"x-ms-error-code": code} if code else {}
    return Reply(status=status, headers={**named, **said}, body=b"")


def client(*script: Any) -> tuple[BlobClient, FakeHttp]:  # noqa: ANN401
    http = FakeHttp(default=reply(200))
    http.script += script
    return BlobClient(URL, http=http, token=token), http


async def test_a_blob_is_looked_at_and_not_read() -> None:
    """By HEAD, with a token for storage (remote-apis-azure.md 0.1)."""
    found = reply(200, etag='"1"', content_length="42", content_md5="bWQ1")
    blobs, http = client(found)

    assert await blobs.find("/c/b") == Blob(etag='"1"', size=42, md5="bWQ1")
    (sent,) = http.sent
    assert (sent.method, sent.url) == ("HEAD", f"{URL}/c/b")
    assert sent.headers["x-ms-version"] == "2021-12-02"
    assert SCOPES[-1] == "https://storage.azure.com/.default"


async def test_a_copy_is_only_of_that_etag_and_only_to_where_nothing_is() -> None:
    """Made before it is answered."""
    blobs, http = client(reply(202, x_ms_copy_status="success"))

    await blobs.copy("/c/b", "/q/b", etag='"1"')

    (sent,) = http.sent
    assert (sent.method, sent.url) == ("PUT", f"{URL}/q/b")
    assert sent.headers["x-ms-copy-source"] == f"{URL}/c/b"
    assert sent.headers["x-ms-source-if-match"] == '"1"'
    assert sent.headers["if-none-match"] == "*"
    assert sent.headers["x-ms-requires-sync"] == "true"


async def test_a_copy_that_goes_on_is_not_there_yet() -> None:
    """Nor is one that a look finds half made."""
    blobs, _ = client(
        reply(202, x_ms_copy_status="pending"),
        reply(200, etag='"1"', content_length="0", x_ms_copy_status="pending"),
    )

    with pytest.raises(TransientFailure):
        await blobs.copy("/c/b", "/q/b", etag='"1"')
    found = await blobs.find("/q/b")
    assert found is not None
    assert not found.is_whole


async def test_what_is_gone_is_deleted() -> None:
    """Of that etag, and of no other."""
    blobs, http = client(reply(404, "BlobNotFound"), reply(202))

    await blobs.remove("/c/b", etag='"1"')
    await blobs.remove("/c/b", etag='"1"')

    assert [sent.headers["if-match"] for sent in http.sent] == ['"1"'] * 2


@pytest.mark.parametrize(
    ("status", "code", "kind", "reason"),
    [
        (403, "AuthorizationFailure", PermanentFailure, FailureReason.AUTH),
        (404, "SubscriptionNotFound", PermanentFailure, FailureReason.NOT_FOUND),
        (409, "BlobAlreadyExists", PermanentFailure, FailureReason.CONFLICT),
        (409, "PendingCopyOperation", TransientFailure, FailureReason.CONFLICT),
        (412, "SourceConditionNotMet", TransientFailure, FailureReason.CONFLICT),
        (503, "ServerBusy", TransientFailure, FailureReason.UNAVAILABLE),
    ],
)
async def test_refusals_are_told_apart(
    status: int, code: str, kind: type[ResponderError], reason: FailureReason
) -> None:
    """By the code that storage says in a header, since HEAD has no body."""
    blobs, _ = client(*[reply(status, code)] * 3)

    for call in (
        blobs.find("/c/b", permission="p"),
        blobs.copy("/c/b", "/q/b", etag="1", permission="p"),
        blobs.remove("/c/b", etag="1", permission="p"),
    ):
        with pytest.raises(kind) as caught:
            await call
        assert caught.value.reason is reason
        assert code in str(caught.value)


@pytest.mark.parametrize(
    "headers", [{}, {"etag": "1"}, {"etag": "1", "content_length": "many"}]
)
async def test_what_says_no_size_or_etag_is_no_blob(headers: dict[str, str]) -> None:
    """Nothing is moved by it."""
    blobs, _ = client(reply(200, **headers))

    with pytest.raises(PermanentFailure):
        await blobs.find("/c/b")


@pytest.mark.parametrize(
    "path", ["c/b", "/c/../b", "/c/%2e%2e/b", "/c/b?sig=x", "/c//b", "/c/b\n"]
)
async def test_a_path_leads_where_it_looks(path: str) -> None:
    """Names come from alerts."""
    blobs, http = client()

    with pytest.raises(PermanentFailure):
        await blobs.find(path)
    assert http.sent == []


@pytest.mark.parametrize(
    ("uri", "is_one"),
    [
        (f"{URL}/", True),
        ("https://lake7.blob.core.windows.net.evil.example/", False),
        ("http://lake7.blob.core.windows.net/", False),
        ("https://evil.example/lake7.blob.core.windows.net", False),
        ("https://u@lake7.blob.core.windows.net/", False),
    ],
)
def test_a_token_goes_to_storage_alone(uri: str, *, is_one: bool) -> None:
    """Wherever an answer says that the blobs are."""
    settings = from_environment({"AzureWebJobsStorage": "none"})
    made = remotes(settings, http=FakeHttp(), token=token)

    if is_one:
        assert isinstance(made.blobs(uri), BlobClient)
        return
    with pytest.raises(PermanentFailure):
        made.blobs(uri)
