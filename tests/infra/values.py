"""What expressions of Bicep come to: places, resources, answers of Azure, functions."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.infra.bicep import Source

# A text, a number, a list ..., or one of the kinds below.
Value: TypeAlias = Any

SUBSCRIPTION = "5d6ac3b1-6f0e-4a7f-9f3c-0b1d5f9a7c01"
TENANT = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
LOCATION = "westeurope"

_ENVIRONMENT = {
    "name": "AzureCloud",
    "resourceManager": "https://management.azure.com/",
    "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
    "suffixes": {"storage": "core.windows.net", "keyvaultDns": ".vault.azure.net"},
}

# What Azure answers about a resource of a type and name.
_ANSWERS: dict[str, Callable[[str], dict[str, Value]]] = {
    "Microsoft.EventHub/namespaces": lambda name: {
        "serviceBusEndpoint": f"https://{name}.servicebus.windows.net:443/"
    },
    "Microsoft.ManagedIdentity/userAssignedIdentities": lambda name: {
        "clientId": f"client of {name}",
        "principalId": f"principal of {name}",
    },
    "Microsoft.Storage/storageAccounts": lambda name: {
        "primaryEndpoints": {
            service: f"https://{name}.{service}.core.windows.net/"
            for service in ("blob", "queue", "table")
        }
    },
    "Microsoft.KeyVault/vaults": lambda name: {
        "vaultUri": f"https://{name}.vault.azure.net/"
    },
    "Microsoft.Web/sites": lambda name: {
        "defaultHostName": f"{name}.azurewebsites.net"
    },
}


class DeploymentError(Exception):
    """What Azure or the compiler would refuse."""


class Unknown(str):
    """An answer that only Azure has, named by what is asked."""

    __slots__ = ()

    def get(self, name: str) -> Unknown:
        """Whatever is asked of it is unknown too."""
        return Unknown(f"{self}.{name}")


class Answers(NamedTuple):
    """The properties that Azure has of a resource: what is known of them, and all else."""

    of: str
    known: dict[str, Value]

    def get(self, name: str) -> Value:
        """One of them."""
        return self.known.get(name, Unknown(f"{self.of}.{name}"))


class Place(NamedTuple):
    """A scope: a resource group, else a subscription; or a management group."""

    subscription: str = SUBSCRIPTION
    group: str = ""
    management_group: str = ""

    @property
    def kind(self) -> str:
        """The ``targetScope`` of what is deployed there."""
        if self.management_group:
            return "managementGroup"
        return "resourceGroup" if self.group else "subscription"

    @property
    def id(self) -> str:
        """Its resource id."""
        if self.management_group:
            kind = "Microsoft.Management/managementGroups"
            return f"/providers/{kind}/{self.management_group}"
        end = f"/resourceGroups/{self.group}" if self.group else ""
        return f"/subscriptions/{self.subscription}{end}"

    def get(self, name: str) -> str:
        """What ``subscription()``, ``resourceGroup()`` and the like know of it."""
        known = {"id": self.id, "name": self.group, "subscriptionId": self.subscription}
        return known[name]


class Made(NamedTuple):
    """A resource: one that is deployed, or is there already."""

    source: Source
    symbol: str
    type: str
    version: str
    name: str
    id: str
    scope: str
    body: dict[str, Value]

    def get(self, name: str) -> Value:
        """What other resources ask of it."""
        if name in {"id", "name", "type"}:
            return getattr(self, name)
        if name == "properties":
            last = self.name.rpartition("/")[2]
            answer = _ANSWERS.get(self.type)
            return Answers(self.id, answer(last) if answer else {})
        return Unknown(f"{self.id}.{name}")


def item(base: Value, name: Value) -> Value:
    """What a value has under a name or number. Raises DeploymentError."""
    try:
        if (
            not isinstance(base, str)
            and hasattr(base, "get")
            and type(base) is not dict
        ):
            return base.get(name)
        return base.get(name) if isinstance(base, Unknown) else base[name]
    except (KeyError, IndexError, TypeError):
        raise DeploymentError(f"there is no {name!r} in {base!r}") from None


def shown(value: Value) -> str:
    """A value as it stands in a text. Raises DeploymentError."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DeploymentError(f"{value!r} does not belong into a text")
    return str(value)


def _unique(*texts: str) -> str:
    digest = hashlib.sha256("\n".join(texts).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:13]


def _union(*parts: Value) -> Value:
    """Of objects, or of lists; what comes twice is in it once."""
    if all(isinstance(part, list) for part in parts):
        return [*dict.fromkeys(each for part in parts for each in part)]
    return {name: value for part in parts for name, value in part.items()}


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "concat": lambda *parts: [each for part in parts for each in part],
    "contains": lambda container, each: each in container,
    "deployment": lambda: {"location": LOCATION},
    "empty": lambda value: not value,
    "environment": lambda: _ENVIRONMENT,
    "first": lambda value: value[0],
    "guid": lambda *texts: str(uuid.uuid5(uuid.NAMESPACE_OID, "\n".join(texts))),
    "join": lambda items, delimiter: delimiter.join(items),
    "json": json.loads,
    "last": lambda value: value[-1],
    "replace": lambda text, old, new: text.replace(old, new),
    "split": lambda text, delimiter: text.split(delimiter),
    "string": str,
    "take": lambda value, count: value[:count],
    "tenant": lambda: {"tenantId": TENANT},
    "tenant_resource_id": lambda *parts: f"/providers/{'/'.join(parts)}",
    "to_lower": lambda text: text.lower(),
    "union": _union,
    "unique_string": _unique,
}

OPERATORS: dict[str, Callable[..., Value]] = {
    "add": lambda one, other: one + other,
    "equals": lambda one, other: one == other,
    "greater_than": lambda one, other: one > other,
    "not": lambda value: not value,
}
