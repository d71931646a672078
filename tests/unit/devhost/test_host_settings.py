from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from devhost.retry import read_retry
from devhost.settings import (
    HostSettings,
    SetupError,
    connection,
    read_host_json,
    read_timespan,
    resolve,
)

if TYPE_CHECKING:
    from pathlib import Path


def _host_json(folder: Path, **extensions: object) -> Path:
    path = folder / "host.json"
    path.write_text(json.dumps({"version": "2.0", "extensions": extensions}))
    return path


def test_defaults_are_azures(tmp_path: Path) -> None:
    """A host.json without extensions means Azure's documented defaults."""
    settings = read_host_json(_host_json(tmp_path))

    assert settings == HostSettings()
    assert settings.route_prefix == "api"
    assert settings.hub.max_event_batch_size == 100
    assert settings.queue.batch_size == 16
    assert settings.queue.new_batch_threshold == 8
    assert settings.queue.max_dequeue_count == 5
    assert settings.queue.visibility_timeout_s == 0
    assert settings.queue.max_polling_interval_s == 60


def test_settings_are_read(tmp_path: Path) -> None:
    """What host.json says wins, and the threshold follows the batch size."""
    path = _host_json(
        tmp_path,
        eventHubs={"maxEventBatchSize": 7},
        http={"routePrefix": ""},
        queues={
            "batchSize": 4,
            "visibilityTimeout": "00:00:30",
            "maxPollingInterval": "00:00:00.5",
            "messageEncoding": "none",
        },
    )

    settings = read_host_json(path)

    assert settings.route_prefix == ""
    assert settings.hub.max_event_batch_size == 7
    assert settings.queue.new_batch_threshold == 2
    assert settings.queue.visibility_timeout_s == 30
    assert settings.queue.max_polling_interval_s == 0.5
    assert not settings.queue.is_base64


def test_an_app_setting_changes_host_json(tmp_path: Path) -> None:
    """As on Azure: by the name of its place, whether or not the file has it."""
    path = _host_json(tmp_path, queues={"maxPollingInterval": "00:00:02"})
    queues = "AzureFunctionsJobHost__extensions__queues__"

    settings = read_host_json(
        path,
        {
            f"{queues}maxPollingInterval": "00:00:00.1",
            f"{queues}batchSize": "4",
            "AzureFunctionsJobHost__extensions__eventHubs__maxEventBatchSize": "9",
            "PATH": "/bin",
        },
    )

    assert settings.queue.max_polling_interval_s == 0.1
    assert settings.queue.batch_size == 4
    assert settings.hub.max_event_batch_size == 9


def test_a_setting_for_no_place_is_refused(tmp_path: Path) -> None:
    """It is named, not passed over."""
    name = "AzureFunctionsJobHost__version__major"

    with pytest.raises(SetupError, match=name):
        read_host_json(_host_json(tmp_path), {name: "3"})


@pytest.mark.parametrize(
    "extensions",
    [
        {"queues": {"batchSize": 33}},
        {"queues": {"batchSize": True}},
        {"queues": {"messageEncoding": "rot13"}},
        {"queues": {"maxPollingInterval": 2000}},
        {"eventHubs": {"maxEventBatchSize": 0}},
        {"eventHubs": []},
    ],
)
def test_impossible_settings_are_refused(
    tmp_path: Path, extensions: dict[str, object]
) -> None:
    """A setting that the real host would not start with is an error here too."""
    path = _host_json(tmp_path, **extensions)

    with pytest.raises(SetupError):
        read_host_json(path)


@pytest.mark.parametrize("text", [None, "{", "[]", '{"version": "1.0"}'])
def test_no_host_json_is_no_app(tmp_path: Path, text: str | None) -> None:
    """A missing or foreign host.json is refused with its path."""
    path = tmp_path / "host.json"
    if text is not None:
        path.write_text(text)

    with pytest.raises(SetupError, match=r"host\.json"):
        read_host_json(path)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:01:00", 60), ("01:00", 3600), ("1.00:00:01", 86401), ("00:00:00.25", 0.25)],
)
def test_timespans(text: str, seconds: float) -> None:
    """A .NET TimeSpan is read as seconds."""
    assert read_timespan(text, name="x") == seconds


def test_names_in_bindings_are_resolved() -> None:
    """Each %NAME% is replaced from the environment; a missing one is named."""
    environment = {"HUB": "alerts"}

    assert resolve("%HUB%-x", where="f", environment=environment) == "alerts-x"
    with pytest.raises(SetupError, match="f: setting NONE"):
        resolve("%NONE%", where="f", environment=environment)


def test_connections_are_looked_up_as_the_host_does() -> None:
    """NAME wins over AzureWebJobsNAME, and no name means the storage account."""
    environment = {"A": "1", "AzureWebJobsA": "2", "AzureWebJobsB": "3"}

    assert connection("A", where="f", environment=environment) == "1"
    assert connection("B", where="f", environment=environment) == "3"
    with pytest.raises(SetupError, match="AzureWebJobsStorage"):
        connection("", where="f", environment=environment)


def test_connection_by_identity_is_refused_by_name() -> None:
    """A connection by managed identity says that devhost wants a string."""
    environment = {"Hub__fullyQualifiedNamespace": "x.servicebus.windows.net"}

    with pytest.raises(SetupError, match="by identity"):
        connection("Hub", where="f", environment=environment)


def test_fixed_delay_waits_the_same_each_time() -> None:
    """A fixed delay allows its count of retries, equally far apart."""
    setting = {
        "strategy": "fixed_delay",
        "max_retry_count": "2",
        "delay_interval": "00:00:10",
    }

    policy = read_retry(setting, function="f")

    assert [policy.allows(n) for n in range(3)] == [True, True, False]
    assert [policy.delay_s(n) for n in range(3)] == [10, 10, 10]


def test_exponential_backoff_doubles_up_to_its_bound() -> None:
    """Exponential backoff doubles from the shortest to the longest interval."""
    setting = {
        "strategy": "exponential_backoff",
        "max_retry_count": "-1",
        "minimum_interval": "00:00:01",
        "maximum_interval": "00:00:05",
    }

    policy = read_retry(setting, function="f")

    assert [policy.delay_s(n) for n in range(4)] == [1, 2, 4, 5]
    assert policy.allows(10**9)
    assert policy.delay_s(10**9) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"delay_interval": "24:00:00"},
        {"delay_interval": "90"},
        {"delay_interval": None},
        {"max_retry_count": "many"},
        {"strategy": "hope"},
    ],
)
def test_retry_that_would_lose_the_app_is_refused(change: dict[str, object]) -> None:
    """A retry setting that fails Azure's indexing is refused, with its function."""
    setting = {
        "strategy": "fixed_delay",
        "max_retry_count": "2",
        "delay_interval": "00:00:10",
    }

    with pytest.raises(SetupError, match="on_events"):
        read_retry(setting | change, function="on_events")
