"""Slack by a bot: a message, its thread, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from shared.model.action import Occasion
from shared.model.errors import (
    PermanentFailure,
    ResponderError,
    TransientFailure,
)
from tests.fakes.http import FakeHttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


from tests.unit.responders.slack import (
    CHANNEL,
    OK,
    REFERENCE,
    TOKEN,
    Room,
    made,
    make_bot,
    opened_room,
    plain,
    refused,
    shown,
    told,
)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with opened_room() as room:
        yield room


async def test_a_bot_says_it_in_the_channel_and_the_details_in_the_thread(
    room: Room,
) -> None:
    """Headline, why and what happened to what; score and logs are unfolded."""
    action = await made("opened")

    outcome = await room.bot.apply(action)

    [parent] = room.said
    assert outcome.reference == f"{parent.channel}:{parent.ts}"
    found = shown(parent.blocks)
    assert told(action).headline in found
    assert {"New incident", "open", "What happened", "To what", "Tactics"} <= {*found}
    [details] = room.outside.slack.thread(parent)
    titles = {"How sure", "What logs say", "What logs did not answer"}
    assert titles <= {*shown(details.blocks)}
    assert not titles & {*found}
    assert room.outside.slack.refused == []


async def test_a_notice_without_details_has_no_thread(room: Room) -> None:
    """Nobody unfolds a thread in vain."""
    await room.bot.apply(await plain())

    [parent] = room.said
    assert room.outside.slack.thread(parent) == []


async def test_programs_find_a_message_by_its_key(room: Room) -> None:
    """The key of the notice is in the metadata of each message, and in its small print."""
    action = await made("opened")

    await room.bot.apply(action)

    for said in room.outside.slack.messages:
        assert said.metadata == {
            "event_type": "firewatch_notice",
            "event_payload": {
                "key": action.key,
                "dedup_key": action.dedup_key,
                "incident": action.incident,
            },
        }
        assert shown(said.blocks)[-2:] == ["Incident inc-1", f"notice {action.key}"]


async def test_an_update_changes_the_message_and_adds_what_is_new(room: Room) -> None:
    """The channel is as short as before, and whoever follows the thread hears of it."""
    update = await room.opened()

    outcome = await room.bot.apply(update)

    [parent] = room.said
    assert outcome.reference == update.reference
    assert parent.edits == 1
    assert "Severity raised" in shown(parent.blocks)
    assert "What is new" not in shown(parent.blocks)
    news = room.outside.slack.thread(parent)[-1]
    found = shown(news.blocks)
    assert found[0] == "Severity raised"
    assert found[3:6] == ["What is new", *update.news]
    assert news.text.startswith("Severity raised: High: ")


@pytest.mark.parametrize(
    ("occasion", "is_loud"),
    [
        (Occasion.SEVERITY_RAISED, True),
        (Occasion.REMINDER, True),
        (Occasion.NEW_TACTIC, False),
        (Occasion.EVIDENCE, False),
    ],
)
async def test_what_must_be_heard_is_seen_in_the_channel_too(
    room: Room, occasion: Occasion, *, is_loud: bool
) -> None:
    """A changed message rings nobody, and a thread only those who follow it."""
    update = await room.opened()
    saying = replace(told(update), sections=(), why="Still open")

    await room.bot.apply(replace(update, occasion=occasion, message=saying))

    said = room.outside.slack.thread(room.said[0])[-1]
    assert said.is_broadcast == is_loud
    assert shown(said.blocks)[0] == "Still open"


@pytest.mark.parametrize(
    ("name", "mark", "line"),
    [
        ("acknowledged", "eyes", "Acknowledged by ada@contoso.example"),
        ("resolved", "white_check_mark", "Resolved by ada@contoso.example"),
    ],
)
async def test_what_people_did_is_shown_where_the_incident_stands(
    room: Room, name: str, mark: str, line: str
) -> None:
    """The message is changed, nothing is said besides."""
    reference = (await room.opened()).reference
    before = len(room.outside.slack.messages)

    await room.bot.apply(await made(name, reference=reference))

    [parent] = room.said
    assert len(room.outside.slack.messages) == before
    assert any(text.startswith(line) for text in shown(parent.blocks))
    assert parent.blocks[0]["elements"][0]["elements"][0]["name"] == mark


async def test_a_person_is_told_in_private(room: Room) -> None:
    """Where the policy names a person, and what follows goes there too."""
    update = await room.opened(address="U0ADA")

    await room.bot.apply(replace(update, address="U0ADA"))

    assert room.said == []
    [parent] = room.outside.slack.channel("D0ADA")
    assert update.reference == f"D0ADA:{parent.ts}"
    assert parent.edits == 1
    assert len(room.outside.slack.thread(parent)) == 2


@pytest.mark.parametrize(
    "error", ["message_not_found", "cant_update_message", "edit_window_closed"]
)
async def test_a_message_that_cannot_be_changed_any_more_is_followed_by_another(
    room: Room, error: str
) -> None:
    """Whoever took it away wanted no silence: what became of it is said anew, shortly."""
    update = await room.opened()
    room.fails(error)

    outcome = await room.bot.apply(update)

    first, second = room.said
    assert first.edits == 0
    assert outcome.reference == f"{second.channel}:{second.ts}"
    assert {*update.news} <= {*shown(second.blocks)}
    assert "What happened" not in shown(second.blocks)


async def test_what_follows_a_message_that_nobody_knows_is_said_anew(
    room: Room,
) -> None:
    """So it is where a webhook told of the incident before."""
    outcome = await room.bot.apply(await made("resolved", reference=""))

    [said] = room.said
    assert outcome.reference == f"{said.channel}:{said.ts}"
    assert "What was done" in shown(said.blocks)
    assert "What happened" not in shown(said.blocks)


@pytest.mark.parametrize(
    ("error", "kind"),
    [("ratelimited", TransientFailure), ("msg_too_long", PermanentFailure)],
)
async def test_what_was_said_is_not_said_again_for_its_details(
    room: Room, error: str, kind: type[ResponderError]
) -> None:
    """A refused thread names the message; the next attempt adds to that."""
    action = await made("opened")
    http = FakeHttp(OK, refused(error), default=OK)
    with pytest.raises(kind) as caught:
        await make_bot(http).apply(action)
    assert caught.value.reference == REFERENCE
    await room.bot.apply(action)
    [parent] = room.said
    reference = f"{parent.channel}:{parent.ts}"

    outcome = await room.bot.apply(replace(action, reference=reference))

    assert outcome.reference == reference
    assert len(room.said) == 1
    assert len(room.outside.slack.thread(parent)) == 2


async def test_a_failure_before_anything_was_said_names_nothing() -> None:
    """The next attempt begins at the beginning."""
    with pytest.raises(PermanentFailure) as caught:
        await make_bot(FakeHttp(refused("channel_not_found"))).apply(await plain())

    assert caught.value.reference == ""


async def test_requests_are_those_of_the_web_api() -> None:
    """The token is in a header, and nothing in a text is made anything of."""
    http = FakeHttp(default=OK)

    await make_bot(http, api="https://slack.example/api/").apply(await plain())

    [sent] = http.sent
    assert sent.url == "https://slack.example/api/chat.postMessage"
    assert dict(sent.headers) == {
        "content-type": "application/json; charset=utf-8",
        "authorization": f"Bearer {TOKEN}",
    }
    content = sent.json
    assert content["channel"] == CHANNEL
    assert content["parse"] == "none"
    assert [
        n for n in ("unfurl_links", "unfurl_media", "link_names") if content[n]
    ] == []
