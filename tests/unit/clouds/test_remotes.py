"""Azure's APIs as responders are given them: each where it is, for whom its tokens are."""

from __future__ import annotations

import pytest

from shared.clouds.remotes import remotes
from shared.model.errors import PermanentFailure
from shared.model.http import Reply
from shared.settings import from_environment
from tests.fakes.http import FakeHttp

STORAGE = {"AzureWebJobsStorage": "none"}
EMPTY = Reply(status=200, headers={}, body=b"{}")


class Asked:
    """Reads one document of each API, and says where and with whose token."""

    def __init__(self, **environment: str) -> None:
        self.http = FakeHttp(default=EMPTY)
        self.scopes: list[str] = []
        self.remotes = remotes(
            from_environment(STORAGE | environment), http=self.http, token=self._token
        )

    async def _token(self, scope: str) -> str:
        self.scopes.append(scope)
        return "t"

    def last(self) -> tuple[str, str]:
        return self.http.sent[-1].url, self.scopes[-1]


async def test_each_is_asked_where_the_public_cloud_has_it() -> None:
    """With a token for it (remote-apis-azure.md 0.1)."""
    asked = Asked()

    await asked.remotes.arm.read("/x")
    assert asked.last() == (
        "https://management.azure.com/x",
        "https://management.azure.com/.default",
    )
    await asked.remotes.graph.read("/users/1")
    assert asked.last() == (
        "https://graph.microsoft.com/v1.0/users/1",
        "https://graph.microsoft.com/.default",
    )
    await asked.remotes.endpoint.read("/machines/1")
    assert asked.last() == (
        "https://api.securitycenter.microsoft.com/api/machines/1",
        "https://api.securitycenter.microsoft.com/.default",
    )
    await asked.remotes.vault("https://kv-core.vault.azure.net/").read("/secrets")
    assert asked.last() == (
        "https://kv-core.vault.azure.net/secrets",
        "https://vault.azure.net/.default",
    )


async def test_a_nearer_host_of_defender_takes_the_same_tokens() -> None:
    """The audience is a setting of its own."""
    asked = Asked(FIREWATCH_ENDPOINT_URL="https://eu.api.security.microsoft.com")

    await asked.remotes.endpoint.read("/machines/1")

    assert asked.last() == (
        "https://eu.api.security.microsoft.com/api/machines/1",
        "https://api.securitycenter.microsoft.com/.default",
    )


@pytest.mark.parametrize(
    "uri",
    [
        "https://vault.azure.net/",
        "https://evil.example/",
        "https://evilvault.azure.net/",
        "https://kv.vault.azure.net.evil.example/",
        "https://kv.vault.azure.net:8443/",
        "https://user@kv.vault.azure.net/",
        "https://kv.vault.azure.net/elsewhere",
        "https://kv.vault.azure.net/?a=b",
        "http://kv.vault.azure.net/",
        "http://127.0.0.1/vault/kv",
        "https://[kv",
        "",
    ],
)
def test_an_address_that_is_no_vaults_is_refused(uri: str) -> None:
    """A token that opens vaults would go there."""
    with pytest.raises(PermanentFailure):
        Asked().remotes.vault(uri)


async def test_on_this_machine_all_vaults_are_at_one_host() -> None:
    """The stand-in's."""
    asked = Asked(FIREWATCH_VAULT_URL="http://127.0.0.1:9/vault")

    await asked.remotes.vault("http://127.0.0.1:9/vault/kv-core/").read("/secrets")

    assert asked.last() == (
        "http://127.0.0.1:9/vault/kv-core/secrets",
        "http://127.0.0.1:9/.default",
    )
    with pytest.raises(PermanentFailure):
        asked.remotes.vault("https://kv-core.vault.azure.net/")
