"""What a workflow that posts to Microsoft Teams is sent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from devhost.outside.teams import message_problems
from responders.teams import CARD_CAP, MOST_LINKS, WORD, Teams, envelope, size
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    SettingsError,
    TransientFailure,
)
from shared.model.http import Reply
from shared.model.link import Link
from shared.model.message import HEADLINE, LINE, MOST_LINES, Section
from shared.model.secret import SecretRef
from tests.fakes.http import FakeHttp
from tests.fakes.ports import TOKEN, make_ports
from tests.golden.messages import HOSTILE, LINKS, actions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model.action import Action
    from shared.model.message import Message

URL = (
    "https://prod-01.westeurope.logic.azure.com:443/workflows/0123/triggers/manual"
    "/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sig=s3cr%2Bt"
)


def make_teams(http: FakeHttp, *, url: str = URL, sign_in: bool = False) -> Teams:
    config = Teams.Config(url=SecretRef("FLOW"), sign_in=sign_in)
    return Teams("soc-channel", config, make_ports(http, {"FLOW": url}))


async def made(name: str) -> tuple[Action, Message]:
    """One of the actions that all notifiers are reviewed by, and what it tells."""
    action = (await actions(make_teams(FakeHttp())))[name]
    assert action.message is not None
    return action, action.message


def texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a card and the name of the field that it stands in."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        kind = value.get("type", "")
        for name, inner in value.items():
            yield from texts(inner, f"{kind}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, path)


def shown(action: Action) -> list[str]:
    """What people read, a text each."""
    return [text for path, text in texts(envelope(action)) if path == "TextRun.text"]


def buttons(action: Action) -> list[str]:
    return [t for path, t in texts(envelope(action)) if path == "Action.OpenUrl.url"]


async def test_it_is_posted_to_the_very_url() -> None:
    """Nothing of it is taken apart or written anew: its query is signed."""
    http = FakeHttp()
    responder = make_teams(http)

    await responder.apply((await made("opened"))[0])

    [sent] = http.sent
    assert sent.url == URL
    assert dict(sent.headers) == {"content-type": "application/json; charset=utf-8"}
    assert message_problems(sent.json) == []


async def test_a_flow_that_wants_to_know_who_calls_is_told() -> None:
    """The app's own identity signs in, for the scope of flows."""
    asked = []

    async def token(scope: str) -> str:
        asked.append(scope)
        return TOKEN

    http = FakeHttp()
    config = Teams.Config(url=SecretRef("FLOW"), sign_in=True)
    ports = make_ports(http, {"FLOW": URL})._replace(token=token)

    await Teams("soc-channel", config, ports).apply((await made("opened"))[0])

    assert asked == ["https://service.flow.microsoft.com//.default"]
    assert http.sent[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_the_first_card_says_all_there_is() -> None:
    """Headline, why, each section with its lines, links, and the key for readers."""
    action, said = await made("opened")

    found = shown(action)

    assert found[0] == said.headline
    assert found[1] == (
        "New incident · open · seen 2026-11-23 12:00 UTC to 2026-11-23 12:42 UTC"
    )
    assert [text for text in found if text in {s.title for s in said.sections}] == [
        section.title for section in said.sections
    ]
    assert "• Exfiltration" in found
    assert found[-1] == f"Incident inc-1 · notice {action.key}"
    assert buttons(action) == [link.href for link in said.links]


@pytest.mark.parametrize(
    ("name", "titles", "style"),
    [
        ("updated", ["What is new"], "attention"),
        ("acknowledged", ["What was done"], "attention"),
        ("resolved", ["What was done"], "good"),
    ],
)
async def test_what_became_of_it_is_a_short_card(
    name: str, titles: list[str], style: str
) -> None:
    """No card is changed, so the next one says what is new and what was done."""
    action, said = await made(name)

    found = shown(action)

    everything = {section.title for section in said.sections}
    assert [text for text in found if text in everything] == titles
    assert found[0] == said.headline
    head = envelope(action)["attachments"][0]["content"]["body"][0]
    assert head["style"] == style


async def test_hostile_text_stands_in_text_runs_alone() -> None:
    """Where no client reads markdown, HTML, mentions or dates; the rest is ours."""
    action, _ = await made("hostile")
    words = ("channel", "evil", "script", "panel", "DATE", "Reset")

    found = list(texts(envelope(action)))

    where = {path for path, text in found if any(word in text for word in words)}
    assert where == {"TextRun.text"}
    everything = "".join(text for path, text in found if path == "TextRun.text")
    assert HOSTILE.partition(" ")[0] in everything
    assert "{{" not in everything
    assert "${" not in everything
    assert "{ {DATE(2026-01-01T00:00:00Z)}}" in everything


async def test_buttons_that_do_something_come_before_what_is_said() -> None:
    """Teams folds what is long; whoever acknowledges need not unfold it."""
    action, _ = await made("opened")

    kinds = [e["type"] for e in envelope(action)["attachments"][0]["content"]["body"]]

    first = kinds.index("ActionSet")
    assert kinds[first - 1 : first + 2] == ["Container", "ActionSet", "RichTextBlock"]
    assert kinds[-4:] == ["RichTextBlock", "ActionSet", "ActionSet", "RichTextBlock"]


async def test_long_words_may_be_broken() -> None:
    """A client that does not break them would cut them off."""
    action, said = await made("opened")
    resource = said.sections[1].lines[1]

    found = next(text for text in shown(action) if "vm-web-01" in text)

    assert found.replace(" ", "") == f"•{resource}"
    assert max(len(word) for word in found.split()) <= WORD
    assert found.endswith("microsoft.compute/virtualmachines/ vm-web-01")


async def test_links_are_those_that_fit_ours_first() -> None:
    """At most six, no longer than their part of the card, and https alone."""
    action, said = await made("opened")
    many = tuple(Link(text=str(n), href=f"https://a.example/{n}") for n in range(20))
    long = Link(text="long", href="https://a.example/" + "x" * 2_000)
    live = Link(text="x", href="javascript:alert(1)")

    def given(*links: Link) -> list[str]:
        return buttons(replace(action, message=replace(said, links=links)))

    assert given(*LINKS, *many) == [
        *(link.href for link in LINKS),
        *(link.href for link in many[: MOST_LINKS - len(LINKS)]),
    ]
    assert given(many[0], long, long, long) == [many[0].href, long.href]
    assert given(live, many[0]) == [many[0].href]


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


@pytest.mark.parametrize("text", ["x", "\U0001f525", '"', "\u00e9", "a " * 9])
async def test_a_card_that_would_be_too_large_drops_lines_and_says_so(
    text: str,
) -> None:
    """It fits in both forms of JSON, is whole, and counts what is not there."""
    action, said = await made("opened")
    long = replace(
        said,
        headline=(text * HEADLINE)[:HEADLINE],
        sections=make_sections(text),
        links=(Link(text="long", href="https://a.example/" + "x" * 2_000),) * 9,
    )

    message = envelope(replace(action, message=long))

    assert size(message) <= CARD_CAP
    assert message_problems(message) == []
    found = shown(replace(action, message=long))
    bullets = [line for line in found if line.startswith("• ")]
    lost = [int(line.split()[2]) for line in bullets if line.endswith(" more")]
    assert len(lost) == 9
    assert len(bullets) - 9 + sum(lost) == 9 * MOST_LINES


async def test_the_longest_section_gives_way_first() -> None:
    """What is short is said whole, however long the rest is."""
    action, said = await made("opened")
    long = Section(key="evidence", title="Long", lines=("y" * LINE,) * 60)
    given = replace(action, message=replace(said, sections=(*said.sections, long)))

    found = shown(given)

    assert [line for line in found if "• and" in line] == ["• and 37 more"]
    assert "• Collection" in found


@given(st.text(min_size=1, max_size=LINE))
@settings(max_examples=30, deadline=None)
async def test_any_text_makes_a_card(text: str) -> None:
    """Whatever is in a line: a card that its schema takes, and nothing come alive."""
    opened, said = await made("opened")
    action = replace(opened, message=replace(said, sections=make_sections(text)))

    message = envelope(action)

    assert message_problems(message) == []
    assert size(message) <= CARD_CAP
    assert not any("{{" in line or "${" in line for line in shown(action))


async def test_a_moment_is_said_once() -> None:
    """An incident that was seen once was seen then, not from then to then."""
    action, said = await made("opened")
    once = replace(said, last_seen=said.first_seen)

    assert shown(replace(action, message=once))[1].endswith("seen 2026-11-23 12:00 UTC")


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        ("HTTP error 429 with ContextId tcid=0", 429, FailureReason.RATE_LIMITED),
        ("HTTP error 503", 503, FailureReason.UNAVAILABLE),
        ("HTTP error 413 with ContextId", 413, FailureReason.INVALID),
    ],
)
async def test_a_refusal_that_came_with_status_200_is_one(
    said: str, status: int, reason: FailureReason
) -> None:
    """The older endpoint says what Teams answered in its text."""
    body = (
        "Webhook message delivery failed with error: "
        f"Microsoft Teams endpoint returned {said}"
    )
    reply = Reply(status=200, headers={"retry-after": "7"}, body=body.encode())
    responder = make_teams(FakeHttp(reply))
    kind = PermanentFailure if status == 413 else TransientFailure

    with pytest.raises(kind) as caught:
        await responder.apply((await made("opened"))[0])

    assert caught.value.reason == reason
    assert str(caught.value) == f"Teams answered {status}"
    if isinstance(caught.value, TransientFailure):
        assert caught.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize("body", [b"1", b"", b"\xff", b"HTTP error 429"])
async def test_anything_else_that_came_with_status_200_is_taken(body: bytes) -> None:
    """The older endpoint answers 1, a flow nothing."""
    responder = make_teams(FakeHttp(Reply(status=200, headers={}, body=body)))

    outcome = await responder.apply((await made("opened"))[0])

    # There is no name by which a card could be found again.
    assert outcome.reference == ""


@pytest.mark.parametrize(
    "url",
    [
        "",
        "not a url s3cr",
        "http://prod-01.westeurope.logic.azure.com/?sig=s3cr",
        "https://user:s3cr@prod-01.logic.azure.com/",
        "https://prod-01.logic.azure.com/\ns3cr",
    ],
)
def test_a_url_that_is_none_is_said_at_start(url: str) -> None:
    """The problem names the setting, never what is in it."""
    with pytest.raises(SettingsError) as caught:
        make_teams(FakeHttp(), url=url)

    [problem] = caught.value.problems
    assert problem.startswith("responders.soc-channel.url: the setting FLOW ")
    assert "s3cr" not in problem


def test_the_newer_form_of_urls_is_taken_too() -> None:
    """Any host will do: Microsoft changed it once already."""
    url = (
        "https://default0123.a1.environment.api.powerplatform.com:443/powerautomate"
        "/automations/direct/workflows/0123/triggers/manual/paths/invoke?sig=x"
    )

    found: Any = vars(make_teams(FakeHttp(), url=url))

    assert found["_url"].reveal() == url
