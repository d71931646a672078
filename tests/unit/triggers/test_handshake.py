"""The handshakes of Event Grid and CloudEvents."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from shared.ingest import Taken
from shared.model.books import Books
from shared.model.secret import Secret, SecretRef
from shared.senders import KeySender, Senders
from shared.triggers import handshake
from shared.triggers.webhook import Receiver
from tests.fakes.http import FakeHttp
from tests.given import given, sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.bootstrap import App
    from shared.model.event import Event
    from shared.triggers.answer import Answer

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = "key-secret-of-the-relay"
FORMATS = ("event-grid", "cloud-events", "defender")
VALIDATION = {"aeg-event-type": "SubscriptionValidation"}
CODE = "00000000-0000-4000-8000-000000000323"
ORIGIN = {"webhook-request-origin": "eventgrid.azure.net"}


def post(
    body: bytes,
    headers: dict[str, str] | None = None,
    formats: tuple[str, ...] = FORMATS,
) -> Answer | None:
    return handshake.answer(
        method="POST",
        headers=VALIDATION if headers is None else headers,
        body=body,
        formats=formats,
    )


def options(headers: dict[str, str], formats: tuple[str, ...] = FORMATS) -> Answer:
    found = handshake.answer(
        method="OPTIONS", headers=headers, body=b"", formats=formats
    )
    assert found is not None
    return found


def event(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    (raw,) = msgspec.json.decode(sample("event-grid", "validation.json"))
    changed: dict[str, Any] = raw | changes
    return changed


def test_event_grid_gets_its_code_back() -> None:
    """200 and the code; Event Grid does not take 202."""
    found = post(sample("event-grid", "validation.json"))

    assert found == (HTTPStatus.OK, {"validationResponse": CODE}, {})


def test_the_given_validation_is_answered() -> None:
    """Microsoft's own example."""
    body = given("eventgrid")["subscription-validation-request.json"]

    found = post(body)

    code = "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"
    assert found == (HTTPStatus.OK, {"validationResponse": code}, {})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 5000,
        b"[]",
        msgspec.json.encode(event()),
        msgspec.json.encode([event(), event()]),
        b"[1]",
        msgspec.json.encode([event(eventType="Microsoft.Storage.BlobCreated")]),
        msgspec.json.encode([event(eventType=["x"])]),
        msgspec.json.encode([event(data=None)]),
        msgspec.json.encode([event(data={"validationCode": 7})]),
        msgspec.json.encode([event(data={"validationCode": ""})]),
        msgspec.json.encode([event(data={"validationCode": "a\r\nset-cookie: x"})]),
        msgspec.json.encode([event(data={"validationCode": "a" * 129})]),
    ],
)
def test_what_says_it_is_a_validation_and_is_none_gets_400(body: bytes) -> None:
    """Exactly one event of that type with a plain code, or nothing."""
    found = post(body)

    assert found is not None
    assert found.status == HTTPStatus.BAD_REQUEST
    assert "validationResponse" not in str(found.content)


def test_a_sender_of_other_formats_gets_no_code() -> None:
    """Whoever may not send Event Grid's events may not subscribe us to them."""
    found = post(sample("event-grid", "validation.json"), formats=("defender",))

    assert found is not None
    assert found.status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("kind", [None, "Notification", "SubscriptionDeletion"])
def test_other_posts_bring_alerts(kind: str | None) -> None:
    """Without its header a validation is a unit like others."""
    headers = {"aeg-event-type": kind} if kind else {}

    assert post(sample("event-grid", "validation.json"), headers) is None


def test_cloud_events_are_granted_to_the_origin_that_asks() -> None:
    """The origin comes back as it is, and POST is what it may do."""
    found = options(ORIGIN)

    assert (found.status, found.content) == (HTTPStatus.OK, None)
    assert found.headers == {
        "allow": "OPTIONS, POST",
        "webhook-allowed-origin": "eventgrid.azure.net",
        "webhook-allowed-rate": "*",
    }


def test_the_rate_that_is_asked_for_is_granted() -> None:
    """There is no limit of ours; the specification wants a rate in every grant."""
    found = options(ORIGIN | {"webhook-request-rate": "120"})

    assert found.headers["webhook-allowed-rate"] == "120"


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "https://eventgrid.azure.net",
        "eventgrid.azure.net:443",
        "eventgrid.azure.net/x",
        "a.example, b.example",
        "localhost",
        "10.0.0.1",
        "-a.example",
        "a-.example",
        "a..example",
        ".example",
        "a.example.",
        "k\u00f6ln.example",
        "a.example\r\nset-cookie: x",
        "a.example\n.b.example",
        f"{'a' * 64}.example",
        f"{'a.' * 127}example",
        None,
    ],
)
def test_no_other_origin_is_granted(origin: str | None) -> None:
    """A plain DNS name, never everybody, and nothing that could end a header."""
    found = options({} if origin is None else {"webhook-request-origin": origin})

    assert found.status == HTTPStatus.BAD_REQUEST
    assert "webhook-allowed-origin" not in found.headers


@pytest.mark.parametrize(
    "rate", ["", "0", "-1", "1.5", "**", "12x", "9" * 10, "\u0661"]
)
def test_an_unreadable_rate_grants_nothing(rate: str) -> None:
    """Requests per minute are a positive whole number."""
    found = options(ORIGIN | {"webhook-request-rate": rate})

    assert found.status == HTTPStatus.BAD_REQUEST
    assert "webhook-allowed-origin" not in found.headers


def test_a_sender_without_cloud_events_has_no_options() -> None:
    """405, as if the method were not there."""
    found = options(ORIGIN, formats=("event-grid",))

    assert (found.status, found.headers) == (405, {"allow": "POST"})


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "options", ""])
def test_no_other_method_is_taken(method: str) -> None:
    """405 names the two that are."""
    found = handshake.answer(method=method, headers=ORIGIN, body=b"", formats=FORMATS)

    assert found == (405, None, {"allow": "OPTIONS, POST"})


class Relay:
    """The app with one sender, whose ingest keeps what it is given."""

    def __init__(self, formats: tuple[str, ...] = FORMATS) -> None:
        self.events: list[Event] = []
        self.http = FakeHttp()
        self._senders = Senders(
            {"relay": KeySender(secret=SecretRef("KEY"), formats=formats)},
            secret=lambda _: Secret(KEY),
            http=self.http,
            clock=self.clock,
        )

    def clock(self) -> datetime:
        return NOW

    async def senders(self) -> Senders:
        return self._senders

    async def ingest(self) -> Any:  # noqa: ANN401  in the place of a verb
        async def take(events: Sequence[Event]) -> Taken:
            self.events += events
            return Taken(Books(), ())

        return take

    async def receive(
        self,
        headers: dict[str, str],
        body: bytes = b"",
        *,
        method: str = "POST",
        key: str = KEY,
    ) -> Answer:
        receiver = Receiver(cast("App", self))
        return await receiver(
            method=method, headers=headers, query={"code": key}, body=body
        )


async def test_an_authenticated_validation_is_answered_and_not_stored() -> None:
    """The key in the address is enough, and nothing is fetched."""
    relay = Relay()

    found = await relay.receive(VALIDATION, sample("event-grid", "validation.json"))

    assert (found.status, found.content) == (200, {"validationResponse": CODE})
    assert (relay.events, relay.http.sent) == ([], [])


async def test_authenticated_options_are_answered() -> None:
    """The key in the address is enough."""
    found = await Relay().receive(ORIGIN, method="OPTIONS")

    assert found.status == HTTPStatus.OK
    assert found.headers["webhook-allowed-origin"] == "eventgrid.azure.net"


@pytest.mark.parametrize("method", ["OPTIONS", "POST"])
async def test_a_stranger_learns_nothing(method: str) -> None:
    """Handshakes of nobody are 401 without a body, like everything of nobody."""
    body = sample("event-grid", "validation.json")

    found = await Relay().receive(
        ORIGIN | VALIDATION, body, method=method, key="not-the-key-of-anybody"
    )

    assert found == (HTTPStatus.UNAUTHORIZED, None, {})


BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/", "ce-type": "x.y"}


async def test_a_binary_cloud_event_is_taken_with_its_headers() -> None:
    """What is stored is the structured event."""
    relay = Relay()

    found = await relay.receive(BINARY, b'{"a": 1}')

    assert found.status == HTTPStatus.ACCEPTED
    (taken,) = relay.events
    assert msgspec.json.decode(taken.body) == {
        "specversion": "1.0",
        "id": "1",
        "source": "/",
        "type": "x.y",
        "data": {"a": 1},
    }


async def test_headers_alone_make_no_cloud_event_of_another_senders_body() -> None:
    """Whoever may not send CloudEvents is read by the body alone."""
    relay = Relay(formats=("defender",))

    await relay.receive(BINARY, b'{"a": 1}')

    assert [taken.body for taken in relay.events] == [b'{"a": 1}']
