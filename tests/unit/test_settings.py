"""The environment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.model.errors import SettingsError
from shared.model.secret import SecretRef
from shared.settings import (
    DEFAULT_KEEP,
    DEFAULT_LEASE,
    PACKAGED_POLICY,
    from_environment,
)

CONNECTION = {"AzureWebJobsStorage": "AccountKey=hunter2"}
URIS = {
    f"AzureWebJobsStorage__{service}ServiceUri": f"https://a.{service}.example"
    for service in ("table", "blob", "queue")
}


def test_a_connection_string_is_enough() -> None:
    """The packaged policy and the usual lease go with it."""
    found = from_environment(CONNECTION)

    assert found.connection_string is not None
    assert found.connection_string.reveal() == "AccountKey=hunter2"
    assert found.policy == PACKAGED_POLICY
    assert found.lease == DEFAULT_LEASE
    assert found.keep == DEFAULT_KEEP


def test_a_managed_identity_needs_the_three_addresses() -> None:
    """With a client id where it is user-assigned."""
    found = from_environment(URIS | {"AzureWebJobsStorage__clientId": "id"})

    assert found.connection_string is None
    assert found.table_uri == "https://a.table.example"
    assert found.client_id == "id"


def test_every_problem_is_listed() -> None:
    """What is missing, and what is no number, at once."""
    env = {"FIREWATCH_LEASE_SECONDS": "soon"} | URIS
    del env["AzureWebJobsStorage__queueServiceUri"]

    with pytest.raises(SettingsError) as caught:
        from_environment(env)

    storage, lease = caught.value.problems
    assert "AzureWebJobsStorage__queueServiceUri" in storage
    assert "tableServiceUri" not in storage
    assert lease.startswith("FIREWATCH_LEASE_SECONDS")


@pytest.mark.parametrize("text", ["7", "3651", "-9", "37.0", "³⁷", "9" * 5_000])
def test_what_ended_is_kept_for_whole_days_within_bounds(text: str) -> None:
    """From 8, which is more than a hub gives again, to ten years."""
    with pytest.raises(SettingsError, match="FIREWATCH_KEEP_DAYS"):
        from_environment(CONNECTION | {"FIREWATCH_KEEP_DAYS": text})

    found = from_environment(CONNECTION | {"FIREWATCH_KEEP_DAYS": "8"})
    assert found.keep == timedelta(days=8)


@pytest.mark.parametrize("text", ["0", "601", "-1", "1.5", "²", " 5", "1e2"])
def test_a_lease_is_whole_seconds_within_bounds(text: str) -> None:
    """From 1 to 600."""
    with pytest.raises(SettingsError):
        from_environment(CONNECTION | {"FIREWATCH_LEASE_SECONDS": text})

    found = from_environment(CONNECTION | {"FIREWATCH_LEASE_SECONDS": "600"})
    assert found.lease == timedelta(seconds=600)


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ("hunter2", True),
        ("", False),
        ("@Microsoft.KeyVault(SecretUri=https://v/secrets/k)", False),
    ],
)
def test_a_secret_is_found_by_its_setting(value: str, *, known: bool) -> None:
    """An unresolved Key Vault reference is no secret."""
    found = from_environment(CONNECTION | {"KEY": value}).secret(SecretRef("KEY"))

    assert (found is not None) is known
    assert from_environment(CONNECTION).secret(SecretRef("KEY")) is None


@pytest.mark.parametrize(
    ("given", "is_on"),
    [
        ({}, False),
        ({"EASY_AUTH": ""}, False),
        ({"EASY_AUTH": "0"}, False),
        ({"EASY_AUTH": "1"}, True),
    ],
)
def test_easy_auth_is_on_only_where_it_says_so(
    given: dict[str, str], *, is_on: bool
) -> None:
    """Off, unless the setting is 1: a principal may be anybody's word otherwise."""
    assert from_environment(CONNECTION | given).easy_auth is is_on


@pytest.mark.parametrize("text", ["true", "yes", " 1", "2"])
def test_easy_auth_that_is_neither_is_a_mistake(text: str) -> None:
    """Nobody is to believe that it is on."""
    with pytest.raises(SettingsError, match="EASY_AUTH"):
        from_environment(CONNECTION | {"EASY_AUTH": text})


def test_printing_the_settings_shows_no_secret() -> None:
    """Neither the connection string nor what else the environment holds."""
    found = from_environment(CONNECTION | {"KEY": "hunter3"})

    assert "hunter" not in f"{found} {found!r} {found.connection_string}"


@pytest.mark.parametrize(
    "url",
    [
        "https://policies.blob.core.windows.net/firewatch/policy.yaml",
        "http://127.0.0.1:10000/devstoreaccount1/firewatch/policy.yaml",
        "",
    ],
)
def test_a_policy_may_reload_from_a_blob(url: str) -> None:
    """By https, or from an emulator on this machine; nothing means that none does."""
    found = from_environment({**CONNECTION, "FIREWATCH_POLICY_BLOB": url})

    assert found.policy_blob == url


@pytest.mark.parametrize(
    "url",
    [
        "http://policies.blob.core.windows.net/firewatch/policy.yaml",
        "https://policies.blob.core.windows.net/firewatch/policy.yaml?sig=s3cret",
        "https://user:s3cret@policies.blob.core.windows.net/firewatch/policy.yaml",
        "https://policies.blob.core.windows.net/policy.yaml",
        "https://policies.blob.core.windows.net",
        "policy.yaml",
    ],
)
def test_any_other_address_of_a_policy_is_a_mistake(url: str) -> None:
    """The setting is named; its value, which may hold a secret, is not repeated."""
    with pytest.raises(SettingsError) as caught:
        from_environment({**CONNECTION, "FIREWATCH_POLICY_BLOB": url})

    [problem] = caught.value.problems
    assert problem.startswith("FIREWATCH_POLICY_BLOB: ")
    assert "s3cret" not in problem


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("FIREWATCH_ARM_URL", "https://management.azure.com"),
        ("FIREWATCH_LOGS_URL", "https://api.loganalytics.io"),
        ("FIREWATCH_GRAPH_URL", "https://graph.microsoft.com"),
        ("FIREWATCH_ENDPOINT_URL", "https://api.securitycenter.microsoft.com"),
        ("FIREWATCH_ENDPOINT_AUDIENCE", "https://api.securitycenter.microsoft.com"),
        ("FIREWATCH_VAULT_URL", "https://vault.azure.net"),
    ],
)
def test_the_apis_of_the_public_cloud_are_the_default(name: str, public: str) -> None:
    """Of another cloud, or on this machine, each is where its setting says."""

    def found(value: str = "") -> str:
        settings = from_environment(CONNECTION | {name: value})
        return str(getattr(settings, name.removeprefix("FIREWATCH_").lower()))

    assert found() == public
    assert found("https://api.example.cn/") == "https://api.example.cn"
    assert found("http://127.0.0.1:8080/side") == "http://127.0.0.1:8080/side"
    with pytest.raises(SettingsError, match=name):
        found("http://api.example")


def test_links_are_signed_with_a_key_of_the_settings() -> None:
    """And lead to an address; what is wrong with a key stops nothing but links."""
    keys = {"FIREWATCH_LINK_KEY": "hunter2", "FIREWATCH_LINK_KEY_PREVIOUS": ""}
    found = from_environment(CONNECTION | keys)

    assert found.link_key is not None
    assert found.link_key.reveal() == "hunter2"
    assert found.link_key_previous is None
    assert found.public_url == ""
    assert "hunter2" not in repr(found)
    with pytest.raises(SettingsError, match="FIREWATCH_PUBLIC_URL: must begin"):
        from_environment(CONNECTION | {"FIREWATCH_PUBLIC_URL": "http://example.com"})


@pytest.mark.parametrize(
    ("given", "hub"),
    [
        (
            {"AlertsHub__fullyQualifiedNamespace": "EVHNS.servicebus.windows.net"},
            "evhns/alerts",
        ),
        (
            {
                "AlertsHub": "Endpoint=sb://ns-1.servicebus.windows.net/;"
                "SharedAccessKeyName=x;SharedAccessKey=c2VjcmV0"
            },
            "ns-1/alerts",
        ),
        ({"AlertsHub": "SharedAccessKey=c2VjcmV0"}, ""),
        ({}, ""),
    ],
)
def test_the_hub_is_known_by_its_namespace(given: dict[str, str], hub: str) -> None:
    """However the host is told where it is; of a secret nothing is kept."""
    found = from_environment(
        {"AzureWebJobsStorage": "none", "ALERTS_HUB": "Alerts", **given}
    )

    assert found.hub == hub
    assert "c2VjcmV0" not in repr(found)
