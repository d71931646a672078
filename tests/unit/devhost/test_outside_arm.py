"""The stand-in of Azure Resource Manager: as strict as the real one, and paged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from devhost.outside import Fault, Outside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
BEARER = {"authorization": "Bearer local"}


class Reader:
    """Asks the stand-in as the app would."""

    def __init__(self, outside: Outside, client: httpx.AsyncClient) -> None:
        self.outside = outside
        self.client = client

    async def get(
        self,
        subscription: str = SUBSCRIPTION,
        *,
        version: str | None = "2022-01-01",
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        return await self.client.get(
            f"/arm/subscriptions/{subscription}/providers/Microsoft.Security/alerts",
            params=None if version is None else {"api-version": version},
            headers=BEARER if headers is None else headers,
        )

    async def control(
        self, method: str, path: str, content: object = None
    ) -> httpx.Response:
        headers = {"x-control-key": self.outside.control_key}
        return await self.client.request(
            method, f"/control/{path}", headers=headers, json=content
        )


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    """A stand-in that was told of nothing."""
    async with (
        Outside.start() as outside,
        httpx.AsyncClient(base_url=outside.url, trust_env=False) as client,
    ):
        yield Reader(outside, client)


async def test_a_subscription_that_nobody_spoke_of_has_no_alerts(
    reader: Reader,
) -> None:
    """So a policy with real subscriptions can be rehearsed."""
    reply = await reader.get()

    assert (reply.status_code, reply.json()) == (200, {"value": []})


async def test_what_was_put_is_listed_page_by_page(reader: Reader) -> None:
    """In its order, each page naming the next with its host and version."""
    alerts = [{"id": str(number)} for number in range(5)]
    reader.outside.arm.page_size = 2
    put = await reader.control(
        "POST",
        "arm-alerts",
        {"subscription": SUBSCRIPTION.upper(), "alerts": alerts},
    )

    pages = [(await reader.get()).json()]
    while "nextLink" in pages[-1]:
        following = pages[-1]["nextLink"]
        assert following.startswith(f"{reader.outside.url}/arm/subscriptions/")
        assert "api-version=2022-01-01" in following
        pages.append((await reader.client.get(following, headers=BEARER)).json())

    assert put.status_code == 204
    assert [len(page["value"]) for page in pages] == [2, 2, 1]
    assert [alert for page in pages for alert in page["value"]] == alerts
    received = (await reader.control("GET", "received")).json()["arm"]
    assert [page["from"] for page in received["listed"]] == [0, 2, 4]
    assert "Bearer" not in str(received)


async def test_putting_again_replaces_the_list(reader: Reader) -> None:
    """Of that subscription, and of no other."""
    for alerts in ([{"id": "1"}], []):
        reader.outside.arm.put(SUBSCRIPTION, alerts)
    reader.outside.arm.put(SUBSCRIPTION.replace("0", "1"), [{"id": "2"}])

    assert (await reader.get()).json()["value"] == []


@pytest.mark.parametrize("value", [None, "Bearer", "Basic eDp5"])
async def test_a_bearer_token_is_asked_for(reader: Reader, value: str | None) -> None:
    """Any will do, but there must be one."""
    headers = {} if value is None else {"authorization": value}

    reply = await reader.get(headers=headers)

    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "AuthenticationFailed"


@pytest.mark.parametrize(
    ("subscription", "version", "code"),
    [
        (SUBSCRIPTION, None, "MissingApiVersionParameter"),
        (SUBSCRIPTION, "2015-06-01-preview", "InvalidApiVersionParameter"),
        ("mine", "2022-01-01", "InvalidSubscriptionId"),
    ],
)
async def test_a_wrong_request_is_refused(
    reader: Reader, subscription: str, version: str | None, code: str
) -> None:
    """With the code that Resource Manager would give."""
    reply = await reader.get(subscription, version=version)

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)
    assert reader.outside.arm.refused[0].startswith(code)


async def test_a_made_up_token_of_a_page_is_refused(reader: Reader) -> None:
    """Pages are reached by their links alone."""
    url = f"/arm/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/alerts"
    query = {"api-version": "2022-01-01", "$skiptoken": "-1"}

    reply = await reader.client.get(url, params=query, headers=BEARER)

    assert reply.status_code == 400


@pytest.mark.parametrize(
    "content",
    [
        {"subscription": "mine", "alerts": []},
        {"subscription": SUBSCRIPTION},
        {"subscription": SUBSCRIPTION, "alerts": ["text"]},
        {"subscription": SUBSCRIPTION, "alerts": [], "more": 1},
    ],
)
async def test_a_list_that_is_none_is_not_taken(
    reader: Reader, content: dict[str, object]
) -> None:
    """A typing error in a test does not pass for an empty list."""
    assert (await reader.control("POST", "arm-alerts", content)).status_code == 400


async def test_it_fails_on_request(reader: Reader) -> None:
    """As every other side."""
    reader.outside.faults.add(Fault(side="arm", status=429, retry_after="17", times=1))

    replies = [await reader.get(), await reader.get()]

    assert [reply.status_code for reply in replies] == [429, 200]
    assert replies[0].headers["retry-after"] == "17"
