"""What stands in a message to Slack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from devhost.outside.slack_blocks import block_problems
from responders.markup.blocks import BLOCKS_SIZE, MOST_BUTTONS, notice, reply, size
from shared.model.action import Verb
from shared.model.incident import IncidentStatus
from shared.model.link import Link
from shared.model.message import HEADLINE, LINE, MOST_LINES, Section
from shared.model.secret import SecretRef
from tests.fakes.http import FakeHttp
from tests.golden.messages import LINKS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.model.action import Action

from tests.unit.responders.slack import (
    OK,
    Room,
    buttons,
    made,
    make_bot,
    opened_room,
    shown,
    texts,
    told,
)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with opened_room() as room:
        yield room


async def test_hostile_text_stands_where_slack_looks_for_no_markup(room: Room) -> None:
    """In rich text, raw; in the text of notifications, escaped."""
    await room.bot.apply(await made("hostile"))

    for said in room.outside.slack.messages:
        hostile = {kind for kind, text in texts(said.blocks) if "channel" in text}
        assert hostile == {"text"}
        assert any("<!channel> @here <at>all</at>" in t for t in shown(said.blocks))
        assert "&lt;!channel&gt; @here &lt;at&gt;all&lt;/at&gt;" in said.text
        assert "&amp; &amp;lt;b&amp;gt;" in said.text
        assert not {*said.text} & {*"<>"}


async def test_whoever_may_acknowledge_in_slack_has_a_button() -> None:
    """Where its callbacks can be proved, while the incident goes on."""
    action = await made("opened")

    async def of(action: Action, **config: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - the fields of Config
        http = FakeHttp(default=OK)
        await make_bot(http, **config).apply(action)
        return buttons(http.sent[0].json["blocks"])

    secret = SecretRef("SIGNING")
    first, *others = await of(action, callback_secret=secret)
    assert (first["action_id"], first["value"]) == (
        "firewatch_acknowledge",
        f"acknowledge {action.dedup_key}",
    )
    assert "url" not in first
    assert others == await of(action)
    assert [button["url"] for button in others] == [
        link.href for link in told(action).links
    ]
    _, second, *_ = await of(action, callback_secret=secret, resolves=True)
    assert second["value"] == f"resolve {action.dedup_key}"
    over = replace(told(action), status=IncidentStatus.RESOLVED)
    assert await of(replace(action, message=over), callback_secret=secret) == others


async def test_links_are_those_that_fit_ours_first() -> None:
    """In order, https alone, as many as a block has buttons and there is room for."""
    action = await made("opened")
    many = tuple(Link(text="x" * 99, href=f"https://a.example/{n}") for n in range(40))
    long = Link(text="long", href="https://a.example/" + "x" * 2_000)
    live = Link(text="x", href="javascript:alert(1)")

    def given(*links: Link, callbacks: Sequence[Verb] = ()) -> list[str]:
        said = replace(told(action), links=links)
        blocks = notice(action, said, (), callbacks=callbacks)
        assert block_problems(blocks) == []
        return [button.get("url", "") for button in buttons(blocks)]

    hrefs = [link.href for link in (*LINKS, *many)]
    assert given(*LINKS, *many) == hrefs[:MOST_BUTTONS]
    assert given(*LINKS, *many, callbacks=[Verb.ACKNOWLEDGE]) == [
        "",
        *hrefs[: MOST_BUTTONS - 1],
    ]
    assert given(many[0], long, long) == [many[0].href, long.href]
    assert given(live, many[0]) == [many[0].href]
    assert given() == []


def make_sections(text: str) -> tuple[Section, ...]:
    """As many and as long as they ever are."""
    return tuple(
        Section(
            key=f"key-{number}",
            title=f"Section {number}",
            lines=((text * LINE)[:LINE],) * MOST_LINES,
        )
        for number in range(9)
    )


@pytest.mark.parametrize("text", ["x", "\U0001f525", '"', "&", "<!channel>"])
async def test_a_message_that_would_be_too_large_drops_lines_and_says_so(
    text: str,
) -> None:
    """Slack would refuse all of it; it says how many lines are not there."""
    action = await made("opened")
    said = replace(
        told(action),
        headline=(text * HEADLINE)[:HEADLINE],
        links=(Link(text="long", href="https://a.example/" + "x" * 2_000),) * 9,
    )

    for blocks in (
        notice(action, said, make_sections(text), callbacks=[Verb.ACKNOWLEDGE]),
        reply(action, said, make_sections(text)),
    ):
        assert size(blocks) <= BLOCKS_SIZE
        assert block_problems(blocks) == []
        lines = [t for kind, t in texts(blocks) if kind == "text"]
        lost = [int(t.split()[1]) for t in lines if t.startswith("and ")]
        kept = [t for t in lines if len(t) == LINE]
        assert len(lost) == 9
        assert len(kept) + sum(lost) == 9 * MOST_LINES


@given(st.text(min_size=1, max_size=LINE))
@settings(max_examples=30, deadline=None)
async def test_any_text_makes_blocks(text: str) -> None:
    """Whatever is in a line, Slack takes it."""
    action = await made("opened")

    blocks = notice(
        action, told(action), make_sections(text), callbacks=[Verb.ACKNOWLEDGE]
    )

    assert block_problems(blocks) == []
    assert size(blocks) <= BLOCKS_SIZE
