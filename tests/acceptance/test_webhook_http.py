"""The webhook and the health check, as the network sees them."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.acceptance.world import alert, encoded

if TYPE_CHECKING:
    from tests.acceptance.world import World

LIMIT = 1024 * 1024
POSTURE = encoded({"type": "Microsoft.Security/assessments", "id": "/subscriptions/1"})
EVIL = "http://evil.example"


def _by_key(world: World) -> dict[str, str]:
    return {"x-firewatch-key": world.local.secrets["LOGIC_APP_KEY"]}


def _by_hmac(world: World, body: bytes, *, age_s: int = 0) -> dict[str, str]:
    stamp = str(int(time.time()) - age_s)
    secret = world.local.secrets["SOAR_SECRET"].encode()
    digest = hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256)
    return {
        "x-firewatch-timestamp": stamp,
        "x-firewatch-signature": f"v1={digest.hexdigest()}",
    }


def _counts(answer: httpx.Response) -> dict[str, int]:
    """The counts of a 202 that are not zero."""
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return {name: count for name, count in answer.json().items() if count}


def test_a_key_opens_the_door(world: World, subscription: str) -> None:
    """202 with the counts comes only once the alert is stored, and it pages."""
    body = encoded(alert(subscription))

    answer = world.post(body, _by_key(world))

    assert _counts(answer) == {"received": 1, "stored": 1}
    assert len(world.alerts(subscription)) == 1
    world.wait_until_quiet()
    assert len(world.pages(subscription)) == 1


def test_a_key_may_stand_in_the_address(world: World, subscription: str) -> None:
    """A sender that cannot set headers gets in by `?code=`."""
    key = world.local.secrets["LOGIC_APP_KEY"]
    path = f"/api/alerts?code={key}"

    answer = world.post(encoded(alert(subscription)), {}, path=path)

    assert _counts(answer) == {"received": 1, "stored": 1}


def test_a_signature_opens_the_door_and_a_repeat_changes_nothing(
    world: World, subscription: str
) -> None:
    """The very same signed request is taken again, and counted as what it is."""
    body = encoded([alert(subscription, number) for number in (1, 2)])
    headers = _by_hmac(world, body)

    first = world.post(body, headers)
    second = world.post(body, headers)

    assert _counts(first) == {"received": 2, "stored": 2}
    assert _counts(second) == {"received": 2, "duplicate": 2}
    world.wait_until_quiet()
    assert [page["opens"] for page in world.pages(subscription)] == [1]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-firewatch-key": "wrong"},
        {"x-firewatch-key": ""},
        {"x-firewatch-timestamp": "1", "x-firewatch-signature": "v1=00"},
        {"authorization": "Bearer e30.e30.e30"},
        {"x-functions-key": "wrong"},
    ],
    ids=["nothing", "wrong", "empty", "unsigned", "token", "function"],
)
def test_a_stranger_learns_nothing(
    world: World, subscription: str, headers: dict[str, str]
) -> None:
    """Without a sender's proof the answer is 401, empty, and nothing is stored."""
    answer = world.post(encoded(alert(subscription)), headers)

    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert answer.content == b""
    assert world.incidents(subscription) == []


def test_an_old_or_borrowed_signature_is_refused(
    world: World, subscription: str
) -> None:
    """A signature is good for five minutes and for its own body."""
    body = encoded(alert(subscription))

    old = world.post(body, _by_hmac(world, body, age_s=301))
    borrowed = world.post(body, _by_hmac(world, b"something else"))

    assert (old.status_code, old.content) == (401, b"")
    assert (borrowed.status_code, borrowed.content) == (401, b"")


def test_the_function_key_is_no_sender(world: World, subscription: str) -> None:
    """Who may read the health may not send alerts."""
    headers = {"x-functions-key": world.local.function_key}

    answer = world.post(encoded(alert(subscription)), headers)

    assert answer.status_code == httpx.codes.UNAUTHORIZED


def test_a_body_of_one_mebibyte_is_the_longest(world: World, subscription: str) -> None:
    """The last byte that fits is taken; one more is 413 and stored nowhere."""
    fits = encoded(alert(subscription)).ljust(LIMIT)
    too_long = encoded(alert(subscription, 2)).ljust(LIMIT + 1)

    taken = world.post(fits, _by_key(world))
    refused = world.post(too_long, _by_key(world))

    assert _counts(taken) == {"received": 1, "stored": 1}
    assert refused.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert len(world.alerts(subscription)) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"not JSON", b"\xff\xfe\x00", b'{"SystemAlertId": "cut', b"[" * 5_000],
    ids=["empty", "words", "bytes", "cut", "deep"],
)
def test_what_is_no_json_is_named_and_kept(world: World, body: bytes) -> None:
    """The sender hears where it went wrong; the bytes lie in a dead letter as sent."""
    before = world.books().dead_lettered

    answer = world.post(body, _by_key(world))

    assert answer.status_code == httpx.codes.BAD_REQUEST
    (problem,) = answer.json()["problems"]
    assert problem["path"] == "$"
    assert problem["problem"]
    (letter,) = world.letters_of(body)
    assert letter.source == "http/logic-app"
    assert world.books().dead_lettered == before + 1


def test_a_format_that_a_sender_may_not_send_is_a_dead_letter(world: World) -> None:
    """202, for it came from a sender of ours; but it counts as given up and is kept."""
    body = POSTURE + b" " * 7

    answer = world.post(body, _by_hmac(world, body))

    assert _counts(answer) == {"received": 1, "dead_lettered": 1}
    (letter,) = world.letters_of(body)
    assert letter.source == "http/soar"
    assert "may not send posture" in letter.problems[0].problem


def test_good_units_of_a_bad_body_are_taken(world: World, subscription: str) -> None:
    """One broken unit keeps no other waiting; the whole body is kept for it."""
    body = encoded([alert(subscription), {"nothing": "known"}, 7])

    answer = world.post(body, _by_key(world))

    assert _counts(answer) == {"received": 3, "stored": 1, "dead_lettered": 2}
    (letter,) = world.letters_of(body)
    assert [problem.path for problem in letter.problems] == ["$[1]", "$[2]"]


def test_only_post_is_answered(world: World) -> None:
    """There is nothing to read at the webhook's address."""
    with httpx.Client(trust_env=False) as client:
        answer = client.get(f"{world.local.url}/api/alerts", headers=_by_key(world))

    assert answer.status_code == httpx.codes.NOT_FOUND


def test_health_is_for_those_with_the_function_key(world: World) -> None:
    """With the key it tells the books; without, or with another, nothing."""
    url = f"{world.local.url}/api/health"

    with httpx.Client(trust_env=False) as client:
        ours = client.get(url, headers={"x-functions-key": world.local.function_key})
        none = client.get(url)
        wrong = client.get(url, headers={"x-functions-key": "wrong"})

    assert ours.status_code == httpx.codes.OK
    assert ours.json()["status"] == "ok"
    assert ours.json()["books"]["received"] >= 0
    assert (none.status_code, none.content) == (401, b"")
    assert (wrong.status_code, wrong.content) == (401, b"")


@pytest.mark.parametrize(
    "foreign", [{"host": "evil.example"}, {"origin": EVIL}], ids=["host", "origin"]
)
@pytest.mark.parametrize("path", ["/api/alerts", "/api/health", "/admin/host/status"])
def test_a_web_page_of_somebody_else_gets_nowhere(
    world: World, subscription: str, path: str, foreign: dict[str, str]
) -> None:
    """A browser that was lured here sends a foreign Host or Origin, and gets 403."""
    keys = _by_key(world) | {"x-functions-key": world.local.function_key}

    answer = world.post(encoded(alert(subscription)), keys | foreign, path=path)

    assert answer.status_code == httpx.codes.FORBIDDEN
    assert world.incidents(subscription) == []
