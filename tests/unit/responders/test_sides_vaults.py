"""Versions in vaults: read without values, addressed only to be changed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from responders.sides.vaults import Held, at, versions
from shared.clouds.rest import RestClient
from shared.model.errors import FailureReason, PermanentFailure
from shared.model.http import Reply
from tests.fakes.http import FakeHttp

VERSION = "4387e9f3d6e14c459867679a90fd0f79"


def test_a_version_is_at_its_name() -> None:
    """Of a secret, or of a key."""
    assert at("db-crm", VERSION) == f"/secrets/db-crm/{VERSION}?api-version=7.5"
    assert at("k", VERSION, Held.KEY) == f"/keys/k/{VERSION}?api-version=7.5"


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("", VERSION),
        ("a/b", VERSION),
        ("a?b", VERSION),
        ("ü", VERSION),
        ("a" * 128, VERSION),
        ("a", ""),
        ("a", ".."),
        ("a", f"{VERSION}/"),
        ("a", f"{VERSION}\n"),
    ],
)
def test_what_is_no_name_is_no_path(name: str, version: str) -> None:
    """Without a version it would be the newest, whichever that is."""
    with pytest.raises(PermanentFailure):
        at(name, version)


async def listed(*entries: object) -> list[Any]:
    body = msgspec.json.encode({"value": entries, "nextLink": None})
    http = FakeHttp(Reply(status=200, headers={}, body=body))

    async def token(_: str) -> str:
        return "t"

    vault = RestClient("KV", "https://k.vault.azure.net", http=http, token=token)
    return await versions(vault, "a")


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"id": 1, "attributes": {"enabled": True}},
        {"id": "https://k/secrets/a/1"},
        {"id": "https://k/secrets/a/1", "attributes": {}},
        {"id": "https://k/secrets/a/1", "attributes": {"enabled": 1}},
        {
            "id": "https://k/secrets/a/1",
            "attributes": {"enabled": True, "updated": "x"},
        },
        {"kid": "https://k/keys/a/1", "attributes": {"enabled": True}},
    ],
)
async def test_an_entry_that_is_no_version_is_not_passed_over(entry: object) -> None:
    """It may be one that stays enabled."""
    with pytest.raises(PermanentFailure) as caught:
        await listed(entry)

    assert caught.value.reason is FailureReason.INVALID
