"""The apps of a deployment agree with the code: settings, functions, bindings, names."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from shared import settings
from shared.answers.links import SIGNED_IN
from shared.clouds import storage
from shared.triage import policy
from tests.infra import deploying
from tests.infra.bicep import FOLDER, MAIN, read
from tests.infra.cases import LEAST, NAMES, all_of, app_settings, deployed, one_of
from tests.infra.values import TENANT, Made
from tests.meta.source_tree import ROOT
from tests.meta.test_app import TRIGGERS
from tests.meta.test_docs import Asked

HOST: dict[str, Any] = json.loads((ROOT / "host.json").read_text("utf-8"))
APPS = ("web", "worker")

every = pytest.mark.parametrize("name", NAMES)
both = pytest.mark.parametrize("app", APPS)

# Settings that the host and the platform read, and what for.
PLATFORM = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "as whom the host sends logs",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "where the host sends logs",
    "AlertsHub__clientId": "as whom the host reads the hub",
    "AlertsHub__credential": "that it does so by identity",
    "AzureWebJobsStorage__credential": "that the host opens storage by identity",
}
SIGN_IN = {
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID": "as whom the platform signs people in",
    "WEBSITE_AUTH_AAD_ALLOWED_TENANTS": "whose people those may be",
}
# What is known to code and stands in no template: the alternatives to an identity.
NOT_IN_AZURE = {"AlertsHub", "AzureWebJobsStorage"}
# What App Service sets by itself: where the app is.
GIVEN = {"WEBSITE_OWNER_NAME", "WEBSITE_RESOURCE_GROUP"}

_DISABLED = re.compile(r"AzureWebJobs\.(\w+)\.Disabled")


def of_the_code() -> set[str]:
    """Every setting that settings.py asks for, and every one that a binding names."""
    environment = Asked({"AzureWebJobsStorage": "UseDevelopmentStorage=true"})
    settings.from_environment(environment)
    app = (ROOT / "function_app.py").read_text("utf-8")
    return environment.names | {*re.findall(r"%(\w+)%", app)}


def secrets_of_the_policy() -> set[str]:
    """Settings that the policy in the package names."""
    text = (ROOT / "policy.yaml").read_text("utf-8")
    policy.load(text.encode())
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return {*re.findall(r"\{setting: (\w+)\}", "\n".join(lines))}


@both
def test_the_settings_are_those_that_code_knows(app: str) -> None:
    """With everything on, each that settings.py asks for is there, and no other."""
    found = app_settings("most", app)
    switches = {name for name in found if _DISABLED.fullmatch(name)}
    known = PLATFORM.keys() | (SIGN_IN.keys() if app == "web" else set())

    ours = found.keys() - switches - known - secrets_of_the_policy()
    assert ours == of_the_code() - NOT_IN_AZURE - GIVEN


@every
@both
def test_the_app_takes_its_settings(name: str, app: str) -> None:
    """What the platform would hand over is read without a problem."""
    found = {
        name: re.sub(r"^@Microsoft.KeyVault\(.*\)$", "x" * 64, value)
        for name, value in app_settings(name, app).items()
    }

    read = settings.from_environment(found)

    assert read.connection_string is None
    assert read.client_id.startswith("client of id-firewatch-")
    assert read.client_id.endswith(app)
    assert read.easy_auth == (name == "most")
    assert read.arm_url == settings.DEFAULT_ARM_URL
    assert read.logs_url == settings.DEFAULT_LOGS_URL
    assert read.graph_url == settings.DEFAULT_GRAPH_URL
    assert read.endpoint_audience == settings.DEFAULT_ENDPOINT_AUDIENCE
    assert read.vault_url == settings.DEFAULT_VAULT_URL
    assert read.blob_url == settings.DEFAULT_BLOB_URL
    nearer = "https://eu.api.security.microsoft.com"
    assert read.endpoint_url == (
        nearer if name == "most" else settings.DEFAULT_ENDPOINT_URL
    )
    assert bool(read.policy_blob) == (name == "most")
    assert bool(read.link_key) == bool(read.public_url)


def test_defaults_are_those_of_the_code() -> None:
    """Whoever gives no parameter gets what an app without the setting has."""
    read = settings.from_environment(app_settings("least", "worker"))

    assert (read.keep, read.lease) == (settings.DEFAULT_KEEP, settings.DEFAULT_LEASE)
    assert read.policy == settings.PACKAGED_POLICY
    declared = _bounds("keepDays")
    assert declared == (settings.LEAST_KEEP_DAYS, settings.MOST_KEEP_DAYS)


def _bounds(parameter: str) -> tuple[int, int]:
    decorators = read(MAIN).parameters[parameter]["decorators"]
    said = {each["type"]: each["argument"] for each in decorators}
    return said["min_value"], said["max_value"]


@every
def test_both_apps_have_the_same_settings(name: str) -> None:
    """Save who they are, which functions run, and what the sign-in needs."""
    web, worker = (app_settings(name, app) for app in APPS)
    different = {
        each
        for each in web.keys() | worker.keys()
        if web.get(each) != worker.get(each) and not _DISABLED.fullmatch(each)
    }

    assert different - SIGN_IN.keys() == {
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        "AlertsHub__clientId",
        "AzureWebJobsStorage__clientId",
    }


def test_secrets_are_references_to_the_vault() -> None:
    """Each that the packaged policy names is there, under a name that a vault takes."""
    vault = one_of("least", "Microsoft.KeyVault/vaults").name
    found = app_settings("least", "worker")

    assert secrets_of_the_policy()
    for name in secrets_of_the_policy():
        secret = name.lower().replace("_", "-")
        uri = f"https://{vault}.vault.azure.net/secrets/{secret}/"
        assert found[name] == f"@Microsoft.KeyVault(SecretUri={uri})"
    sites = all_of("least", "Microsoft.Web/sites")
    for site in sites:
        identity = site.body["properties"]["keyVaultReferenceIdentity"]
        assert [*site.body["identity"]["userAssignedIdentities"]] == [identity]


@every
def test_each_function_runs_in_one_app(name: str) -> None:
    """What answers HTTP in the one, everything else in the other."""
    listed = json.loads((FOLDER / "functions.json").read_text("utf-8"))
    http = {n for n, trigger in TRIGGERS.items() if trigger["type"] == "httpTrigger"}
    off = {
        app: {
            found[1]: value
            for setting, value in app_settings(name, app).items()
            if (found := _DISABLED.fullmatch(setting))
        }
        for app in APPS
    }

    assert listed == {"web": sorted(http), "worker": sorted(TRIGGERS.keys() - http)}
    assert off["worker"] == dict.fromkeys(http, "true")
    assert off["web"] == dict.fromkeys(TRIGGERS.keys() - http, "true")


@every
def test_bindings_find_what_they_name(name: str) -> None:
    """Hub, consumer group and queues of the triggers are in the templates."""
    hub = one_of(name, "Microsoft.EventHub/namespaces/eventhubs")
    group = one_of(name, "Microsoft.EventHub/namespaces/eventhubs/consumergroups")
    queues = all_of(name, "Microsoft.Storage/storageAccounts/queueServices/queues")
    found = app_settings(name, "worker")
    trigger = {name: str(value) for name, value in TRIGGERS["ingest_alerts"].items()}

    assert found[trigger["eventHubName"].strip("%")] == hub.name.rpartition("/")[2]
    assert found[trigger["consumerGroup"].strip("%")] == group.name.rpartition("/")[2]
    namespace = hub.name.partition("/")[0]
    key = f"{trigger['connection']}__fullyQualifiedNamespace"
    assert found[key] == f"{namespace}.servicebus.windows.net"
    bound = {t["queueName"] for t in TRIGGERS.values() if t["type"] == "queueTrigger"}
    assert {queue.name.rpartition("/")[2] for queue in queues} == bound
    assert storage.QUEUE in bound


@every
def test_the_stores_are_those_of_the_code(name: str) -> None:
    """Tables and container are made under the names that the app opens."""
    tables = all_of(name, "Microsoft.Storage/storageAccounts/tableServices/tables")
    kind = "Microsoft.Storage/storageAccounts/blobServices/containers"
    container = one_of(name, kind, "data.bicep")
    account = one_of(name, "Microsoft.Storage/storageAccounts", "data.bicep").name
    found = app_settings(name, "web")

    names = {table.name.rpartition("/")[2] for table in tables}
    assert names == {storage.TABLE, storage.HISTORY}
    assert container.name.rpartition("/")[2] == storage.CONTAINER
    for service in ("blob", "queue", "table"):
        uri = found[f"AzureWebJobsStorage__{service}ServiceUri"]
        assert uri == f"https://{account}.{service}.core.windows.net/"


def test_the_lifecycle_is_that_of_the_archive() -> None:
    """Nothing but the archive of alerts grows cold or goes: dead letters stay at hand."""
    rules = one_of("most", "Microsoft.Storage/storageAccounts/managementPolicies")
    archive, *versions = rules.body["properties"]["policy"]["rules"]
    written = (ROOT / "shared/store/batches.py").read_text("utf-8")

    (prefix,) = archive["definition"]["filters"]["prefixMatch"]
    container, _, folder = prefix.partition("/")
    assert container == storage.CONTAINER
    assert f'f"{folder}' in written or f'"{folder}' in written
    assert all("baseBlob" not in rule["definition"]["actions"] for rule in versions)
    base = archive["definition"]["actions"]["baseBlob"]
    days = [each["daysAfterModificationGreaterThan"] for each in base.values()]
    assert [*base] == ["tierToCool", "tierToCold", "delete"]
    assert days == sorted(days)


def test_nothing_is_deleted_unless_it_is_said() -> None:
    """Without the parameter the archive stays; what must stay is not deleted before."""
    kind = "Microsoft.Storage/storageAccounts/managementPolicies"
    (rule, *_) = one_of("least", kind).body["properties"]["policy"]["rules"]
    assert "delete" not in rule["definition"]["actions"]["baseBlob"]

    both = LEAST | {"archiveDeleteAfterDays": 30, "archiveImmutableDays": 365}
    found = deploying.deploy(MAIN, both).everything()
    (made,) = (m for m in found if m.type == kind)
    (rule, *_) = made.body["properties"]["policy"]["rules"]
    deleted = rule["definition"]["actions"]["baseBlob"]["delete"]
    assert deleted == {"daysAfterModificationGreaterThan": 365}


@every
def test_events_are_kept_no_longer_than_incidents(name: str) -> None:
    """What the hub gives again must not be new to the app (review F8)."""
    hub = one_of(name, "Microsoft.EventHub/namespaces/eventhubs").body["properties"]
    read = settings.from_environment(app_settings(name, "worker"))

    assert hub["messageRetentionInDays"] + 30 <= read.keep.days


@every
def test_apps_are_told_apart_by_the_host(name: str) -> None:
    """They share a storage account, where the host goes by 32 characters of a name."""
    names = [site.name[:32] for site in all_of(name, "Microsoft.Web/sites")]

    assert len(names) == len({*names}) == 2


@every
def test_apps_run_what_azure_was_tested_with(name: str) -> None:
    """Python 3.13 on Flex Consumption, a plan for each, from a container of its own."""
    sites = all_of(name, "Microsoft.Web/sites")
    plans = all_of(name, "Microsoft.Web/serverfarms")
    account = one_of(name, "Microsoft.Storage/storageAccounts", "deliveries.bicep").name
    configs = [site.body["properties"]["functionAppConfig"] for site in sites]

    assert {s.body["properties"]["serverFarmId"] for s in sites} == {
        p.id for p in plans
    }
    assert all(
        p.body["sku"] == {"name": "FC1", "tier": "FlexConsumption"} for p in plans
    )
    python = {"name": "python", "version": "3.13"}
    assert all(config["runtime"] == python for config in configs)
    containers = [config["deployment"]["storage"]["value"] for config in configs]
    url = f"https://{account}.blob.core.windows.net"
    assert containers == [f"{url}/package-web", f"{url}/package-worker"]


def test_what_is_kept_warm_is_a_function() -> None:
    """Of the app that runs it, or the group of all that answers HTTP."""
    web, worker = (
        site.body["properties"]["functionAppConfig"]["scaleAndConcurrency"][
            "alwaysReady"
        ]
        for site in all_of("most", "Microsoft.Web/sites")
    )

    assert web == [{"name": "http", "instanceCount": 1}]
    names = {each["name"].removeprefix("function:") for each in worker}
    assert names == {"ingest_alerts", "respond"} <= TRIGGERS.keys()


# Who is asked to sign in


def sign_in(name: str) -> dict[str, Any]:
    """What the platform does before a request comes to the web app."""
    (found,) = (
        made
        for made in all_of(name, "Microsoft.Web/sites/config")
        if made.name.endswith("/authsettingsV2")
    )
    properties: dict[str, Any] = found.body["properties"]
    return properties


def is_open(path: str, excluded: list[str]) -> bool:
    """Whether nobody need be signed in at a path ("Configuration file reference")."""
    return any(
        path.startswith(each[:-1]) if each.endswith("*") else path == each
        for each in excluded
    )


def test_people_sign_in_where_they_must() -> None:
    """Only what proves itself otherwise is left out: links, senders, other sides, health."""
    prefix = HOST["extensions"]["http"]["routePrefix"]
    excluded = sign_in("most")["globalValidation"]["excludedPaths"]

    for name, trigger in TRIGGERS.items():
        if trigger["type"] != "httpTrigger":
            continue
        route = str(trigger["route"]).replace("{responder}", "on-call")
        path = f"/{prefix}/{route}"
        proves_itself = trigger["authLevel"] == "ANONYMOUS"
        is_left_out = name == "health" or (proves_itself and route != SIGNED_IN)
        assert is_open(path, excluded) == is_left_out, path


def test_the_platform_signs_in_by_entra_without_a_secret() -> None:
    """Of this tenant alone, and whom the parameters name."""
    found = sign_in("most")
    entra = found["identityProviders"]["azureActiveDirectory"]
    registration, allowed = entra["registration"], entra["validation"]
    client = "11111111-1bf0-4dda-aec3-cb9272f09590"
    secret = registration["clientSecretSettingName"]

    assert found["platform"] == {"enabled": True}
    assert found["globalValidation"]["requireAuthentication"] is True
    assert TENANT in registration["openIdIssuer"]
    assert app_settings("most", "web")[secret].startswith("client of ")
    policy = allowed["defaultAuthorizationPolicy"]
    assert policy["allowedApplications"] == [
        client,
        "33333333-1bf0-4dda-aec3-cb9272f09590",
    ]
    assert policy["allowedPrincipals"]["groups"] == [
        "22222222-1bf0-4dda-aec3-cb9272f09590"
    ]
    assert client in allowed["allowedAudiences"]


@every
def test_the_app_believes_the_platform_only_where_it_asks(name: str) -> None:
    """EASY_AUTH and the sign-in go together, and the sign-in comes first (review F13)."""
    configs = all_of(name, "Microsoft.Web/sites/config")
    asks = any(made.name.endswith("/authsettingsV2") for made in configs)

    assert app_settings(name, "web")["EASY_AUTH"] == ("1" if asks else "0")
    source = configs[0].source
    (last,) = (each for each in source.resources if each.symbol == "appSettings")
    assert last.body["dependsOn"] == ["signIn"]
    (site,) = (each for each in source.resources if each.symbol == "site")
    assert "appSettings" not in site.body["properties"]["siteConfig"]


@every
def test_the_worker_is_sent_no_requests(name: str) -> None:
    """Its functions of HTTP are off, and the platform lets nobody through either."""
    web, worker = all_of(name, "Microsoft.Web/sites")

    assert _main(web) == "Allow"
    assert _main(worker) == "Deny"
    for site in (web, worker):
        config = site.body["properties"]["siteConfig"]
        assert config["scmIpSecurityRestrictionsUseMain"] is False
        assert site.body["properties"]["httpsOnly"] is True


def _main(site: Made) -> str:
    found: str = site.body["properties"]["siteConfig"][
        "ipSecurityRestrictionsDefaultAction"
    ]
    return found


@every
def test_no_app_is_published_by_password(name: str) -> None:
    """Neither by FTP nor by basic authentication."""
    kind = "Microsoft.Web/sites/basicPublishingCredentialsPolicies"
    found = all_of(name, kind)

    assert len(found) == 4
    assert all(made.body["properties"] == {"allow": False} for made in found)


def test_addresses_are_those_of_the_web_app() -> None:
    """Links and webhooks lead there, or to the name that people give it."""
    host = deployed("most").outputs["WEB_HOST_NAME"]
    group = one_of("most", "Microsoft.Insights/actionGroups", "webhook.bicep")
    (receiver,) = group.body["properties"]["webhookReceivers"]
    prefix = HOST["extensions"]["http"]["routePrefix"]
    route = TRIGGERS["receive_alerts"]["route"]

    assert app_settings("most", "worker")["FIREWATCH_PUBLIC_URL"] == f"https://{host}"
    assert receiver["serviceUri"] == f"https://{host}/{prefix}/{route}"

    given = LEAST | {"publicUrl": "https://firewatch.example.com"}
    assert deploying.deploy(MAIN, given).outputs["WEB_URL"] == given["publicUrl"]


def test_the_policy_blob_is_in_the_account_of_deliveries() -> None:
    """The app only reads there (review F12)."""
    account = one_of(
        "most", "Microsoft.Storage/storageAccounts", "deliveries.bicep"
    ).name
    blob = app_settings("most", "worker")["FIREWATCH_POLICY_BLOB"]

    assert blob == f"https://{account}.blob.core.windows.net/policy/policy.yaml"
    assert blob.startswith(f"{deployed('most').outputs['POLICY_CONTAINER']}/")
