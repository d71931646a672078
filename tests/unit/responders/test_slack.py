"""What Slack is told, by a bot and by a webhook."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from devhost.outside import Fault, Outside
from devhost.outside.slack_blocks import block_problems
from responders.markup.blocks import BLOCKS_SIZE, MOST_BUTTONS, notice, reply, size
from responders.slack import Slack
from shared.actions.rendering import message, telling
from shared.clouds.http import HttpClient
from shared.model.action import Occasion, Verb
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    ResponderError,
    SettingsError,
    TransientFailure,
)
from shared.model.http import Reply
from shared.model.incident import IncidentStatus
from shared.model.link import Link
from shared.model.message import HEADLINE, LINE, MOST_LINES, Section
from shared.model.secret import SecretRef
from tests.factories import NOON, make_incident
from tests.fakes.http import FakeHttp
from tests.fakes.ports import make_ports
from tests.golden.messages import LINKS, actions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from devhost.outside.slack import Said
    from shared.model.action import Action
    from shared.model.http import Http
    from shared.model.message import Message

TOKEN = "xoxb-1234-abcdef"
HOOK = "https://hooks.slack.com/services/T0/B0/s3cr3t"
CHANNEL = "C0SOC"
REFERENCE = "C0SOC:1763899200.000001"
OK = Reply(
    status=200,
    headers={},
    body=b'{"ok":true,"channel":"C0SOC","ts":"1763899200.000001","more":[1]}',
)
SAID = Reply(status=200, headers={}, body=b"ok")
SECRETS = {"BOT": TOKEN, "HOOK": HOOK, "SIGNING": "shhh"}


def refused(error: str, **headers: str) -> Reply:
    body = msgspec.json.encode({"ok": False, "error": error})
    return Reply(status=200, headers=headers, body=body)


def make_bot(http: Http, **config: Any) -> Slack:  # noqa: ANN401 - the fields of Config
    given: dict[str, Any] = {"token": SecretRef("BOT"), "channel": CHANNEL} | config
    return Slack("soc", Slack.Config(**given), make_ports(http, SECRETS))


def make_hook(http: Http, **config: Any) -> Slack:  # noqa: ANN401 - the fields of Config
    given: dict[str, Any] = {"url": SecretRef("HOOK")} | config
    return Slack("soc", Slack.Config(**given), make_ports(http, SECRETS))


async def made(name: str, **changes: Any) -> Action:  # noqa: ANN401 - the fields of Action
    """One of the actions that all notifiers are reviewed by."""
    return replace((await actions(make_bot(FakeHttp())))[name], **changes)


async def plain() -> Action:
    """A notice with nothing to say in a thread."""
    [action] = await make_bot(FakeHttp()).plan(make_incident())
    return telling(action, message(make_incident()))


def told(action: Action) -> Message:
    assert action.message is not None
    return action.message


class Room(NamedTuple):
    """A workspace, and the bot in it."""

    outside: Outside
    bot: Slack
    http: HttpClient

    async def opened(self, **changes: Any) -> Action:  # noqa: ANN401 - the fields of Action
        """What follows ``opened``: the incident's message is there."""
        outcome = await self.bot.apply(await made("opened", **changes))
        return await made("updated", reference=outcome.reference)

    @property
    def said(self) -> list[Said]:
        return self.outside.slack.channel(CHANNEL)

    def fails(self, error: str) -> None:
        """Have the next request be refused so."""
        body = f'{{"ok":false,"error":"{error}"}}'
        self.outside.faults.add(Fault(side="slack", status=200, body=body, times=1))


@asynccontextmanager
async def opened_room() -> AsyncIterator[Room]:
    http = HttpClient()
    async with Outside.start(clock=lambda: NOON) as outside:
        yield Room(outside, make_bot(http, api=f"{outside.url}/slack/api"), http)
        await http.close()


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with opened_room() as room:
        yield room


def texts(value: object, kind: str = "") -> Iterator[tuple[str, str]]:
    """Every text that is shown, and the kind of object that it stands in."""
    if isinstance(value, dict):
        kind = value.get("type", kind)
        if isinstance(value.get("text"), str):
            yield kind, value["text"]
        for inner in value.values():
            yield from texts(inner, kind)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, kind)


def shown(blocks: object) -> list[str]:
    return [text for _, text in texts(blocks)]


def buttons(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        e for block in blocks if block["type"] == "actions" for e in block["elements"]
    ]


# A bot


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


# What Slack answers


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("rate_limited", FailureReason.RATE_LIMITED),
        ("ratelimited", FailureReason.RATE_LIMITED),
        ("request_timeout", FailureReason.TIMEOUT),
        ("internal_error", FailureReason.SERVER),
        ("fatal_error", FailureReason.SERVER),
        ("service_unavailable", FailureReason.UNAVAILABLE),
    ],
)
async def test_an_error_that_may_pass_is_tried_again(
    error: str, reason: FailureReason
) -> None:
    """Slack says it with status 200, and how long to wait in a header."""
    responder = make_bot(FakeHttp(refused(error, **{"retry-after": "30"})))

    with pytest.raises(TransientFailure) as caught:
        await responder.apply(await plain())

    assert caught.value.reason == reason
    assert caught.value.retry_after == timedelta(seconds=30)
    assert str(caught.value) == f"Slack answered {error}"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("channel_not_found", FailureReason.NOT_FOUND),
        ("is_archived", FailureReason.NOT_FOUND),
        ("not_in_channel", FailureReason.AUTH),
        ("invalid_auth", FailureReason.AUTH),
        ("account_inactive", FailureReason.AUTH),
        ("token_revoked", FailureReason.AUTH),
        ("msg_too_long", FailureReason.INVALID),
        ("no_text", FailureReason.INVALID),
        ("invalid_blocks", FailureReason.INVALID),
        ("msg_blocks_too_long", FailureReason.INVALID),
    ],
)
async def test_an_error_that_does_not_pass_is_final(
    error: str, reason: FailureReason
) -> None:
    """Somebody has to mend it; the message says what Slack says."""
    with pytest.raises(PermanentFailure) as caught:
        await make_bot(FakeHttp(refused(error))).apply(await plain())

    assert caught.value.reason == reason
    assert str(caught.value) == f"Slack answered {error}"


async def test_an_error_that_is_not_known_is_not_repeated() -> None:
    """What a remote side says is no text of ours."""
    responder = make_bot(FakeHttp(refused("<script>alert(1)</script>")))

    with pytest.raises(PermanentFailure) as caught:
        await responder.apply(await plain())

    assert caught.value.reason == FailureReason.INVALID
    assert "script" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"[]",
        b'{"ok":"true"}',
        b"<html>sign in</html>",
        b'{"ok":true}',
        b'{"ok":true,"channel":"C0SOC","ts":"now"}',
        b'{"ok":true,"channel":"C0SOC:1","ts":"1.2"}',
    ],
)
async def test_an_answer_that_is_not_slacks_is_no_success(body: bytes) -> None:
    """Whether it was said is not known, so it is said again, rather than not at all."""
    responder = make_bot(FakeHttp(Reply(status=200, headers={}, body=body)))

    with pytest.raises(TransientFailure) as caught:
        await responder.apply(await plain())

    assert caught.value.reason == FailureReason.SERVER
    assert "sign in" not in str(caught.value)


# A webhook


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


# What stands in it


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


# Settings


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({}, "responders.soc: expected one of url and token"),
        (
            {"url": SecretRef("HOOK"), "token": SecretRef("BOT"), "channel": CHANNEL},
            "responders.soc: expected one of url and token",
        ),
        (
            {"url": SecretRef("HOOK"), "channel": CHANNEL},
            "responders.soc.channel: a webhook has its channel",
        ),
        (
            {"url": SecretRef("BOT")},
            "responders.soc.url: the setting BOT ",
        ),
        (
            {"token": SecretRef("HOOK"), "channel": CHANNEL},
            "responders.soc.token: the setting HOOK does not hold a token",
        ),
        (
            {"token": SecretRef("BOT")},
            "responders.soc.channel: expected an id, such as C0123456789",
        ),
        (
            {"token": SecretRef("BOT"), "channel": "#soc"},
            "responders.soc.channel: expected an id, such as C0123456789",
        ),
        (
            {"token": SecretRef("BOT"), "channel": CHANNEL, "api": "http://x.example"},
            "responders.soc.api must begin with https://",
        ),
    ],
)
def test_what_is_wrong_is_said_at_start(config: dict[str, Any], problem: str) -> None:
    """It names the setting, never what is in it."""
    with pytest.raises(SettingsError) as caught:
        Slack("soc", Slack.Config(**config), make_ports(FakeHttp(), SECRETS))

    [said] = caught.value.problems
    assert said.startswith(problem)
    assert not any(secret in said for secret in SECRETS.values())


@pytest.mark.parametrize("token", ["xoxb-1-2-x", "xoxe.xoxb-1-x", "xoxp-1-x"])
def test_tokens_of_all_forms_are_taken(token: str) -> None:
    """Those of bots, those that expire, and those of users."""
    ports = make_ports(FakeHttp(), {"BOT": token})

    Slack("soc", Slack.Config(token=SecretRef("BOT"), channel=CHANNEL), ports)


@pytest.mark.parametrize(
    "token", ["", "xoxb-", "xoxb-1\n", "xoxb-1 x", "Bearer xoxb-1"]
)
def test_a_token_that_is_none_is_said_at_start(token: str) -> None:
    """Before it breaks a header."""
    ports = make_ports(FakeHttp(), {"BOT": token})

    with pytest.raises(SettingsError):
        Slack("soc", Slack.Config(token=SecretRef("BOT"), channel=CHANNEL), ports)


def test_a_secret_for_callbacks_is_not_needed_to_tell_people() -> None:
    """Who has not put it there yet is paged all the same."""
    ports = make_ports(FakeHttp(), {"BOT": TOKEN})
    config = Slack.Config(
        token=SecretRef("BOT"), channel=CHANNEL, callback_secret=SecretRef("ABSENT")
    )

    assert Slack("soc", config, ports).name == "soc"
