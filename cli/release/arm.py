"""Azure Resource Manager, asked in the name of whoever is signed in to az or azd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from cli.release.errors import ReleaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WEB = "2023-12-01"

# An answer may be a page of HTML; its first words say enough.
_MOST_SHOWN = 300


def cli_token(scope: str) -> str:
    """A token of the Azure CLI's sign-in, else of azd's. Raises ReleaseError."""
    from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415
    from azure.identity import (  # noqa: PLC0415
        AzureCliCredential,
        AzureDeveloperCliCredential,
        ChainedTokenCredential,
    )

    asked = ChainedTokenCredential(AzureCliCredential(), AzureDeveloperCliCredential())
    try:
        token: str = asked.get_token(scope).token
    except ClientAuthenticationError as error:
        raise ReleaseError(f"not signed in to Azure: {error.message}") from error
    return token


class Site(NamedTuple):
    """A function app: where it answers, and where it takes packages."""

    id: str
    host: str
    scm_host: str

    @property
    def subscription(self) -> str:
        """The part of the id that names the subscription."""
        return "/".join(self.id.split("/")[:3])


class Arm:
    """Requests with a token; every answer that is none of success is a ReleaseError.

    ``url`` is Azure Resource Manager's, without a slash at its end.
    """

    def __init__(
        self, http: httpx.Client, token: Callable[[str], str], url: str
    ) -> None:
        self._http = http
        self._token = token
        self._url = url

    @property
    def authorization(self) -> str:
        """The header's value, which Azure's deployment endpoint takes as well."""
        return f"Bearer {self._token(f'{self._url}/.default')}"

    def site(self, app: str) -> Site:
        """The function app of a resource id."""
        properties = self.ask("GET", f"{app}?api-version={_WEB}")["properties"]
        scm = [
            state["name"]
            for state in properties["hostNameSslStates"]
            if state["hostType"] == "Repository"
        ]
        if not scm:
            raise ReleaseError(f"{app}: takes no packages")
        return Site(app, properties["defaultHostName"], scm[0])

    def functions(self, app: str) -> frozenset[str]:
        """The functions that the platform found in what is deployed."""
        found = self.ask("GET", f"{app}/functions?api-version={_WEB}")["value"]
        return frozenset(each["name"].rpartition("/")[2] for each in found)

    def function_key(self, app: str) -> str:
        """The key that opens every function of an app but the administrative ones."""
        path = f"{app}/host/default/listkeys?api-version={_WEB}"
        key: str = self.ask("POST", path)["functionKeys"]["default"]
        return key

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """The JSON of an answer; None where it has none."""
        answer = send(
            self._http,
            httpx.Request(
                method,
                f"{self._url}{path}",
                headers={"authorization": self.authorization},
                json=body,
            ),
        )
        if not answer.is_success:
            raise ReleaseError(refusal(answer))
        return answer.json() if answer.content else None


def send(http: httpx.Client, request: httpx.Request) -> httpx.Response:
    """The answer, of whatever status. Raises ReleaseError where there is none."""
    try:
        return http.send(request)
    except httpx.HTTPError as error:
        raise ReleaseError(
            f"{request.url.host} does not answer: {type(error).__name__}"
        ) from error


def refusal(answer: httpx.Response) -> str:
    """What was asked, and what came back; no headers, since they hold keys."""
    asked = f"{answer.request.method} {answer.request.url.copy_with(query=None)}"
    said = " ".join(answer.text.split())[:_MOST_SHOWN]
    return f"{asked}: {answer.status_code} {said}"
