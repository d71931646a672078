"""Slack by a webhook: all of it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from responders.slack import Slack
from shared.model.errors import (
    PermanentFailure,
    TransientFailure,
)
from shared.model.http import Reply
from shared.model.secret import SecretRef
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


from tests.unit.responders.slack import (
    HOOK,
    SAID,
    Room,
    made,
    make_hook,
    opened_room,
    plain,
    shown,
    told,
)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with opened_room() as room:
        yield room


async def test_a_webhook_says_all_of_it_at_once() -> None:
    """It has one channel, no thread that it knows of, and nothing can be changed."""
    http = FakeHttp(SAID)
    action = await made("opened")

    outcome = await make_hook(http).apply(action)

    [sent] = http.sent
    assert sent.url == HOOK
    assert "authorization" not in sent.headers
    assert {*sent.json} == {"text", "blocks", "unfurl_links", "unfurl_media"}
    titles = {section.title for section in told(action).sections}
    assert titles <= {*shown(sent.json["blocks"])}
    assert outcome.reference == ""


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("updated", "What is new"),
        ("acknowledged", "What was done"),
        ("resolved", "What was done"),
    ],
)
async def test_a_webhook_says_shortly_what_became_of_it(name: str, title: str) -> None:
    """The first message stands in the channel, whoever cares has read it."""
    http = FakeHttp(SAID)
    action = await made(name)

    await make_hook(http).apply(action)

    titles = {section.title for section in told(action).sections}
    assert titles & {*shown(http.sent[0].json["blocks"])} == {title}


async def test_a_webhook_is_taken_by_slack(room: Room) -> None:
    """The stand-in, which looks at blocks as Slack does, answers ok."""
    url = f"{room.outside.url}/slack/services/soc"
    ports = make_ports(room.http, {"HOOK": url})
    hook = Slack("soc", Slack.Config(url=SecretRef("HOOK")), ports)

    for name in ("opened", "updated", "resolved", "hostile"):
        await hook.apply(await made(name))

    assert len(room.outside.slack.messages) == 4
    assert room.outside.slack.refused == []


async def test_a_webhook_that_does_not_answer_ok_said_nothing() -> None:
    """Somebody between us and Slack may answer 200 to anything."""
    http = FakeHttp(Reply(status=200, headers={}, body=b"<html>sign in</html>"))

    with pytest.raises(TransientFailure) as caught:
        await make_hook(http).apply(await plain())

    assert "sign in" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, PermanentFailure),
        (403, PermanentFailure),
        (404, PermanentFailure),
        (410, PermanentFailure),
        (429, TransientFailure),
        (500, TransientFailure),
    ],
)
async def test_a_webhook_that_is_gone_is_not_tried_again(
    status: int, kind: type[Exception]
) -> None:
    """Only too many requests and Slack's own faults pass."""
    reply = Reply(status=status, headers={}, body=b"channel_is_archived")

    with pytest.raises(kind):
        await make_hook(FakeHttp(reply)).apply(await plain())
