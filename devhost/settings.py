"""What the host reads before it serves: host.json, and values from the environment."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TIMESPAN = re.compile(
    r"(?:(?P<d>\d+)\.)?(?P<h>\d{1,2}):(?P<m>\d\d)(?::(?P<s>\d\d(?:\.\d+)?))?"
)
_SETTING = re.compile(r"%([^%]+)%")
# The storage SDKs wait 15 s and more before they try again; on loopback that is idle
# time, and it would hide a restarted Azurite for a minute.
STORAGE_RETRIES: Mapping[str, Any] = {
    "initial_backoff": 1,
    "increment_base": 2,
    "retry_total": 2,
}
# The queue service hands out at most 32 messages at once.
LARGEST_QUEUE_BATCH = 32
# How the names of settings begin that change host.json.
OVERRIDES = "AzureFunctionsJobHost"


class SetupError(Exception):
    """The app or its settings cannot be served; the message is for the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """
    `extensions.eventHubs` of host.json.

    Defaults: azure-sdk-for-net EventHubOptions.cs.
    """

    max_event_batch_size: int = 100
    prefetch_count: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """
    `extensions.queues` of host.json, times in seconds.

    Defaults: azure-sdk-for-net QueuesOptions.cs; `new_batch_threshold` is half of
    `batch_size` unless given.
    """

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout_s: float = 0.0
    max_polling_interval_s: float = 60.0
    is_base64: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """What host.json says, with Azure's defaults for what it leaves out."""

    route_prefix: str = "api"
    hub: HubSettings = field(default_factory=HubSettings)
    queue: QueueSettings = field(default_factory=QueueSettings)


def read_host_json(
    path: Path, environment: Mapping[str, str] = os.environ
) -> HostSettings:
    """
    Read host.json, and what app settings change of it.

    A setting `AzureFunctionsJobHost__extensions__queues__maxPollingInterval` stands in
    the place that its name says (Microsoft Learn, "Override host.json values").
    Raises SetupError when the file is missing or says what cannot be: the real host
    does not start then either. Settings that devhost has no use for are passed over.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise SetupError(f"{path} is missing: this is no function app") from None
    except ValueError as error:
        raise SetupError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("version") != "2.0":
        raise SetupError(f'{path} must be an object with "version": "2.0"')
    extensions = _section(_overridden(document, environment), "extensions")
    return HostSettings(
        route_prefix=str(_section(extensions, "http").get("routePrefix", "api")).strip(
            "/"
        ),
        hub=_hub(_section(extensions, "eventHubs")),
        queue=_queues(_section(extensions, "queues")),
    )


def _overridden(
    document: dict[str, Any], environment: Mapping[str, str]
) -> dict[str, Any]:
    for name, value in environment.items():
        host, *path = name.split("__")
        if host != OVERRIDES or not path:
            continue
        place = document
        for step in path[:-1]:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                raise SetupError(f"{name}: host.json has no such object")
        place[path[-1]] = int(value) if value.isdecimal() else value
    return document


def read_timespan(text: object, *, name: str) -> float:
    """Seconds of a .NET TimeSpan, `[days.]HH:MM[:SS[.fff]]`; SetupError otherwise."""
    found = _TIMESPAN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise SetupError(f"{name} must be HH:MM:SS, not {text!r}")
    days, hours, minutes = (int(found[part] or 0) for part in "dhm")
    return (days * 24 + hours) * 3600 + minutes * 60 + float(found["s"] or 0)


def resolve(
    text: str, *, where: str, environment: Mapping[str, str] = os.environ
) -> str:
    """
    Replace each `%NAME%` of a binding's value by the environment's NAME.

    Raises SetupError that tells `where` when one is not set, as the host refuses to
    index such a function.
    """

    def value(found: re.Match[str]) -> str:
        if found[1] not in environment:
            raise SetupError(f"{where}: setting {found[1]} is not in the environment")
        return environment[found[1]]

    return _SETTING.sub(value, text)


def connection(
    name: str, *, where: str, environment: Mapping[str, str] = os.environ
) -> str:
    """
    The connection string that a binding's `connection` names.

    NAME, else AzureWebJobsNAME, as the host looks them up. Raises SetupError when
    there is none; connections by identity (NAME__fullyQualifiedNamespace) are not
    served here.
    """
    wanted = name or "AzureWebJobsStorage"
    for key in (wanted, f"AzureWebJobs{wanted}"):
        if text := environment.get(key):
            return text
    if any(key.startswith(f"{wanted}__") for key in environment):
        raise SetupError(
            f"{where}: connection {wanted} is by identity; devhost takes a "
            f"connection string in {wanted}"
        )
    raise SetupError(f"{where}: connection {wanted} is not in the environment")


def _hub(section: Mapping[str, Any]) -> HubSettings:
    return HubSettings(
        max_event_batch_size=_count(section, "maxEventBatchSize", 100),
        prefetch_count=_count(section, "prefetchCount", 300),
    )


def _queues(section: Mapping[str, Any]) -> QueueSettings:
    size = _count(section, "batchSize", 16, most=LARGEST_QUEUE_BATCH)
    encoding = str(section.get("messageEncoding", "base64")).lower()
    if encoding not in {"base64", "none"}:
        raise SetupError(f"messageEncoding must be base64 or none, not {encoding!r}")
    return QueueSettings(
        batch_size=size,
        new_batch_threshold=_count(section, "newBatchThreshold", size // 2, least=0),
        max_dequeue_count=_count(section, "maxDequeueCount", 5),
        visibility_timeout_s=_span(section, "visibilityTimeout", 0.0),
        max_polling_interval_s=_span(section, "maxPollingInterval", 60.0),
        is_base64=encoding == "base64",
    )


def _section(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = parent.get(name, {})
    if not isinstance(section, dict):
        raise SetupError(f"host.json: {name} must be an object")
    return section


def _count(
    section: Mapping[str, Any],
    name: str,
    default: int,
    *,
    least: int = 1,
    most: int | None = None,
) -> int:
    number = section.get(name, default)
    is_count = isinstance(number, int) and not isinstance(number, bool)
    if not is_count or number < least or (most is not None and number > most):
        bound = f"{least} or more" if most is None else f"{least} to {most}"
        raise SetupError(f"host.json: {name} must be {bound}, not {number!r}")
    return int(number)


def _span(section: Mapping[str, Any], name: str, default: float) -> float:
    if name not in section:
        return default
    return read_timespan(section[name], name=f"host.json: {name}")
