"""Links that are followed, and buttons that are pressed."""

from __future__ import annotations

import base64
import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.answers.keys import Keys
from shared.answers.links import LIFETIME, Links
from shared.commands import Order
from shared.model.incident import IncidentStatus
from shared.model.secret import Secret
from shared.silences import FRESH
from shared.store import reading
from shared.triggers.answers import FUNCTIONS
from tests.alerts import defender_alert, event, vm
from tests.fakes.app import FakeApp
from tests.fakes.browser import FORM, ORIGIN, SAME_ORIGIN, Browser

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shared.model.link import Link

KEY, BEFORE = "k" * 64, "b" * 64
SETTINGS = {
    "FIREWATCH_LINK_KEY": KEY,
    "FIREWATCH_LINK_KEY_PREVIOUS": BEFORE,
    "FIREWATCH_PUBLIC_URL": ORIGIN,
}
OBJECT_ID = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"


def principal(name: str = "ana@example.com", oid: str = OBJECT_ID) -> dict[str, str]:
    """The header that App Service writes for who is signed in."""
    claims = [
        {"typ": "oid", "val": oid},
        {"typ": "preferred_username", "val": name},
    ]
    raw = json.dumps({"auth_typ": "aad", "claims": claims}).encode()
    return {"x-ms-client-principal": base64.b64encode(raw).decode()}


ANA, BOB = principal(), principal("bob@example.com", OBJECT_ID.replace("0b", "0c"))


class House:
    """An app with one open incident, somebody who was told, and their browser."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.app = FakeApp(folder, changes={**SETTINGS, **settings})
        self.browser = Browser(self.app)

    async def link(self, verb: str = "acknowledge", to: str = "ana") -> str:
        """The address of a link that soc sends about the incident."""
        found = await self.links(to)
        return next(link.href for link in found if link.verb == verb)

    async def links(self, to: str = "ana") -> tuple[Link, ...]:
        """All that soc offers."""
        links, head = await self.app.links(), await self.app.world.head()
        return links.offered(head, responder="soc", recipient=to)

    async def rows(self) -> dict[tuple[str, str], bytes]:
        """Everything that is stored."""
        return {place: row.doc for place, row in self.app.world.table._rows.items()}


@pytest.fixture
async def house(tmp_path: Path) -> House:
    """Without sign-in."""
    made = House(tmp_path)
    await made.app.world.feed([event()])
    return made


@pytest.fixture
async def guarded(tmp_path: Path) -> House:
    """Where people sign in."""
    made = House(tmp_path, EASY_AUTH="1")
    await made.app.world.feed([event()])
    return made


async def test_following_a_link_changes_nothing(house: House) -> None:
    """However often, by whatever method that is no POST; it can still be used."""
    href, before = await house.link(), await house.rows()

    for _ in range(3):
        shown = await house.browser.follow(href)
        head = await house.browser.ask("HEAD", href)
        options = await house.browser.ask("OPTIONS", href)
        assert (shown.status, head.status, options.status) == (200, 200, 204)
        assert (head.html, options.html) == ("", "")
        assert head.headers.keys() == shown.headers.keys()
        assert options.headers["allow"] == "GET, HEAD, OPTIONS, POST"

    assert await house.rows() == before
    assert house.app.world.queue.messages == []
    assert "Acknowledged" in (await house.browser.press(href)).seen.text


async def test_the_page_says_what_the_button_does(house: House) -> None:
    """The incident as the notice has it, and one form without a script."""
    shown = await house.browser.follow(await house.link())

    head = await house.app.world.head()
    assert shown.headers["content-type"].startswith("text/html")
    assert "Acknowledge this incident?" in shown.seen.text
    assert head.title in shown.seen.text
    assert head.id in shown.seen.text
    assert shown.seen.tags.count("form") == shown.seen.tags.count("button") == 1
    assert not {"script", "img", "link", "iframe", "a"} & {*shown.seen.tags}


async def test_pressing_the_button_acknowledges(house: House) -> None:
    """In the name of whom the link was sent to, marked as by link, once."""
    href = await house.link()

    first = await house.browser.press(href)
    again = await house.browser.follow(href)

    head = await house.app.world.head()
    assert (first.status, again.status) == (200, 410)
    assert "Acknowledged" in first.seen.text
    assert "This link was used already" in again.seen.text
    assert "By a link that was sent to ana, 2026-" in again.seen.text
    assert head.acknowledged is not None
    assert (head.acknowledged.by, head.acknowledged.via) == ("link:ana", "")
    assert head.acknowledged.note == "by the link that soc sent"
    entries = await reading.timeline(house.app.world.ledger, head.id)
    kinds = [f.kind for e in entries for f in e.facts]
    assert kinds.count("incident.acknowledged") == 1
    assert entries[-1].by == "link:ana"


async def test_a_form_that_is_sent_twice_acts_once(house: House) -> None:
    """A double click, or a browser that goes back."""
    href = await house.link()
    fields = (await house.browser.follow(href)).fields

    first = await house.browser.send(href, fields)
    rows = await house.rows()
    second = await house.browser.send(href, fields)

    assert (first.status, second.status) == (200, 410)
    assert await house.rows() == rows


async def test_who_comes_second_is_told_who_was_first(house: House) -> None:
    """Each has a link of their own; the first mark stands."""
    mine, other = await house.link(), await house.link(to="bob")
    await house.browser.press(other)

    shown = await house.browser.follow(mine)

    assert shown.status == 200
    assert "It is acknowledged already" in shown.seen.text
    assert "By a link that was sent to bob, 2026-" in shown.seen.text
    assert shown.fields == {}
    assert (await house.browser.send(mine, {"nonce": "x"})).status == 403


async def test_a_link_that_expired_does_nothing(house: House) -> None:
    """The page says so, and nothing of the incident: whoever finds it learns nothing."""
    href = await house.link()
    fields = (await house.browser.follow(href)).fields
    house.app.world.clock.step(LIFETIME)

    shown = await house.browser.follow(href)
    sent = await house.browser.send(href, fields)

    head = await house.app.world.head()
    assert (shown.status, sent.status) == (410, 410)
    assert "This link has expired" in shown.seen.text
    assert head.id not in shown.html
    assert head.title not in shown.seen.text
    assert head.acknowledged is None


def _cut(href: str) -> str:
    return href[:-1]


def _changed(href: str) -> str:
    return href[:-1] + ("A" if href[-1] != "A" else "B")


def _lowered(href: str) -> str:
    return href.lower()


def _empty(href: str) -> str:
    return href.partition("?")[0]


def _twice(href: str) -> str:
    return f"{href}&{href.partition('?')[2]}"


def _on_the_other_route(href: str) -> str:
    return href.replace("/api/a?", "/api/s?")


@pytest.mark.parametrize(
    "change", [_cut, _changed, _lowered, _empty, _twice, _on_the_other_route]
)
async def test_a_link_that_was_altered_is_not_found(
    guarded: House, change: Callable[[str], str]
) -> None:
    """404, and the same page for all of them: no oracle."""
    href = change(await guarded.link())

    shown = await guarded.browser.follow(href, ANA)
    sent = await guarded.browser.send(href, {"nonce": "x"}, ANA)

    assert (shown.status, sent.status) == (404, 404)
    assert "This link does not work" in shown.seen.text
    assert shown.html == sent.html
    assert (await guarded.app.world.head()).acknowledged is None


@pytest.mark.parametrize("dot", ["%2E", "%2e", "%252E"])
async def test_a_link_that_a_gateway_escaped_works(house: House, dot: str) -> None:
    """Once more than it should (remote-apis-sinks.md 19.8)."""
    href = (await house.link()).replace(".", dot)

    assert (await house.browser.press(href.replace(dot, ".", 2))).status == 200


async def test_a_link_of_another_deployment_is_not_found(house: House) -> None:
    """The same key and another host; or the same host and another key."""
    head = await house.app.world.head()
    for key, url in ((KEY, "https://test.example.com"), ("x" * 64, ORIGIN)):
        made = Links(Keys(Secret(key)), url, house.app.clock)
        (link,) = made.offered(head, responder="soc", recipient="ana")
        href = link.href.replace(url, ORIGIN)
        assert (await house.browser.follow(href)).status == 404


async def test_a_link_of_the_key_before_works(house: House) -> None:
    """For as long as it is named."""
    made = Links(Keys(Secret(BEFORE)), ORIGIN, house.app.clock)
    head = await house.app.world.head()
    (link,) = made.offered(head, responder="soc", recipient="ana")

    assert (await house.browser.press(link.href)).status == 200


async def test_a_link_is_for_the_incident_as_it_was(house: House) -> None:
    """One that was opened again is another matter, which nobody has seen yet."""
    href, commands = await house.link(), house.app.world.worker.commands
    fields = (await house.browser.follow(href)).fields
    head = await house.app.world.head()
    await commands.resolve(head.id, Order("ada"))
    over = await house.browser.follow(href)
    await commands.reopen(head.id, Order("ada"))

    shown = await house.browser.follow(href)
    sent = await house.browser.send(href, fields)

    assert over.status == 410
    assert "This incident is over" in over.seen.text
    assert "By ada" in over.seen.text
    assert (shown.status, sent.status) == (410, 410)
    assert "for something else by now" in shown.seen.text
    assert (await house.app.world.head()).acknowledged is None


async def test_a_link_for_another_incident_acts_there_and_nowhere_else(
    house: House,
) -> None:
    """Its incident is part of what is signed."""
    href, mine = await house.link(), (await house.app.world.head()).id
    elsewhere = defender_alert(
        SystemAlertId="2",
        AzureResourceId=vm(subscription=OBJECT_ID.replace("0b", "0c")),
        ResourceIdentifiers=[],
    )
    await house.app.world.feed([event(elsewhere, place=2)])

    await house.browser.press(href)

    heads = await house.app.world.heads()
    assert len(heads) == 2
    assert [head.id for head in heads if head.acknowledged] == [mine]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "", "origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "", "origin": "null"}, 403),
        ({"sec-fetch-site": "", "origin": ""}, 403),
        ({"sec-fetch-site": "", "origin": ORIGIN}, 200),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": ""}, 415),
        ({"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, 200),
    ],
)
async def test_a_form_comes_from_our_own_page(
    house: House, headers: dict[str, str], status: int
) -> None:
    """As far as browsers say so; what does not is refused and changes nothing."""
    href = await house.link()
    fields = (await house.browser.follow(href)).fields

    sent = await house.browser.send(href, fields, headers)

    assert sent.status == status
    is_taken = (await house.app.world.head()).acknowledged is not None
    assert is_taken is (status == 200)


async def test_a_nonce_is_of_its_own_link(house: House) -> None:
    """No other page's form acts here, and neither does none."""
    mine, other = await house.link(), await house.link(to="bob")
    fields = (await house.browser.follow(other)).fields

    for given in (fields, {}, {"nonce": ""}, {"nonce": "\u2603"}):
        assert (await house.browser.send(mine, given)).status == 403
    huge = await house.browser.ask(
        "POST", mine, headers=SAME_ORIGIN | FORM, body=b"nonce=" + b"x" * 5_000
    )
    assert huge.status == 413
    assert (await house.app.world.head()).acknowledged is None


async def test_headers_keep_the_page_to_itself(house: House) -> None:
    """Of good pages and of others: nothing is kept, framed, loaded or told on."""
    good = await house.browser.follow(await house.link())
    bad = await house.browser.follow(f"{ORIGIN}/api/a?t=x")

    for shown in (good, bad):
        assert shown.headers["cache-control"] == "no-store"
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert shown.headers["x-robots-tag"] == "noindex"
        assert shown.headers["x-content-type-options"] == "nosniff"
        policy = shown.headers["content-security-policy"]
        assert policy.startswith(
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self';"
            " frame-ancestors 'none'"
        )


async def test_what_needs_a_person_needs_one(guarded: House) -> None:
    """Who is signed in is who does it; a link alone resolves nothing."""
    href = await guarded.link("resolve")

    nobody = await guarded.browser.follow(href)
    sent = await guarded.browser.send(href, {"nonce": "x"})
    elsewhere = await guarded.browser.follow(href.replace("/api/s?", "/api/a?"), ANA)
    done = await guarded.browser.press(href, ANA)

    head = await guarded.app.world.head()
    assert (nobody.status, sent.status, elsewhere.status) == (401, 401, 404)
    assert head.title not in nobody.seen.text
    assert done.status == 200
    assert head.status is IncidentStatus.RESOLVED
    assert head.resolved is not None
    assert head.resolved.by == f"entra:{OBJECT_ID} (ana@example.com)"


async def test_a_nonce_is_of_whoever_was_signed_in(guarded: House) -> None:
    """A page that somebody else fetched cannot be sent by another's browser."""
    href = await guarded.link("resolve")
    fields = (await guarded.browser.follow(href, ANA)).fields

    sent = await guarded.browser.send(href, fields, BOB)

    assert sent.status == 403
    assert (await guarded.app.world.head()).status is IncidentStatus.OPEN


async def test_a_link_is_used_up_by_the_first_person(guarded: House) -> None:
    """Whoever it was: the link is one, not one for each."""
    href = await guarded.link("resolve")
    await guarded.browser.press(href, ANA)

    again = await guarded.browser.follow(href, BOB)

    assert again.status == 410
    assert "used already" in again.seen.text
    assert "ana@example.com" in again.seen.text


async def test_the_principal_counts_only_where_the_platform_writes_it(
    house: House, guarded: House
) -> None:
    """Without sign-in anybody could write it: such a link is none of ours."""
    href = await guarded.link("resolve")

    assert (await house.browser.follow(href, ANA)).status == 404
    assert (await house.browser.send(href, {"nonce": "x"}, ANA)).status == 404


async def test_an_incident_is_silenced_for_a_while(guarded: House) -> None:
    """Its kinds of alerts on its resources, in the name of who is signed in."""
    href = await guarded.link("silence")
    page = await guarded.browser.follow(href, ANA)

    done = await guarded.browser.press(href, ANA, hours="4")
    again = await guarded.browser.follow(await guarded.link("silence", "bob"), BOB)

    head, world = await guarded.app.world.head(), guarded.app.world
    (silence,) = await (await guarded.app.silences()).in_force()
    assert page.seen.tags.count("li") == 3
    assert "Silenced" in done.seen.text
    assert silence.name == f"incident-{head.id}"
    assert silence.owner == f"entra:{OBJECT_ID} (ana@example.com)"
    assert timedelta(hours=3.9) < silence.until - world.clock() <= timedelta(hours=4)
    assert "It is silenced already" in again.seen.text
    assert (await guarded.browser.follow(href, ANA)).status == 410
    world.clock.step(FRESH + timedelta(seconds=1))
    await world.feed([event(defender_alert(SystemAlertId="2"), place=2)])
    assert silence.name in (await world.head()).hidden_by


async def test_other_hours_than_offered_are_the_shortest(guarded: House) -> None:
    """Nobody silences for a year by changing a form."""
    href = await guarded.link("silence")

    await guarded.browser.press(href, ANA, hours="8760")

    (silence,) = await (await guarded.app.silences()).in_force()
    assert silence.until - guarded.app.world.clock() <= timedelta(hours=1)


async def test_without_a_key_no_link_works(tmp_path: Path, house: House) -> None:
    """404, as anything else that is not ours."""
    href = await house.link()
    bare = House(tmp_path, FIREWATCH_LINK_KEY="")

    assert (await bare.browser.follow(href)).status == 404
    assert (await bare.links() if await bare.app.world.heads() else ()) == ()


async def test_while_storage_is_away_nothing_is_said_to_be_done(house: House) -> None:
    """503; the link works when it is back."""
    href = await house.link()
    fields = (await house.browser.follow(href)).fields
    house.app.world.faults.go_down()

    shown, sent = (
        await house.browser.follow(href),
        await house.browser.send(href, fields),
    )

    assert (shown.status, sent.status) == (503, 503)
    house.app.world.faults.heal()
    assert (await house.browser.send(href, fields)).status == 200


async def test_no_line_of_the_log_holds_a_token(
    guarded: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever becomes of it: nor a part of it, nor the nonce. Its name is logged."""
    caplog.set_level(logging.DEBUG)
    links = await guarded.links()
    for link in links:
        for headers in ({}, ANA):
            page = await guarded.browser.press(link.href, headers, hours="1")
            await guarded.browser.press(link.href, headers)
            await guarded.browser.send(link.href, {"nonce": "x"}, headers)
            await guarded.browser.send(_changed(link.href), page.fields, headers)
    guarded.app.world.clock.step(LIFETIME)
    for link in links:
        await guarded.browser.send(link.href, {}, ANA)

    lines = [
        f"{record.getMessage()} {record.args!r} {record.exc_text}"
        for record in caplog.records
    ]
    said = "\n".join(lines)
    assert "answer.given" in said
    assert "answer.refused" in said
    for link in links:
        payload, _, signature = link.href.partition("?t=")[2].partition(".")
        assert payload[:20] not in said
        assert signature[:10] not in said


def test_functions_that_act_take_nothing_but_post() -> None:
    """The host sends no other method there."""
    acting = {name: m for name, (_, m) in FUNCTIONS.items() if name.startswith("give")}

    assert {*acting.values()} == {("POST",)}
    assert len(acting) == 2
