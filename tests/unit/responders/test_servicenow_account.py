"""How ServiceNow is signed in to, and what is wrong with its settings."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from devhost.outside import Outside
from shared.clouds.http import HttpClient
from shared.model.action import Outcome
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    SettingsError,
    TransientFailure,
)
from shared.model.http import Reply
from tests.fakes.clock import Clock
from tests.fakes.http import FakeHttp
from tests.unit.responders.tickets import (
    acknowledging,
    ending,
    opening,
    telling_news,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


from tests.unit.responders.servicenow import Instance, make_servicenow

CLIENT: dict[str, Any] = {
    "url": "https://contoso.service-now.com",
    "client_id": "5f1d2c3b4a",
    "client_secret": {"setting": "CLIENT"},
}


@pytest.fixture
async def there() -> AsyncIterator[Instance]:
    clock, http = Clock(), HttpClient()
    async with Outside.start(clock=clock) as outside:
        try:
            yield Instance(outside, http, clock)
        finally:
            await http.close()


async def test_a_client_signs_in_once_for_many_requests(there: Instance) -> None:
    """And again when its token is about to end."""
    servicenow = there.servicenow(CLIENT)
    opened = await servicenow.apply(await opening(servicenow))
    await servicenow.apply(await telling_news(servicenow, opened.reference))
    assert len(there.outside.servicenow.tokens) == 1

    there.clock.step(timedelta(minutes=29))
    await servicenow.apply(await acknowledging(servicenow, opened.reference))

    assert len(there.outside.servicenow.tokens) == 2


async def test_a_token_that_is_taken_back_costs_one_attempt(there: Instance) -> None:
    """The attempt after that signs in anew."""
    servicenow = there.servicenow(CLIENT)
    opened = await servicenow.apply(await opening(servicenow))
    there.outside.servicenow.tokens.clear()
    news = await telling_news(servicenow, opened.reference)

    with pytest.raises(TransientFailure) as caught:
        await servicenow.apply(news)
    await servicenow.apply(news)

    assert caught.value.reason is FailureReason.AUTH
    assert len(there.notes) == 1


async def test_a_client_that_is_refused_is_refused_for_good() -> None:
    """Its secret is in no header, URL or message."""
    http = FakeHttp(default=Reply(status=401, headers={}, body=b"cl1ent-secret"))
    servicenow = make_servicenow(http, CLIENT)

    with pytest.raises(PermanentFailure) as caught:
        await servicenow.apply(await opening(servicenow))

    [sent] = http.sent
    assert sent.url.endswith("/oauth_token.do")
    assert b"client_secret=cl1ent-secret" in sent.body
    assert "cl1ent" not in f"{caught.value} {sent.headers}"


@pytest.mark.parametrize("expires", ["1799", 1799, "soon", "-1", 10**40])
async def test_the_time_of_a_token_is_read_as_it_is_meant(expires: object) -> None:
    """Some releases write it as a text; what is none lasts for one request."""
    granted = msgspec.json.encode({"access_token": "t", "expires_in": str(expires)})
    http = FakeHttp(
        Reply(status=200, headers={}, body=granted),
        default=Reply(status=200, headers={}, body=b'{"result":[]}'),
    )
    servicenow = make_servicenow(http, CLIENT)

    assert await servicenow.apply(await ending(servicenow, "")) == Outcome()


@pytest.mark.parametrize("token", ["a\r\nx-evil: 1", "tök"])
async def test_a_token_that_is_no_header_is_none(token: str) -> None:
    """What the other side says goes into a header only if it fits there."""
    granted = msgspec.json.encode({"access_token": token, "expires_in": 1799})
    http = FakeHttp(default=Reply(status=200, headers={}, body=granted))
    servicenow = make_servicenow(http, CLIENT)

    with pytest.raises(TransientFailure):
        await servicenow.apply(await opening(servicenow))

    assert len(http.sent) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "http://contoso.example"}, "url"),
        ({"password": None}, "user"),
        ({"user": ""}, "user"),
        ({"user": "a:b"}, "user"),
        ({"client_id": "x"}, "user"),
        ({"urgency": {"high": 4}}, "urgency"),
        ({"impact": {"high": 0}}, "impact"),
        ({"fields": {"state": "1"}}, "fields"),
        ({"close": True}, "close_code"),
        ({"close": "9", "close_code": "x"}, "close"),
        ({"progress": "6"}, "progress"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], field: str) -> None:
    """With its path, and no value of it."""
    with pytest.raises(SettingsError) as caught:
        make_servicenow(FakeHttp(), **changes)

    [problem] = caught.value.problems
    assert problem.startswith(f"responders.desk.{field}")
