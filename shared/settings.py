"""The environment, read here and nowhere else."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from shared.model import resource
from shared.model.errors import SettingsError
from shared.model.http import is_this_machine
from shared.model.secret import Secret, SecretRef

PACKAGED_POLICY = Path(__file__).parent.parent / "policy.yaml"

# A worker that died leaves its incidents leased this long. The slowest responder call
# must fit well inside.
DEFAULT_LEASE = timedelta(seconds=120)

# How long what ended stays beside what goes on: seven days that a hub keeps events, and
# a month (review F8). Fewer than eight, and what the hub gives again would be new.
DEFAULT_KEEP = timedelta(days=37)
LEAST_KEEP_DAYS, MOST_KEEP_DAYS = 8, 3_650

# Azure Resource Manager of the public cloud; the national ones have their own.
DEFAULT_ARM_URL = "https://management.azure.com"

# The query API of Log Analytics, likewise.
DEFAULT_LOGS_URL = "https://api.loganalytics.io"

# What containment acts by. Tokens for Defender for Endpoint are for the older of its two
# hosts, whichever is called (remote-apis-azure.md 0.1) [unverified for the newer one].
DEFAULT_GRAPH_URL = "https://graph.microsoft.com"
DEFAULT_ENDPOINT_URL = "https://api.securitycenter.microsoft.com"
DEFAULT_ENDPOINT_AUDIENCE = "https://api.securitycenter.microsoft.com"

# Vaults are below it, and tokens for them are for it.
DEFAULT_VAULT_URL = "https://vault.azure.net"

# The blobs of accounts are below it.
DEFAULT_BLOB_URL = "https://blob.core.windows.net"

_ENDPOINT = re.compile(r"(?:^|;)Endpoint=sb://(?P<host>[A-Za-z0-9.-]+)", re.IGNORECASE)

# The settings that say where an API is; a field is named like its setting.
_URLS = {
    "FIREWATCH_ARM_URL": DEFAULT_ARM_URL,
    "FIREWATCH_LOGS_URL": DEFAULT_LOGS_URL,
    "FIREWATCH_GRAPH_URL": DEFAULT_GRAPH_URL,
    "FIREWATCH_ENDPOINT_URL": DEFAULT_ENDPOINT_URL,
    "FIREWATCH_ENDPOINT_AUDIENCE": DEFAULT_ENDPOINT_AUDIENCE,
    "FIREWATCH_VAULT_URL": DEFAULT_VAULT_URL,
    "FIREWATCH_BLOB_URL": DEFAULT_BLOB_URL,
}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are. Secrets stay in the environment until ``secret`` asks for one.

    Either ``connection_string`` is set, or the three service URIs are and the app's
    managed identity (``client_id``, if user-assigned) opens them. URLs have no slash at
    their end. ``hub`` is the event hub that is read, as ``namespace/hub``, and empty
    where that is not known. ``policy_blob`` is empty where no policy reloads. ``easy_auth``
    says that the platform signs people in before a request comes here, and so that its
    word on who it is may be taken (review F13). ``public_url`` is where people reach the
    app, and empty where messages offer no links; those are signed with ``link_key``, and
    ``link_key_previous`` passes too. ``own_group`` is the canonical id of the resource
    group that the app is in, empty where the platform does not say.
    """

    connection_string: Secret | None
    table_uri: str
    blob_uri: str
    queue_uri: str
    client_id: str
    policy: Path
    lease: timedelta
    keep: timedelta = DEFAULT_KEEP
    arm_url: str = DEFAULT_ARM_URL
    logs_url: str = DEFAULT_LOGS_URL
    graph_url: str = DEFAULT_GRAPH_URL
    endpoint_url: str = DEFAULT_ENDPOINT_URL
    endpoint_audience: str = DEFAULT_ENDPOINT_AUDIENCE
    vault_url: str = DEFAULT_VAULT_URL
    hub: str = ""
    blob_url: str = DEFAULT_BLOB_URL
    policy_blob: str = ""
    easy_auth: bool = False
    public_url: str = ""
    link_key: Secret | None = None
    link_key_previous: Secret | None = None
    own_group: str = ""
    environment: Mapping[str, str]

    def secret(self, ref: SecretRef) -> Secret | None:
        """The secret a policy names; None where no such setting has a value."""
        value = self.environment.get(ref.setting, "")
        # An unresolved Key Vault reference arrives as its own text.
        if not value or value.startswith("@Microsoft.KeyVault("):
            return None
        return Secret(value)

    def __repr__(self) -> str:
        return f"Settings(policy={self.policy}, lease={self.lease})"


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings. Raises SettingsError listing every problem, no values of secrets."""
    env = os.environ if environment is None else environment
    problems: list[str] = []
    connection = env.get("AzureWebJobsStorage", "")
    uris = {
        service: env.get(f"AzureWebJobsStorage__{service}ServiceUri", "")
        for service in ("table", "blob", "queue")
    }
    if not connection and not all(uris.values()):
        missing = [s for s, uri in uris.items() if not uri]
        problems.append(
            "AzureWebJobsStorage: set a connection string, or"
            + "".join(f" AzureWebJobsStorage__{s}ServiceUri" for s in missing)
        )
    lease = _whole(env, "FIREWATCH_LEASE_SECONDS", (1, 600), DEFAULT_LEASE, problems)
    bounds = (LEAST_KEEP_DAYS, MOST_KEEP_DAYS)
    keep = _whole(env, "FIREWATCH_KEEP_DAYS", bounds, DEFAULT_KEEP, problems)
    urls = {
        name.removeprefix("FIREWATCH_").lower(): _url(env, name, problems) or default
        for name, default in _URLS.items()
    }
    policy_blob = _url(env, "FIREWATCH_POLICY_BLOB", problems)
    if policy_blob and not urlsplit(policy_blob).path.strip("/").count("/"):
        problems.append(
            "FIREWATCH_POLICY_BLOB: expected a URL of a blob in a container"
        )
    public_url = _url(env, "FIREWATCH_PUBLIC_URL", problems)
    easy_auth = env.get("EASY_AUTH", "")
    if easy_auth not in {"", "0", "1"}:
        problems.append("EASY_AUTH: expected 1, or 0")
    if problems:
        raise SettingsError(problems)
    return Settings(
        connection_string=Secret(connection) if connection else None,
        table_uri=uris["table"],
        blob_uri=uris["blob"],
        queue_uri=uris["queue"],
        client_id=env.get("AzureWebJobsStorage__clientId", ""),
        policy=Path(env.get("FIREWATCH_POLICY", "") or PACKAGED_POLICY),
        lease=lease,
        keep=keep,
        **urls,
        hub=_hub(env),
        policy_blob=policy_blob,
        easy_auth=easy_auth == "1",
        public_url=public_url,
        # What is wrong with a key costs links, and nothing else (law 6).
        link_key=_secret(env, "FIREWATCH_LINK_KEY"),
        link_key_previous=_secret(env, "FIREWATCH_LINK_KEY_PREVIOUS"),
        own_group=_own_group(env),
        environment=env,
    )


def _own_group(env: Mapping[str, str]) -> str:
    """Where the app is, as App Service says: its owner is the subscription and more."""
    subscription = env.get("WEBSITE_OWNER_NAME", "").partition("+")[0]
    group = env.get("WEBSITE_RESOURCE_GROUP", "")
    known = resource.whole_id(f"/subscriptions/{subscription}/resourceGroups/{group}")
    return known or ""


def _hub(env: Mapping[str, str]) -> str:
    """The event hub that the host reads for us, by the namespace's own name."""
    host = env.get("AlertsHub__fullyQualifiedNamespace", "")
    if not host:
        # Of a connection string no more than where it leads.
        found = _ENDPOINT.search(env.get("AlertsHub", ""))
        host = found["host"] if found else ""
    namespace, hub = host.partition(".")[0].lower(), env.get("ALERTS_HUB", "")
    return f"{namespace}/{hub.lower()}" if namespace and hub else ""


def _secret(env: Mapping[str, str], name: str) -> Secret | None:
    value = env.get(name, "")
    return Secret(value) if value else None


def _whole(
    env: Mapping[str, str],
    name: str,
    bounds: tuple[int, int],
    default: timedelta,
    problems: list[str],
) -> timedelta:
    """A whole number within the bounds, of what the name ends with: days or seconds."""
    text, (least, most) = env.get(name, ""), bounds
    if not text:
        return default
    unit = name.rpartition("_")[2].lower()
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if not (is_number and least <= int(text) <= most):
        problems.append(f"{name}: expected whole {unit} from {least} to {most}")
        return default
    return timedelta(**{unit: int(text)})


def _url(env: Mapping[str, str], name: str, problems: list[str]) -> str:
    """The URL of a setting, without a slash at its end; empty where there is none."""
    text = env.get(name, "")
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not (host and text.isascii() and text.isprintable()) or set("@?#") & {*text}:
        problems.append(f"{name}: expected a URL without user name, query or fragment")
    elif parts.scheme != "https" and not (
        parts.scheme == "http" and is_this_machine(host)
    ):
        problems.append(
            f"{name}: must begin with https:// (http:// is for this machine only)"
        )
    else:
        return text.rstrip("/")
    return ""
