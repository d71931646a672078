"""Azure Resource Manager's list of alerts, read page by page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from shared import settings
from shared.clouds import arm
from shared.clouds.arm import Arm
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    ResponderError,
    SettingsError,
    TransientFailure,
)
from shared.model.http import Reply
from tests.fakes.http import FakeHttp

if TYPE_CHECKING:
    from collections.abc import Mapping

URL = "https://management.azure.com"
SUBSCRIPTION = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
FIRST = (
    f"{URL}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/alerts"
    "?api-version=2022-01-01"
)
SECOND = f"{FIRST}&$skiptoken=2"


class Tokens:
    """Gives a new token each time, and keeps the scopes."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    async def __call__(self, scope: str) -> str:
        self.scopes.append(scope)
        return f"t{len(self.scopes)}"


def page(*alerts: object, following: object = None) -> Reply:
    content: dict[str, object] = {"value": alerts}
    if following is not None:
        content["nextLink"] = following
    return ok(msgspec.json.encode(content))


def ok(body: bytes) -> Reply:
    return Reply(status=200, headers={}, body=body)


def answer(status: int, body: bytes = b"", *, wait: str = "") -> Reply:
    return Reply(status=status, headers={"retry-after": wait}, body=body)


async def listed(http: FakeHttp, *, url: str = URL) -> list[bytes]:
    side = Arm(url, http=http, token=Tokens())
    return [each async for each in side.alerts(SUBSCRIPTION)]


async def failure_of(*script: Reply | Exception) -> ResponderError:
    with pytest.raises(ResponderError) as caught:
        await listed(FakeHttp(*script))
    return caught.value


async def test_pages_come_as_they_were_sent_until_the_last() -> None:
    """The next page is asked for as the last one said, each with a token of ARM's scope."""
    pages = [
        ok(b' {"value": [{"id": "1"}],\n "nextLink": "%b"}' % SECOND.encode()),
        page({"id": "2"}),
    ]
    http, tokens = FakeHttp(*pages), Tokens()

    found = [
        each async for each in Arm(URL, http=http, token=tokens).alerts(SUBSCRIPTION)
    ]

    assert found == [each.body for each in pages]
    assert [(sent.method, sent.url) for sent in http.sent] == [
        ("GET", FIRST),
        ("GET", SECOND),
    ]
    headers = [sent.headers["authorization"] for sent in http.sent]
    assert headers == ["Bearer t1", "Bearer t2"]
    assert tokens.scopes == ["https://management.azure.com/.default"] * 2


@pytest.mark.parametrize("following", ["", None, 7])
async def test_a_list_without_a_next_link_has_ended(following: object) -> None:
    """An empty list is one page too."""
    assert len(await listed(FakeHttp(page(following=following)))) == 1


async def test_the_same_host_may_be_spelt_with_its_port() -> None:
    """ARM writes :443 in some links."""
    following = SECOND.replace("azure.com/", "AZURE.com:443/")

    assert len(await listed(FakeHttp(page(following=following), page()))) == 2


@pytest.mark.parametrize(
    "following",
    [
        SECOND.replace("management.azure.com", "evil.example"),
        SECOND.replace("https:", "http:"),
        SECOND.replace("azure.com/", "azure.com:8443/"),
        SECOND.replace("//", "//management.azure.com@evil.example/"),
        "/subscriptions/x",
        "https://[",
        "https://management.azure.com:port/",
    ],
)
async def test_the_token_goes_to_no_other_host(following: str) -> None:
    """A link that leads elsewhere ends the list with an error, after the page it was in."""
    http = FakeHttp(page({"id": "1"}, following=following))
    pages = Arm(URL, http=http, token=Tokens()).alerts(SUBSCRIPTION)

    first = await anext(pages)
    with pytest.raises(PermanentFailure, match="another host"):
        await anext(pages)

    assert b'"1"' in first
    assert len(http.sent) == 1


async def test_a_list_that_never_ends_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So many pages are read, and then it is said that there were more."""
    monkeypatch.setattr(arm, "MOST_PAGES", 3)
    http = FakeHttp(default=page(following=FIRST))

    with pytest.raises(PermanentFailure, match="more than 3 pages"):
        await listed(http)

    assert len(http.sent) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>sign in</html>",
        b"[]",
        b"{}",
        b'{"value": {}}',
        b"\xff",
        b'{"value": ' + b"[" * 100_000,
    ],
)
async def test_what_is_no_list_is_not_taken_for_one(body: bytes) -> None:
    """A proxy's page that was answered with 200 does not look like a list without alerts."""
    failure = await failure_of(ok(body))

    assert isinstance(failure, PermanentFailure)
    assert failure.reason is FailureReason.INVALID


@pytest.mark.parametrize("text", [b'"\\ud83d"', b"1" * 5_000, b"1e999"])
async def test_an_odd_value_in_one_alert_hides_no_page(text: bytes) -> None:
    """Halves of characters and huge numbers are for the reader of alerts to judge."""
    body = b'{"value": [{"id": %b}], "nextLink": "%b"}' % (text, SECOND.encode())

    assert len(await listed(FakeHttp(ok(body), page()))) == 2


async def test_a_page_over_the_cap_is_an_error() -> None:
    """Never JSON that was cut."""
    failure = await failure_of(ok(b" " * (arm.LARGEST_PAGE + 1)))

    assert failure.reason is FailureReason.INVALID


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (408, FailureReason.TIMEOUT),
        (429, FailureReason.RATE_LIMITED),
        (500, FailureReason.SERVER),
        (502, FailureReason.UNAVAILABLE),
        (503, FailureReason.UNAVAILABLE),
        (504, FailureReason.TIMEOUT),
        (599, FailureReason.SERVER),
    ],
)
async def test_trouble_that_passes_is_transient(
    status: int, reason: FailureReason
) -> None:
    """Throttling and failures of ARM, also in the middle of a list."""
    failure = await failure_of(page(following=SECOND), answer(status))

    assert isinstance(failure, TransientFailure)
    assert failure.reason is reason
    assert SUBSCRIPTION in str(failure)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("17", timedelta(seconds=17)),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("9" * 9_000, timedelta(seconds=999_999)),
    ],
)
async def test_how_long_to_wait_is_handed_on(
    value: str, wait: timedelta | None
) -> None:
    """What ARM asks for in Retry-After is in the failure."""
    failure = await failure_of(answer(429, wait=value))

    assert isinstance(failure, TransientFailure)
    assert failure.retry_after == wait


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, FailureReason.AUTH),
        (403, FailureReason.AUTH),
        (404, FailureReason.NOT_FOUND),
    ],
)
async def test_a_missing_right_is_named(status: int, reason: FailureReason) -> None:
    """With the subscription, the permission and the role that has it."""
    failure = await failure_of(answer(status))

    assert isinstance(failure, PermanentFailure)
    assert failure.reason is reason
    for said in (SUBSCRIPTION, "Microsoft.Security/alerts/read", "Security Reader"):
        assert said in str(failure)


@pytest.mark.parametrize("status", [204, 302, 400, 409])
async def test_any_other_answer_is_final(status: int) -> None:
    """A redirect too: the token goes nowhere else."""
    failure = await failure_of(answer(status))

    assert isinstance(failure, PermanentFailure)
    assert failure.reason is FailureReason.INVALID


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"error": {"code": "AuthorizationFailed", "message": "s3cret"}}', True),
        (b'{"error": {"code": "s3cret value"}}', False),
        (b'{"error": {"code": ["s3cret"]}}', False),
        (b'{"error": "s3cret"}', False),
        (b'["s3cret"]', False),
        (b"null", False),
        (b"s3cret", False),
        (b"[" * 100_000, False),
    ],
)
async def test_of_an_error_only_its_code_is_repeated(
    body: bytes, *, code: bool
) -> None:
    """An identifier helps to find the cause; texts may quote anything."""
    failure = await failure_of(answer(403, body))

    assert ("(AuthorizationFailed)" in str(failure)) is code
    assert "s3cret" not in str(failure)


async def test_a_failure_of_the_road_is_the_callers() -> None:
    """What the HTTP client raises comes through as it is."""
    down = TransientFailure(FailureReason.TIMEOUT, "no answer in time")

    assert await failure_of(down) is down


async def test_the_address_may_have_a_path() -> None:
    """As a stand-in's has; the scope is that of its host alone."""
    http, tokens = FakeHttp(page()), Tokens()
    side = Arm("http://127.0.0.1:8080/arm", http=http, token=tokens)

    assert len([each async for each in side.alerts(SUBSCRIPTION)]) == 1

    assert http.sent[0].url.startswith("http://127.0.0.1:8080/arm/subscriptions/")
    assert tokens.scopes == ["http://127.0.0.1:8080/.default"]


# Single documents


async def document_of(*script: Reply | Exception) -> dict[str, object]:
    side = Arm(URL, http=FakeHttp(*script), token=Tokens())
    return await side.document("/subscriptions/x", "2022-10-01", permission="a role")


async def test_a_document_is_read_by_its_path() -> None:
    """With the version, and a token of ARM's scope."""
    http, tokens = FakeHttp(ok(b'{"name": "law"}')), Tokens()

    found = await Arm(URL, http=http, token=tokens).document(
        "/subscriptions/x", "2022-10-01", permission="a role"
    )

    assert found == {"name": "law"}
    assert http.sent[0].url == f"{URL}/subscriptions/x?api-version=2022-10-01"
    assert tokens.scopes == ["https://management.azure.com/.default"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7", b"\xff", b"[" * 100_000])
async def test_what_is_no_object_is_no_document(body: bytes) -> None:
    """A proxy's page is not taken for one."""
    with pytest.raises(PermanentFailure) as caught:
        await document_of(ok(body))

    assert caught.value.reason is FailureReason.INVALID


async def test_what_may_not_be_read_names_its_permission() -> None:
    """That of the document, not that of the alerts."""
    with pytest.raises(PermanentFailure, match="whoever asks needs a role"):
        await document_of(answer(403))


# The setting


def arm_url(value: str | None) -> str:
    environment: Mapping[str, str] = {
        "AzureWebJobsStorage": "UseDevelopmentStorage=true"
    }
    if value is not None:
        environment = {**environment, "FIREWATCH_ARM_URL": value}
    return settings.from_environment(environment).arm_url


@pytest.mark.parametrize("value", [None, ""])
def test_the_public_cloud_is_the_default(value: str | None) -> None:
    """An empty setting is none."""
    assert arm_url(value) == URL


@pytest.mark.parametrize(
    ("value", "url"),
    [
        (
            "https://management.usgovcloudapi.net/",
            "https://management.usgovcloudapi.net",
        ),
        ("http://127.0.0.1:8080/arm", "http://127.0.0.1:8080/arm"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_other_clouds_and_this_machine_may_be_asked(value: str, url: str) -> None:
    """A slash at the end makes no difference."""
    assert arm_url(value) == url


@pytest.mark.parametrize(
    "value",
    [
        "http://management.azure.com",
        "http://127.0.0.1.evil.example",
        "ftp://management.azure.com",
        "management.azure.com",
        "https://",
        "https://user:s3cret@management.azure.com",
        "https://management.azure.com?s3cret",
        "https://management.azure.com#s3cret",
        "https://management.azure.com:s3cret",
        "https://[s3cret",
        "https://management.azure.com/\n",
        "https://mänagement.azure.com",
    ],
)
def test_any_other_address_is_a_mistake(value: str) -> None:
    """The setting is named, its value is not repeated."""
    with pytest.raises(SettingsError) as caught:
        arm_url(value)

    [problem] = caught.value.problems
    assert problem.startswith("FIREWATCH_ARM_URL: ")
    assert "s3cret" not in problem
