"""How names of other people enter Bicep and a line of a shell: through here alone."""

from __future__ import annotations

import json
import shlex

from shared.model import resource

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}

# Of what a fix names and does not change; the rest are [unverified] and served for long.
VERSIONS = {
    "microsoft.compute/virtualmachines": "2024-03-01",
    "microsoft.containerregistry/registries": "2023-07-01",
    "microsoft.containerservice/managedclusters": "2024-02-01",
    "microsoft.documentdb/databaseaccounts": "2023-11-15",
    "microsoft.hybridcompute/machines": "2024-07-10",
    "microsoft.keyvault/vaults": "2023-07-01",
    "microsoft.network/azurefirewalls": "2023-11-01",
    "microsoft.operationalinsights/workspaces": "2022-10-01",
    "microsoft.sql/servers/databases": "2021-11-01",
    "microsoft.storage/storageaccounts": "2023-05-01",
    "microsoft.storage/storageaccounts/blobservices": "2023-05-01",
    "microsoft.storage/storageaccounts/blobservices/containers": "2023-05-01",
    "microsoft.web/sites": "2023-12-01",
}


def bicep_text(text: str) -> str:
    """A text as one literal of Bicep, in which nothing is read as an expression."""
    written = "".join(_ESCAPES.get(each, each) for each in text)
    return "'" + written.replace("${", "\\${") + "'"


def line(*words: str) -> str:
    """A line of a POSIX shell that gives a command exactly these words."""
    return shlex.join(words)


def as_json(value: object) -> str:
    """A value as JSON, for a word of a command."""
    return json.dumps(value, separators=(",", ":"))


def existing(canonical_id: str, name: str = "target") -> str:
    """A resource that is there, as Bicep names one."""
    kind = resource.type_of(canonical_id)
    _, _, rest = canonical_id.rpartition("/providers/")
    names = "/".join(rest.split("/")[2::2])
    typed = bicep_text(f"{kind}@{VERSIONS.get(kind, 'VERSION')}")
    return f"resource {name} {typed} existing = {{\n  name: {bicep_text(names)}\n}}\n\n"


def group_of(canonical_id: str) -> tuple[str, ...]:
    """The options of a command that say in which group and subscription it works."""
    return (
        "--resource-group",
        resource.group(canonical_id) or "RESOURCE-GROUP",
        *of(canonical_id),
    )


def of(canonical_id: str) -> tuple[str, ...]:
    """The option of a command that says in which subscription it works."""
    return "--subscription", resource.subscription(canonical_id)


def name_of(canonical_id: str) -> str:
    """The last name of an id."""
    return resource.display_name(canonical_id)
