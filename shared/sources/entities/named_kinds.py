"""Readers of the entities that have a name but no form of their own in the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.model.entity import Named
from shared.sources.entities import identifiers
from shared.sources.entities.identifiers import tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.sources.entities.references import Node

# Entities have some ten fields; what an attacker adds is not all looked at.
MOST_FIELDS = 100
MOST_ATTRIBUTES = 20
LONGEST_KIND = 100

# Of the fields of any entity, those that say nothing about it.
_NO_ATTRIBUTES = frozenset(
    {"$id", "$name", "asset", "evidencerole", "friendlyname", "kind", "name", "type"}
)


class Row(NamedTuple):
    """What a kind is called in ours, and the fields that may name it, best first.

    A name that begins with ``strong`` is unique in the world.
    """

    kind: str
    names: tuple[str, ...] = ()
    strong: str = ""


ROWS: Mapping[str, Row] = {
    "awsresource": Row(
        "aws-resource", ("amazonresourceid", "arn", "resourcename"), strong="arn:"
    ),
    "containerimage": Row("container-image", ("imageid",)),
    "gcpresource": Row(
        "gcp-resource", ("fullresourcename", "resourcename"), strong="//"
    ),
    "hostlogonsession": Row("logon-session", ("sessionid",)),
    "iotdevice": Row("iot-device", ("deviceid", "devicename")),
    "k8snamespace": Row("k8s-namespace"),
    "mailcluster": Row("mail-cluster", ("clustersourceidentifier", "source")),
    "mailmessage": Row(
        "mail-message", ("networkmessageid", "internetmessageid", "subject")
    ),
    "malware": Row("malware", ("name", "malwarename")),
    "nic": Row("nic", ("macaddress",)),
    "oauthapplication": Row("oauth-application", ("appid", "clientid")),
    "securityalert": Row("security-alert", ("systemalertid", "alertdisplayname")),
    "securitygroup": Row("security-group", ("distinguishedname", "objectguid", "sid")),
    "submissionmail": Row("submission-mail", ("submissionid", "networkmessageid")),
}


def other(node: Node) -> Named | None:
    """An entity by its row, or of a kind that has none."""
    row = ROWS.get(node.kind) or Row(node.text("type", limit=LONGEST_KIND).lower())
    name = node.text(*row.names, "name", "displayname", "friendlyname")
    is_strong = bool(row.strong) and name.startswith(row.strong)
    return _named(row.kind or node.kind, name, strong=is_strong)


def attributes(node: Node) -> dict[str, str]:
    """What else was said of it: texts, numbers, flags, and names of other entities."""
    found: dict[str, str] = {}
    fields = [name for name in node.fields if name not in _NO_ATTRIBUTES]
    for field in sorted(fields[:MOST_FIELDS]):
        value = node.fields[field]
        if isinstance(value, bool):
            said = str(value).lower()
        else:
            said = tidy(", ".join(node.labels(field)))
        if said:
            found[tidy(field, LONGEST_KIND)] = said
        if len(found) == MOST_ATTRIBUTES:
            break
    return found


def path(folder: str, name: str) -> str:
    """The file's name in its folder, Windows' or not; either may be missing."""
    if not (name and folder):
        return name or folder
    separator = "\\" if "\\" in folder or folder[1:2] == ":" else "/"
    return f"{folder.removesuffix(separator)}{separator}{name}"


def _file(node: Node) -> Named | None:
    folder = node.text("directory", "folderpath")
    return _named("file", path(folder, node.text("name", "filename")))


def _blob(node: Node) -> Named | None:
    url = identifiers.url(node.text("url"))
    kind = "blob" if node.kind == "blob" else "blob-container"
    return _named(kind, url or node.text("name"), strong="://" in url)


def _cluster(node: Node) -> Named | None:
    resource = node.label("cloudresource", "azureresource")
    is_strong = identifiers.arm_id(resource) is not None
    return _named("k8s-cluster", resource or node.text("name"), strong=is_strong)


def _pod(node: Node) -> Named | None:
    space = node.follow("namespace", "k8snamespace")
    cluster = (space or node).label("cluster", "k8scluster")
    return _named("k8s-pod", node.text("name"), cluster=cluster)


def _container(node: Node) -> Named | None:
    pod = node.follow("pod", "k8spod")
    space = pod.label("namespace", "k8snamespace") if pod is not None else ""
    return _named("container", node.text("name", "containerid"), namespace=space)


def _registry_key(node: Node) -> Named | None:
    parts = (node.text("hive"), node.text("key"))
    return _named("registry-key", "\\".join(part for part in parts if part))


def _registry_value(node: Node) -> Named | None:
    parts = (node.label("key", "registrykey"), node.text("name", "valuename"))
    return _named("registry-value", "\\".join(part for part in parts if part))


def _connection(node: Node) -> Named | None:
    source = node.label("sourceaddress", "ip")
    target = node.label("destinationaddress", "ip")
    name = f"{source or '?'} -> {target or '?'}" if source or target else ""
    return _named("network-connection", name)


def _named(kind: str, name: str, *, strong: bool = False, **said: str) -> Named | None:
    if not name:
        return None
    more = {field: value for field, value in said.items() if value}
    return Named(kind=kind, name=name, attributes=more, strong=strong)


NAMED: Mapping[str, Callable[[Node], Named | None]] = {
    **dict.fromkeys(ROWS, other),
    "blob": _blob,
    "blobcontainer": _blob,
    "container": _container,
    "file": _file,
    "k8scluster": _cluster,
    "k8spod": _pod,
    "networkconnection": _connection,
    "registrykey": _registry_key,
    "registryvalue": _registry_value,
}
