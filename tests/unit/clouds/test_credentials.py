"""Bearer tokens of the app's identity, through the real SDK where that is possible."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from shared.clouds.credentials import LOCAL_TOKEN, Credentials
from shared.model.errors import (
    FailureReason,
    PermanentFailure,
    ResponderError,
    TransientFailure,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SCOPE = "https://management.azure.com/.default"


class FakeCredential:
    """Gives the token it is told to, or raises; counts what it was asked."""

    def __init__(self, answer: str | Exception = "t0ken") -> None:
        self.answer = answer
        self.scopes: list[tuple[str, ...]] = []
        self.is_closed = False

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:  # noqa: ANN401  the SDK's
        self.scopes.append(scopes)
        if isinstance(self.answer, Exception):
            raise self.answer
        return AccessToken(self.answer, 0)

    async def close(self) -> None:
        self.is_closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class SignIn:
    """Makes fake credentials, and keeps them with the client ids they are for."""

    def __init__(self, answer: str | Exception = "t0ken") -> None:
        self.answer = answer
        self.made: list[tuple[str, FakeCredential]] = []

    def __call__(self, client_id: str) -> FakeCredential:
        credential = FakeCredential(self.answer)
        self.made.append((client_id, credential))
        return credential


async def failure_of(error: Exception) -> ResponderError:
    with pytest.raises(ResponderError) as caught:
        await Credentials("", sign_in=SignIn(error)).token(SCOPE)
    return caught.value


async def test_one_credential_serves_every_scope() -> None:
    """It is made at first use, for the client id of the settings."""
    sign_in = SignIn()
    credentials = Credentials("the-client", sign_in=sign_in)
    before = list(sign_in.made)

    tokens = [await credentials.token(scope) for scope in (SCOPE, "https://x/.default")]

    [(client_id, credential)] = sign_in.made
    assert before == []
    assert client_id == "the-client"
    assert tokens == ["t0ken", "t0ken"]
    assert credential.scopes == [(SCOPE,), ("https://x/.default",)]


async def test_plain_http_never_sees_a_token() -> None:
    """A stand-in on this machine is shown a word, and nobody is asked for more."""
    sign_in = SignIn()

    token = await Credentials("", sign_in=sign_in).token(
        "http://127.0.0.1:8080/.default"
    )

    assert token == LOCAL_TOKEN
    assert sign_in.made == []


async def test_closing_closes_the_credential_and_the_next_use_makes_another() -> None:
    """What was never used needs no closing."""
    sign_in = SignIn()
    credentials = Credentials("", sign_in=sign_in)
    await credentials.close()
    await credentials.token(SCOPE)
    await credentials.close()
    await credentials.token(SCOPE)

    assert [made.is_closed for _, made in sign_in.made] == [True, False]


async def test_an_app_without_an_identity_is_told_so_without_what_was_answered() -> (
    None
):
    """The SDK's text quotes responses; ours names the scope and the error alone."""
    failure = await failure_of(ClientAuthenticationError("s3cret of the answer"))

    assert isinstance(failure, PermanentFailure)
    assert failure.reason is FailureReason.AUTH
    assert SCOPE in str(failure)
    assert "s3cret" not in str(failure)
    assert failure.__cause__ is None
    assert failure.__suppress_context__


@pytest.mark.parametrize("error", [ServiceRequestError("s3cret"), TimeoutError()])
async def test_a_token_service_that_does_not_answer_may_answer_later(
    error: Exception,
) -> None:
    """Nothing was refused, so nothing is final."""
    failure = await failure_of(error)

    assert isinstance(failure, TransientFailure)
    assert failure.reason is FailureReason.UNAVAILABLE
    assert "s3cret" not in str(failure)


@asynccontextmanager
async def identity_endpoint(asked: list[dict[str, str]]) -> AsyncIterator[str]:
    """App Service's own token service, as the platform offers it to an app."""

    async def answer(request: web.Request) -> web.Response:
        asked.append({**request.query, "header": request.headers["X-IDENTITY-HEADER"]})
        expires = str(int(time.time()) + 86_400)
        token = {
            "access_token": "t0ken",
            "expires_on": expires,
            "resource": request.query["resource"],
            "token_type": "Bearer",
        }
        return web.json_response(token)

    application = web.Application()
    application.router.add_get("/msi/token", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/msi/token"
    finally:
        await runner.cleanup()


async def test_the_managed_identity_of_the_app_is_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The real SDK asks the platform's endpoint for the user-assigned identity, and keeps the token."""
    asked: list[dict[str, str]] = []
    credentials = Credentials("11111111-2222-3333-4444-555555555555")
    async with identity_endpoint(asked) as url:
        monkeypatch.setenv("IDENTITY_ENDPOINT", url)
        monkeypatch.setenv("IDENTITY_HEADER", "the-header")
        tokens = [await credentials.token(SCOPE) for _ in range(3)]
        await credentials.close()

    assert tokens == ["t0ken"] * 3
    [request] = asked
    assert request["resource"] == "https://management.azure.com"
    assert request["client_id"] == "11111111-2222-3333-4444-555555555555"
    assert request["header"] == "the-header"
