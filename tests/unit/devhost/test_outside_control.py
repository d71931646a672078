"""What sides on a development machine received, and who may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

from tests.unit.devhost.sending import KEY, Sender, make_event, sending


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with sending() as made:
        yield made


async def test_the_pages_are_shown(sender: Sender) -> None:
    """As people would have seen them, in order."""
    await sender.page()
    await sender.page(dedup_key="fw-2")
    await sender.page("resolve")

    pages = (await sender.control("GET", "pages")).json()

    assert pages[0] == {
        "side": "pagerduty",
        "dedup_key": "fw-1",
        "summary": "fire",
        "severity": "critical",
        "opened_at": "2026-11-23T12:00:00Z",
        "triggers": 1,
        "opens": 1,
        "acknowledged": False,
        "resolved": True,
    }
    assert [page["dedup_key"] for page in pages] == ["fw-1", "fw-2"]


async def test_everything_received_is_shown_without_keys(sender: Sender) -> None:
    """Per side, taken and refused."""
    await sender.page()
    await sender.page(routing_key="x")
    await sender.notify()
    await sender.notify(key=b"another")

    reply = await sender.control("GET", "received")

    received = reply.json()
    assert received["pagerduty"]["events"][0]["body"]["dedup_key"] == "fw-1"
    assert len(received["pagerduty"]["refused"]) == 1
    assert received["webhook"]["deliveries"][0]["id"] == "one"
    assert received["webhook"]["refused"] == ["webhook-signature does not match"]
    assert KEY not in reply.text


@pytest.mark.parametrize("key", [None, "", "wrong"])
@pytest.mark.parametrize("path", ["pages", "received", "faults", "nothing"])
async def test_control_needs_its_key(
    sender: Sender, path: str, key: str | None
) -> None:
    """Nobody else on the machine can read it, or find out what is there."""
    headers = {} if key is None else {"x-control-key": key}

    reply = await sender.client.get(f"/control/{path}", headers=headers)

    assert reply.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}],
)
async def test_pages_of_others_are_kept_out(
    sender: Sender, headers: dict[str, str]
) -> None:
    """A browser on the machine cannot be used against it."""
    reply = await sender.client.post(
        "/pagerduty/v2/enqueue", json=make_event(), headers=headers
    )

    assert reply.status_code == 403
    assert sender.outside.pagerduty.events == []
