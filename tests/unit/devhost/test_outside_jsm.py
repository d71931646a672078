"""The stand-in of Jira Service Management's Integration Events: as strict as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from devhost.outside import Outside
from tests.factories import NOON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ALERT: dict[str, Any] = {"message": "m", "alias": "fw-1"}


class Sender:
    """What sends alerts in these tests."""

    def __init__(self, outside: Outside, client: httpx.AsyncClient) -> None:
        self.outside = outside
        self.client = client

    async def post(
        self, path: str = "", body: object = ALERT, key: str = "GenieKey k"
    ) -> httpx.Response:
        headers = {"authorization": key}
        return await self.client.post(
            f"/jsm/v2/alerts{path}", json=body, headers=headers
        )

    async def follow(
        self, doing: str, body: object, alias: str = "fw-1"
    ) -> httpx.Response:
        return await self.post(f"/{alias}/{doing}?identifierType=alias", body)


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with (
        Outside.start(clock=lambda: NOON) as outside,
        httpx.AsyncClient(base_url=outside.url, trust_env=False) as client,
    ):
        yield Sender(outside, client)


async def test_an_open_alert_is_counted_and_a_closed_one_is_not(sender: Sender) -> None:
    """The same alias opens another alert once the first is closed."""
    replies = [
        await sender.post(),
        await sender.post(),
        await sender.follow("close", {"note": "over"}),
        await sender.post(),
    ]

    assert {reply.status_code for reply in replies} == {202}
    assert all(reply.json()["requestId"] for reply in replies)
    first, second = sender.outside.jsm.alerts
    assert (first.count, first.status, first.notes) == (2, "closed", ["over"])
    assert (second.count, second.status, second.notes) == (1, "open", [])


async def test_an_alert_is_noted_and_acknowledged(sender: Sender) -> None:
    """By an alias that is percent-encoded in the path."""
    await sender.post(body=ALERT | {"alias": "a/b?c"})

    await sender.follow("notes", {"note": "more"}, alias="a%2Fb%3Fc")
    await sender.follow("acknowledge", {}, alias="a%2Fb%3Fc")

    [alert] = sender.outside.jsm.alerts
    assert (alert.notes, alert.acknowledged, alert.status) == (["more"], True, "open")


async def test_what_nobody_opened_is_taken_and_dropped(sender: Sender) -> None:
    """It is found out later, when 202 was said."""
    reply = await sender.follow("close", {"note": "n"})

    assert reply.status_code == 202
    assert sender.outside.jsm.alerts == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"message": ""}, "message is missing"),
        ({"message": "m" * 131}, "message"),
        ({"message": "\U0001f525" * 66}, "message"),
        ({"alias": "a" * 513}, "alias"),
        ({"description": "d" * 15_001}, "description"),
        ({"entity": 1}, "entity"),
        ({"source": "s" * 101}, "source"),
        ({"priority": "P0"}, "priority"),
        ({"responders": {"id": "1", "type": "team"}}, "responders"),
        ({"responders": [{"id": "1", "type": "group"}]}, "responders"),
        ({"responders": [{"id": "1", "type": "team"}] * 51}, "responders"),
        ({"tags": ["t"] * 21}, "tags"),
        ({"tags": ["t" * 51]}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"details": {"a": 1}}, "details"),
        ({"details": {"a": "x" * 8_000}}, "details"),
        ({"note": "n" * 25_001}, "note"),
    ],
)
async def test_a_wrong_alert_is_refused(
    sender: Sender, changes: dict[str, object], problem: str
) -> None:
    """422, and nobody is alerted."""
    reply = await sender.post(body=ALERT | changes)

    assert reply.status_code == 422
    assert problem in reply.json()["message"]
    assert sender.outside.jsm.alerts == []
    assert len(sender.outside.jsm.refused) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/fw-1/notes?identifierType=alias", {}),
        ("/fw-1/notes?identifierType=alias", {"note": "n" * 25_001}),
        ("/fw-1/close?identifierType=alias", {"user": "u" * 101}),
        ("/fw-1/close", {"note": "n"}),
        ("/fw-1/close?identifierType=alias", []),
    ],
)
async def test_a_wrong_change_is_refused(
    sender: Sender, path: str, body: object
) -> None:
    """The alert stays as it is."""
    await sender.post()

    reply = await sender.post(path, body)

    assert reply.status_code == 422
    [alert] = sender.outside.jsm.alerts
    assert (alert.status, alert.notes) == ("open", [])


@pytest.mark.parametrize("key", ["", "GenieKey", "Bearer k"])
@pytest.mark.parametrize("path", ["", "/fw-1/close?identifierType=alias"])
async def test_a_key_is_asked_for(sender: Sender, key: str, path: str) -> None:
    """Any will do, but there must be one."""
    assert (await sender.post(path, key=key)).status_code == 401
