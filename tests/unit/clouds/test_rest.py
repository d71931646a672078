"""The client of Azure's APIs: what an answer means, whoever sent it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.clouds.rest import LARGEST_DOCUMENT, LONGEST_POLL_URL, RestClient
from shared.model.errors import (
    ActionRefused,
    FailureReason,
    PermanentFailure,
    ResponderError,
    TransientFailure,
)
from shared.model.http import Reply
from shared.model.rest import USUAL_WAIT, Done, Pending
from tests.fakes.http import FakeHttp

URL = "https://management.azure.com"
POLL = f"{URL}/subscriptions/s/providers/Microsoft.Network/locations/w/operations/1"
PATH = "/subscriptions/s/resourceGroups/g?api-version=1"


class Scopes:
    """Gives tokens, and keeps what they were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: str) -> str:
        self.asked.append(scope)
        return "t0ken"


def client(http: FakeHttp, **changes: Any) -> RestClient:  # noqa: ANN401
    given: dict[str, Any] = {"url": URL, "token": Scopes()} | changes
    return RestClient("ARM", given.pop("url"), http=http, **given)


def reply(status: int, content: object = None, **headers: str) -> Reply:
    body = b"" if content is None else msgspec.json.encode(content)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body=body)


def error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "<b>not to be repeated</b>"}}


async def change(answer: Reply, method: str = "PUT") -> Done | Pending:
    return await client(FakeHttp(answer)).change(method, PATH, {})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(200, {"a": 1}), Done(content={"a": 1})),
        (reply(204), Done()),
        (reply(200, {"properties": {"provisioningState": "Succeeded"}}), None),
        (reply(200, ["no object"]), Done()),
        (
            reply(201, {}, azure_asyncoperation=POLL, retry_after="7"),
            Pending(poll=POLL, retry_after=timedelta(seconds=7)),
        ),
        (reply(200, {}, azure_asyncoperation=POLL), Pending(poll=POLL)),
        (
            reply(
                200,
                {"properties": {"provisioningState": "Succeeded"}},
                azure_asyncoperation=POLL,
            ),
            None,
        ),
        (reply(202, location=POLL), Pending(poll=POLL, is_location=True)),
        (reply(202, azure_asyncoperation=POLL, location=URL), Pending(poll=POLL)),
        (reply(202), Pending(poll="")),
        (
            reply(201, {"properties": {"provisioningState": "Creating"}}),
            Pending(poll=""),
        ),
        # What was created is named by Location as well; it is there already.
        (reply(201, {"id": "1"}, location=f"{URL}/1"), Done(content={"id": "1"})),
        # The token would go there.
        (reply(202, location="https://evil.example/"), Pending(poll="")),
        (reply(202, azure_asyncoperation="https://[evil"), Pending(poll="")),
        (reply(202, location=f"{URL}/{'x' * LONGEST_POLL_URL}"), Pending(poll="")),
        (
            reply(202, location=POLL, retry_after="99999999999"),
            Pending(poll=POLL, is_location=True, retry_after=timedelta(hours=1)),
        ),
        (
            reply(202, location=POLL, retry_after="soon"),
            Pending(poll=POLL, is_location=True, retry_after=USUAL_WAIT),
        ),
    ],
)
async def test_a_success_is_done_or_goes_on(
    answer: Reply, expected: Done | Pending | None
) -> None:
    """As headers and the state of the resource say (remote-apis-azure.md 0.3)."""
    found = await change(answer)

    assert found == (expected or Done(content=msgspec.json.decode(answer.body)))


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (reply(400), PermanentFailure, FailureReason.INVALID),
        (reply(401), PermanentFailure, FailureReason.AUTH),
        (reply(403), PermanentFailure, FailureReason.AUTH),
        (reply(404), PermanentFailure, FailureReason.NOT_FOUND),
        (reply(405), PermanentFailure, FailureReason.INVALID),
        (reply(408), TransientFailure, FailureReason.TIMEOUT),
        (reply(409), PermanentFailure, FailureReason.CONFLICT),
        (reply(410), PermanentFailure, FailureReason.NOT_FOUND),
        (reply(412), TransientFailure, FailureReason.CONFLICT),
        (reply(429), TransientFailure, FailureReason.RATE_LIMITED),
        (reply(500), TransientFailure, FailureReason.SERVER),
        (reply(502), TransientFailure, FailureReason.UNAVAILABLE),
        (reply(503), TransientFailure, FailureReason.UNAVAILABLE),
        (reply(504), TransientFailure, FailureReason.TIMEOUT),
        (reply(301), PermanentFailure, FailureReason.INVALID),
        (
            reply(400, error("SecurityRuleConflict")),
            TransientFailure,
            FailureReason.CONFLICT,
        ),
        (reply(409, error("Conflict")), TransientFailure, FailureReason.CONFLICT),
        (
            reply(409, error("AnotherOperationInProgress")),
            TransientFailure,
            FailureReason.CONFLICT,
        ),
        (
            reply(429, error("RetryableErrorDueToAnotherOperation")),
            TransientFailure,
            FailureReason.CONFLICT,
        ),
        (reply(409, error("ScopeLocked")), ActionRefused, FailureReason.REFUSED),
        (reply(409, error("Locked")), PermanentFailure, FailureReason.CONFLICT),
        (reply(404, error("SubscriptionNotFound")), PermanentFailure, None),
    ],
)
async def test_an_error_is_classified(
    answer: Reply, kind: type[ResponderError], reason: FailureReason | None
) -> None:
    """By status and code, of which nothing but a name is repeated."""
    with pytest.raises(kind) as caught:
        await change(answer)

    assert caught.value.reason is (reason or FailureReason.NOT_FOUND)
    assert str(answer.status) in str(caught.value)
    assert "repeated" not in str(caught.value)


@pytest.mark.parametrize("code", ["a b", "x" * 61, "<b>", 7, None, ["Conflict"]])
async def test_a_code_that_is_no_name_is_left_out(code: object) -> None:
    """It is text of somebody else's."""
    with pytest.raises(PermanentFailure) as caught:
        await change(reply(409, {"error": {"code": code}}))

    assert str(caught.value).endswith("answered 409")


async def test_how_long_to_wait_is_passed_on() -> None:
    """As the other side says it, within bounds."""
    with pytest.raises(TransientFailure) as caught:
        await change(reply(429, retry_after="17"))

    assert caught.value.retry_after == timedelta(seconds=17)


async def test_what_the_identity_lacks_is_named() -> None:
    """To whoever may give it."""
    http = FakeHttp(reply(403, error("AuthorizationFailed")))

    with pytest.raises(PermanentFailure, match=r"needs Microsoft.Network/write$"):
        await client(http).change("PUT", PATH, {}, permission="Microsoft.Network/write")


async def test_a_delete_of_nothing_is_done() -> None:
    """A subscription that is not seen is no proof of it."""
    assert await change(reply(404, error("ResourceNotFound")), "DELETE") == Done()
    with pytest.raises(PermanentFailure):
        await change(reply(404, error("SubscriptionNotFound")), "DELETE")


async def test_a_request_is_as_the_other_side_wants_it() -> None:
    """Token, media type, condition; numbers stay what they were."""
    http, scopes = FakeHttp(reply(200, {})), Scopes()

    await client(http, token=scopes).change(
        "PATCH", PATH, {"n": 100, "t": "ü"}, if_match='W/"1"'
    )

    [sent] = http.sent
    assert (sent.method, sent.url) == ("PATCH", f"{URL}{PATH}")
    assert sent.body == b'{"n": 100, "t": "\\u00fc"}'
    assert sent.headers == {
        "authorization": "Bearer t0ken",
        "accept": "application/json",
        "content-type": "application/json",
        "if-match": 'W/"1"',
    }
    assert scopes.asked == [f"{URL}/.default"]


async def test_a_post_of_nothing_has_no_body() -> None:
    """Not even an empty object."""
    http = FakeHttp(reply(200, {}))

    await client(http).change("POST", PATH)

    [sent] = http.sent
    assert (sent.body, "content-type" in sent.headers) == (b"", False)


@pytest.mark.parametrize(
    ("url", "audience", "scope"),
    [
        (URL, "", f"{URL}/.default"),
        (
            "https://graph.microsoft.com/v1.0",
            "",
            "https://graph.microsoft.com/.default",
        ),
        (URL, "https://vault.azure.net", "https://vault.azure.net/.default"),
        # No stand-in is shown a token of the app.
        (
            "http://127.0.0.1:9/vault/x",
            "https://vault.azure.net",
            "http://127.0.0.1:9/.default",
        ),
    ],
)
async def test_tokens_are_for_the_audience(url: str, audience: str, scope: str) -> None:
    """That of the address, unless another is named."""
    scopes = Scopes()

    await client(
        FakeHttp(reply(200, {})), url=url, audience=audience, token=scopes
    ).read("/x")

    assert scopes.asked == [scope]


@pytest.mark.parametrize(
    "path",
    [
        "subscriptions",
        "/a/../b",
        "/a/..",
        "/a/./b",
        "/a/%2e%2E/b",
        "/a%2Fb",
        "/a//b",
        "/a b",
        "/a#b",
        "/a\\b",
        "/ä",
        "/a/..?b",
        "/a%2fb?c",
        "/a?b c",
        "/a?b#c",
        "/a?b\\c",
        "//evil.example/",
        "",
    ],
)
async def test_a_path_that_leads_elsewhere_is_not_asked(path: str) -> None:
    """Parts of it come from alerts."""
    http = FakeHttp()

    with pytest.raises(PermanentFailure) as caught:
        await client(http).read(path)

    assert (caught.value.reason, http.sent) == (FailureReason.INVALID, [])


async def test_a_query_may_hold_an_address() -> None:
    """It leads nowhere."""
    http = FakeHttp(reply(200, {}))

    await client(http).read("/a?$filter=b%20eq%20%27https%3A%2F%2Fc//../d%27")

    assert len(http.sent) == 1


async def test_an_etag_is_read_wherever_it_is() -> None:
    """In a header, or in the document."""
    answers = (
        reply(200, {"etag": "1"}),
        reply(200, {}, etag="2"),
        reply(200, {"etag": 3}),
    )
    api = client(FakeHttp(*answers))

    assert [(await api.read("/x")).etag for _ in answers] == ["1", "2", ""]


async def test_what_is_not_there_is_found_so_or_raised() -> None:
    """As one asks."""
    api = client(FakeHttp(default=reply(404, error("NotFound"))))

    assert await api.find("/x") is None
    with pytest.raises(PermanentFailure) as caught:
        await api.read("/x?secret=1")
    assert caught.value.reason is FailureReason.NOT_FOUND
    assert "secret" not in str(caught.value)


async def test_a_subscription_that_is_not_seen_is_not_empty() -> None:
    """Nobody is to take what is in it for gone."""
    with pytest.raises(PermanentFailure, match="SubscriptionNotFound"):
        await client(FakeHttp(reply(404, error("SubscriptionNotFound")))).find("/x")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"NaN", b'{"a": NaN}', b"[" * 99999]
)
async def test_a_document_that_is_none_is_not_taken_for_one(body: bytes) -> None:
    """It would be written back."""
    with pytest.raises(PermanentFailure) as caught:
        await client(FakeHttp(Reply(status=200, headers={}, body=body))).read("/x")

    assert caught.value.reason is FailureReason.INVALID


async def test_a_document_is_no_larger_than_one_megabyte() -> None:
    """What is cut would not parse."""
    http = FakeHttp(Reply(status=200, headers={}, body=b" " * (LARGEST_DOCUMENT + 1)))

    with pytest.raises(PermanentFailure, match="more than"):
        await client(http).read("/x")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(200, {"status": "Succeeded"}), Done(content={"status": "Succeeded"})),
        (reply(200, {"status": "Running"}), Pending(poll=POLL)),
        (
            reply(200, {"status": "InProgress"}, retry_after="4"),
            Pending(poll=POLL, retry_after=timedelta(seconds=4)),
        ),
        (reply(202, {}), Pending(poll=POLL)),
        (reply(404), Done()),
        (reply(410), Done()),
    ],
)
async def test_an_operation_says_how_far_it_is(
    answer: Reply, expected: Done | Pending
) -> None:
    """One that nobody remembers has nothing more to say."""
    assert await client(FakeHttp(answer)).look(Pending(poll=POLL)) == expected


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"status": "Failed", **error("QuotaExceeded")}, PermanentFailure),
        ({"status": "Canceled"}, PermanentFailure),
        (
            {
                "status": "Canceled",
                **error("CanceledAndSupersededDueToAnotherOperation"),
            },
            TransientFailure,
        ),
    ],
)
async def test_an_operation_that_ended_badly_is_raised(
    content: object, kind: type[ResponderError]
) -> None:
    """What somebody else's overtook may be tried again."""
    with pytest.raises(kind, match="what was begun ended as"):
        await client(FakeHttp(reply(200, content))).look(Pending(poll=POLL))


async def test_a_location_ends_with_a_result() -> None:
    """And moves while it goes on."""
    further = f"{POLL}/2"
    api = client(FakeHttp(reply(202, location=further), reply(200, {"value": []})))

    goes_on = await api.look(Pending(poll=POLL, is_location=True))

    assert goes_on == Pending(poll=further, is_location=True)
    assert await api.look(goes_on) == Done(content={"value": []})


async def test_nobody_follows_an_operation_to_another_host() -> None:
    """A row may have been written by somebody else; a token goes nowhere."""
    http = FakeHttp()

    with pytest.raises(PermanentFailure):
        await client(http).look(Pending(poll="https://evil.example/1"))

    assert http.sent == []


async def test_without_an_address_the_resource_tells() -> None:
    """Nobody is asked."""
    http = FakeHttp()

    assert await client(http).look(Pending()) == Done()
    assert http.sent == []


async def test_a_list_is_read_to_its_end() -> None:
    """Whatever its links are called, and nothing in it but objects."""
    http = FakeHttp(
        reply(200, {"value": [{"n": 1}, "x"], "nextLink": f"{URL}/2"}),
        reply(200, {"value": [], "@odata.nextLink": f"{URL}/3"}),
        reply(200, {"value": [{"n": 3}]}),
    )

    assert await client(http).list_all("/x?a=b") == [{"n": 1}, {"n": 3}]

    assert [s.url for s in http.sent] == [f"{URL}/x?a=b", f"{URL}/2", f"{URL}/3"]


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, {"value": {}}),
        reply(200, {}),
        reply(200, {"value": [], "nextLink": "https://evil.example/"}),
        reply(200, {"value": [], "nextLink": 7}),
        reply(200, {"value": [], "nextLink": f"{URL}/again"}),
        reply(404),
    ],
)
async def test_a_list_that_breaks_off_is_none(answer: Reply) -> None:
    """A part of it never looks like the whole."""
    with pytest.raises(PermanentFailure):
        await client(FakeHttp(default=answer)).list_all("/x")
