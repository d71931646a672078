"""Answers from a message, as the network has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import msgspec
import pytest

from cli.run import packaged_policy
from devhost.local import Local
from shared.model.incident import IncidentStatus
from shared.store import reading
from tests.acceptance.world import BRISK, World, alert, encoded
from tests.fakes import calls
from tests.fakes.browser import FORM, SAME_ORIGIN, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.model.incident import Incident

KEY = "0123456789abcdef" * 4
CALLBACK = "PAGERDUTY_CALLBACK"


class House(NamedTuple):
    """A running app whose messages can be answered."""

    world: World
    url: str

    def told(self, subscription: str) -> Incident:
        """An incident that was told."""
        self.world.send(encoded(alert(subscription)))
        self.world.wait_until_quiet()
        (head,) = self.world.incidents(subscription)
        return head

    def link(self, incident: Incident) -> str:
        """The link to acknowledge it, from the page that somebody got."""
        (opened,) = self.world.events(incident.scope)
        (href,) = (
            link["href"]
            for link in opened.body["links"]
            if link["text"] == "Acknowledge"
        )
        return str(href)

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        **fields: str,
    ) -> httpx.Response:
        """A request without any key."""
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.request(method, url, headers=headers, data=fields or None)

    def press(self, href: str) -> httpx.Response:
        """The button on the page of a link."""
        seen = Seen(self.ask("GET", href).text)
        fields = {
            str(given["name"]): str(given["value"])
            for tag, given in seen.elements
            if tag == "input"
        }
        return self.ask("POST", href, {**SAME_ORIGIN, **FORM}, **fields)

    def hear(self, event: dict[str, Any], secret: str = "") -> httpx.Response:
        """A webhook of PagerDuty's."""
        body = encoded(event)
        secret = secret or self.world.local.secrets[CALLBACK]
        headers = calls.pagerduty(body, secret)
        return self.world.post(body, headers, path="/api/callbacks/on-call")

    def says(self, subscription: str, kind: str, name: str) -> dict[str, Any]:
        """What PagerDuty says of the notice of an incident."""
        (notice,) = self.world.pages(subscription)
        now, key = datetime.now(UTC), notice["dedup_key"]
        return calls.incident(f"incident.{kind}", key=key, name=name, at=now)


def policy() -> bytes:
    """The story's, with a PagerDuty that calls back."""
    raw = msgspec.yaml.decode(packaged_policy())
    raw["responders"]["on-call"]["callback_secret"] = {"setting": CALLBACK}
    return encoded(raw)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """One for all tests here."""
    with Local(policy(), pace=BRISK) as local:
        local.start_app()
        world = World(local)
        try:
            yield House(world, local.url)
        finally:
            world.close()
            local.kill_app()


def test_a_link_is_followed_often_and_acts_once(
    house: House, subscription: str
) -> None:
    """Scanners look, a person presses, and whoever comes later is told so."""
    before = house.told(subscription)
    href = house.link(before)

    looked = [house.ask(method, href) for method in ("HEAD", "GET", "GET", "OPTIONS")]
    (same,) = house.world.incidents(subscription)
    pressed, again = house.press(href), house.ask("GET", href)

    assert [reply.status_code for reply in looked] == [200, 200, 200, 204]
    assert same == before
    assert "Acknowledge this incident?" in looked[1].text
    assert looked[1].headers["content-type"] == "text/html; charset=utf-8"
    assert looked[1].headers["referrer-policy"] == "no-referrer"
    assert looked[0].content == b""
    assert pressed.status_code == 200
    (head,) = house.world.incidents(subscription)
    assert head.acknowledged is not None
    assert head.acknowledged.by == "link:on-call"
    assert again.status_code == 410
    assert "used already" in again.text


def test_strangers_get_nowhere(house: House, subscription: str) -> None:
    """By a link that was altered, by a form of another page, or by no link at all."""
    incident = house.told(subscription)
    href = house.link(incident)
    evil = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}

    replies = {
        "altered": house.ask("GET", f"{href}x"),
        "none": house.ask("GET", f"{house.url}/api/a"),
        "sign-in": house.ask("GET", href.replace("/api/a?", "/api/s?")),
        "no form": house.ask("POST", href),
        "no nonce": house.ask("POST", href, {**SAME_ORIGIN, **FORM}, nonce="x"),
        "other page": house.ask("POST", href, {**evil, **FORM}, nonce="x"),
        "method": house.ask("PUT", href),
    }

    assert {name: reply.status_code for name, reply in replies.items()} == {
        "altered": 404,
        "none": 404,
        "sign-in": 404,
        "no form": 415,
        "no nonce": 403,
        "other page": 403,
        "method": 404,
    }
    (head,) = house.world.incidents(subscription)
    assert head.acknowledged is None


def test_the_log_of_the_host_holds_no_token(house: House, subscription: str) -> None:
    """Nor does any row."""
    href = house.link(house.told(subscription))
    house.press(href)

    token = href.partition("?t=")[2]
    log = (house.world.local.folder / "app.log").read_text()
    (head,) = house.world.incidents(subscription)
    timeline = house.world.ask(lambda s: reading.timeline(s.ledger, head.id))
    assert "answer.given" in log
    for part in token.split("."):
        assert part[:20] not in log
        assert part[:20] not in repr((head, timeline))


def test_pagerduty_acknowledges_and_resolves(house: House, subscription: str) -> None:
    """Said again it changes nothing, and what comes late opens nothing."""
    house.told(subscription)
    taken = house.says(subscription, "acknowledged", f"{subscription}-1")
    late = house.says(subscription, "acknowledged", f"{subscription}-2")
    over = house.says(subscription, "resolved", f"{subscription}-3")

    stranger = house.hear(taken, "somebody-elses-secret-entirely")
    (untouched,) = house.world.incidents(subscription)
    first = house.hear(taken)
    (head,) = house.world.incidents(subscription)
    again = house.hear(taken)
    (same,) = house.world.incidents(subscription)
    rest = [house.hear(over), house.hear(late), house.hear(over)]
    house.world.wait_until_quiet()

    assert (stranger.status_code, stranger.content) == (401, b"")
    assert untouched.acknowledged is None
    assert [reply.status_code for reply in (first, again, *rest)] == [202] * 5
    assert head.acknowledged is not None
    assert head.acknowledged.by == "pagerduty:on-call (Ana Example)"
    assert head.acknowledged.via == "on-call"
    assert same.acknowledged == head.acknowledged
    (ended,) = house.world.incidents(subscription)
    assert ended.status is IncidentStatus.RESOLVED
    assert ended.acknowledged == head.acknowledged
    # What came from there is not sent back.
    verbs = [event.verb for event in house.world.events(subscription)]
    assert verbs == ["trigger"]
    timeline = house.world.ask(lambda s: reading.timeline(s.ledger, ended.id))
    kinds = [fact.kind for entry in timeline for fact in entry.facts]
    assert kinds.count("incident.acknowledged") == 1
    assert kinds.count("incident.resolved") == 1
    assert "incident.reopened" not in kinds
