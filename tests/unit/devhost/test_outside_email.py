"""The stand-in of Azure Communication Services' email API: as strict as it is."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest

from devhost.outside import Outside
from tests.factories import NOON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BEARER = {"authorization": "Bearer local"}
OPERATION = "8540c0de-899f-5cce-acb5-3ec493af3800"
MAIL: dict[str, Any] = {
    "senderAddress": "firewatch@mail.example",
    "content": {"subject": "s", "plainText": "t", "html": "<p>t</p>"},
    "recipients": {"to": [{"address": "soc@example.com"}]},
    "headers": {"x-priority": "1"},
}


class Sender:
    """What sends mails in these tests."""

    def __init__(self, outside: Outside, client: httpx.AsyncClient) -> None:
        self.outside = outside
        self.client = client

    async def send(
        self,
        message: object = MAIL,
        *,
        version: str = "2025-09-01",
        **headers: str,
    ) -> httpx.Response:
        given = BEARER | {"operation-id": OPERATION} | headers
        url = f"/email/emails:send?api-version={version}"
        return await self.client.post(url, json=message, headers=given)

    async def status(self, operation: str) -> httpx.Response:
        url = f"/email/emails/operations/{operation}?api-version=2025-09-01"
        return await self.client.get(url, headers=BEARER)


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with (
        Outside.start(clock=lambda: NOON) as outside,
        httpx.AsyncClient(base_url=outside.url, trust_env=False) as client,
    ):
        yield Sender(outside, client)


def changed(path: str, value: object) -> dict[str, Any]:
    """A mail with another value at a path; without the field where it is None."""
    mail = deepcopy(MAIL)
    *parents, last = path.split(".")
    place = mail
    for parent in parents:
        place = place[parent]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return mail


async def test_a_mail_is_queued_under_its_id(sender: Sender) -> None:
    """With the place to ask what became of it."""
    reply = await sender.send()
    asked = await sender.client.get(
        reply.headers["operation-location"],
        params={"api-version": "2025-09-01"},
        headers=BEARER,
    )

    assert reply.status_code == 202
    assert reply.json() == {"id": OPERATION, "status": "Running"}
    assert asked.json() == {"id": OPERATION, "status": "Succeeded"}
    [mail] = sender.outside.email.mails
    assert (mail.operation, mail.message, mail.received_at) == (OPERATION, MAIL, NOON)


async def test_the_same_mail_again_is_a_repeat(sender: Sender) -> None:
    """Nobody gets it twice; another mail cannot have its id."""
    await sender.send()

    again = await sender.send()
    other = await sender.send(changed("content.subject", "other"))

    assert (again.status_code, other.status_code) == (202, 409)
    assert [mail.repeats for mail in sender.outside.email.mails] == [1]


async def test_an_id_is_made_up_where_none_is_given(sender: Sender) -> None:
    """Such a mail cannot be told from a repeat."""
    ids = []
    for _ in range(2):
        reply = await sender.client.post(
            "/email/emails:send?api-version=2023-03-31", json=MAIL, headers=BEARER
        )
        ids.append(UUID(reply.json()["id"]))

    assert ids[0] != ids[1]
    assert len(sender.outside.email.mails) == 2


async def test_nothing_is_known_of_other_operations(sender: Sender) -> None:
    """404, as for any resource that is not there."""
    assert (await sender.status(OPERATION)).status_code == 404


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("senderAddress", None, "senderAddress"),
        ("senderAddress", "Firewatch <a@b.example>", "senderAddress"),
        ("content.subject", None, "subject"),
        ("content.subject", "a\r\nbcc: x@y.example", "subject"),
        ("content", {"subject": "s"}, "plainText"),
        ("recipients", None, "recipients.to"),
        ("recipients.to", [], "recipients.to"),
        ("recipients.to", [{"address": "soc"}], "address"),
        ("recipients.to", [{"address": "a@b.example"}] * 51, "50"),
        ("recipients.bcc", ["a@b.example"], "address"),
        ("replyTo", [{"address": "a@b.example, c@d.example"}], "address"),
        ("headers.x-priority", "1\r\nx: y", "headers"),
        ("headers", ["x"], "headers"),
    ],
)
async def test_a_wrong_mail_is_refused(
    sender: Sender, path: str, value: object, problem: str
) -> None:
    """400, and nothing is queued."""
    reply = await sender.send(changed(path, value))

    assert reply.status_code == 400
    assert problem in reply.json()["error"]["message"]
    assert reply.headers["x-ms-error-code"] == reply.json()["error"]["code"]
    assert sender.outside.email.mails == []
    assert len(sender.outside.email.refused) == 1


@pytest.mark.parametrize("message", [[], "text", None])
async def test_what_is_no_object_is_refused(sender: Sender, message: object) -> None:
    """Whatever JSON it is."""
    assert (await sender.send(message)).status_code == 400


@pytest.mark.parametrize(
    ("headers", "version", "status"),
    [
        ({"authorization": ""}, "2025-09-01", 401),
        ({"authorization": "Bearer"}, "2025-09-01", 401),
        ({"authorization": "HMAC-SHA256 x"}, "2025-09-01", 401),
        ({}, "2021-10-01", 400),
        ({"operation-id": "one"}, "2025-09-01", 400),
    ],
)
async def test_a_wrong_request_is_refused(
    sender: Sender, headers: dict[str, str], version: str, status: int
) -> None:
    """A token, a version and an id that is one."""
    reply = await sender.send(version=version, **headers)

    assert reply.status_code == status
    assert sender.outside.email.mails == []
