"""Tags of resources as Resource Graph gives them, to the letter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.clouds.arm import Arm
from shared.clouds.resource_graph import PERMISSION, ResourceGraph, Shown
from shared.model.errors import FailureReason, PermanentFailure, TransientFailure
from shared.model.http import Reply
from tests.factories import SUBSCRIPTION, VM
from tests.fakes.http import FakeHttp

URL = "https://management.azure.com"
OTHER = "/subscriptions/9e3f1a60-2c7d-4b58-a1f4-d85e6b2c4403/resourcegroups/core"
VAULT = f"{OTHER}/providers/microsoft.keyvault/vaults/kv-core"


def answer(*rows: object, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = msgspec.json.encode({"totalRecords": len(rows), "data": rows})
    return Reply(status=status, headers=named, body=body)


async def shown(http: FakeHttp, *ids: str) -> Shown:
    async def token(scope: str) -> str:
        assert scope == f"{URL}/.default"
        return "t"

    return await ResourceGraph(Arm(URL, http=http, token=token)).tags(ids or (VM,))


async def test_all_resources_are_asked_for_at_once() -> None:
    """In the subscriptions that they are in; names come in lower case."""
    http = FakeHttp(
        answer(
            {"id": VAULT, "tags": {"Env": "Prod", "owner": ""}},
            {"id": VM.upper(), "tags": None},
        )
    )

    found = await shown(http, VM, VAULT)

    assert found == Shown({VAULT: {"env": "Prod", "owner": ""}, VM: {}})
    (sent,) = http.sent
    assert sent.method == "POST"
    assert sent.url == (
        f"{URL}/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
    )
    assert sent.headers["authorization"] == "Bearer t"
    assert sent.headers["content-type"] == "application/json"
    assert sent.json["subscriptions"] == [SUBSCRIPTION, OTHER.split("/")[2]]
    assert sent.json["query"] == (
        f"resources | where id in~ ('{VM}', '{VAULT}') | project id = tolower(id),"
        " tags | order by id asc"
    )
    assert sent.json["options"]["resultFormat"] == "objectArray"


@pytest.mark.parametrize(
    "hostile",
    [
        f"{VM}') | union (resources",
        f"{VM}'",
        f"{VM}\n",
        f"{VM}\\",
        f"{VM} x",
        "/subscriptions/x/resourcegroups/a/providers/b/c/d",
        "",
    ],
)
async def test_no_id_becomes_part_of_a_query_that_could_break_it(hostile: str) -> None:
    """It is not asked about; with nothing else nobody is asked."""
    http = FakeHttp(answer({"id": VM, "tags": {"a": "b"}}))

    assert await shown(http, hostile) == Shown({})
    assert http.sent == []
    assert await shown(http, hostile, VM) == Shown({VM: {"a": "b"}})
    assert f"in~ ('{VM}')" in http.sent[0].json["query"]


@pytest.mark.parametrize(
    ("row", "tags"),
    [
        ({"id": VM, "tags": {"a": 7, "b": None, "c": ["x"], "d": "y"}}, {"d": "y"}),
        ({"id": VM, "tags": "prod"}, {}),
        ({"id": VM, "tags": []}, {}),
        ({"id": VM}, {}),
        (
            {"id": VM, "tags": {"A" * 600: "v" * 300}},
            {"a" * 511 + "…": "v" * 255 + "…"},
        ),
    ],
)
async def test_tags_are_texts_of_bounded_length(
    row: dict[str, Any], tags: dict[str, str]
) -> None:
    """Whatever else stands there."""
    assert await shown(FakeHttp(answer(row))) == Shown({VM: tags})


async def test_halves_of_characters_are_marked() -> None:
    """No row of a table could hold them."""
    body = b'{"data": [{"id": "%b", "tags": {"a\\ud800": "b\\udfff"}}]}' % VM.encode()
    http = FakeHttp(Reply(status=200, headers={}, body=body))

    assert await shown(http) == Shown({VM: {"a?": "b?"}})


async def test_a_resource_has_no_more_tags_than_azure_lets_it() -> None:
    """However many come."""
    many = {f"t{n}": "x" for n in range(400)}

    found = await shown(FakeHttp(answer({"id": VM, "tags": many})))

    assert len(found.tags[VM]) == 50


@pytest.mark.parametrize(
    "rows",
    [[], [{"id": VAULT, "tags": {}}], [7], [{"tags": {}}], [{"id": 7}]],
)
async def test_what_was_not_asked_for_is_not_shown(rows: list[object]) -> None:
    """Nor what is no row."""
    assert await shown(FakeHttp(answer(*rows))) == Shown({})


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000])
async def test_what_is_no_object_is_a_failure(body: bytes) -> None:
    """Nobody takes it for an empty answer."""
    with pytest.raises(PermanentFailure) as caught:
        await shown(FakeHttp(Reply(status=200, headers={}, body=body)))

    assert caught.value.reason is FailureReason.INVALID


@pytest.mark.parametrize("body", [b'{"data": null}', b"{}", b'{"data": "x"}'])
async def test_an_object_without_rows_shows_nothing(body: bytes) -> None:
    """What is not shown is not known, and that is said."""
    assert await shown(FakeHttp(Reply(status=200, headers={}, body=body))) == Shown({})


@pytest.mark.parametrize(
    ("remaining", "resets", "rest"),
    [
        ("0", "00:00:05", timedelta(seconds=5)),
        ("0", "01:02:03", timedelta(hours=1, minutes=2, seconds=3)),
        ("0", "soon", timedelta(0)),
        ("1", "00:00:05", timedelta(0)),
    ],
)
async def test_a_quota_that_is_used_up_is_said(
    remaining: str, resets: str, rest: timedelta
) -> None:
    """Before somebody is refused for it."""
    http = FakeHttp(
        answer(
            {"id": VM, "tags": {}},
            x_ms_user_quota_remaining=remaining,
            x_ms_user_quota_resets_after=resets,
        )
    )

    assert (await shown(http)).rest == rest


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "7"}, timedelta(seconds=7)),
        ({"x_ms_user_quota_resets_after": "00:00:04"}, timedelta(seconds=4)),
        ({}, None),
    ],
)
async def test_who_asked_too_often_is_told_how_long_to_wait(
    headers: dict[str, str], wait: timedelta | None
) -> None:
    """By either header."""
    with pytest.raises(TransientFailure) as caught:
        await shown(FakeHttp(answer(status=429, **headers)))

    assert caught.value.reason is FailureReason.RATE_LIMITED
    assert caught.value.retry_after == wait


async def test_a_refusal_says_what_is_needed() -> None:
    """And repeats nothing of the answer but its code."""
    body = msgspec.json.encode(
        {"error": {"code": "AuthorizationFailed", "message": "x"}}
    )

    with pytest.raises(PermanentFailure) as caught:
        await shown(FakeHttp(Reply(status=403, headers={}, body=body)))

    assert caught.value.reason is FailureReason.AUTH
    assert "403 (AuthorizationFailed)" in str(caught.value)
    assert PERMISSION in str(caught.value)
