"""What bytes to ``Alert`` costs, beside msgspec's own typed decode of the same bytes.

No two alerts are alike. What the reader does remember are the ARM ids, names, SIDs and
addresses of 500 machines, words and sets of property keys: as many as a subscription
has. Nothing is left to be done when it returns. All three ways read the same bytes, in
turns; a run is the median of its rounds.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from shared import sources
from shared.model.alert import Alert
from tests.alerts import NOON
from tests.benchmarks.alerts import Severity, body
from tests.benchmarks.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.benchmarks.bench import Bench

ALERTS = 1_000
ROUNDS = 15

OURS = "sources.read"
TYPED = "msgspec, typed"
# What the reader was built to (decision 0008).
MOST_TIMES = 8.0


class Entity(msgspec.Struct, rename="pascal"):
    """An entity with the fields that the alerts below have."""

    type: str
    id: str = msgspec.field(default="", name="$id")
    host_name: str = ""
    dns_domain: str = ""
    azure_i_d: str = msgspec.field(default="", name="AzureID")
    address: str = ""
    location: dict[str, Any] | None = None
    name: str = ""
    n_t_domain: str = msgspec.field(default="", name="NTDomain")
    sid: str = ""
    host: dict[str, str] | None = None
    directory: str = ""
    file_hashes: list[dict[str, str]] = []
    process_id: str = ""
    command_line: str = ""
    creation_time_utc: datetime | None = None
    image_file: dict[str, str] | None = None
    account: dict[str, str] | None = None


class Typed(msgspec.Struct, rename="pascal"):
    """The alert as one would declare it to msgspec, had it one spelling."""

    vendor_name: str
    alert_type: str
    product_name: str
    start_time_utc: datetime
    end_time_utc: datetime
    time_generated: datetime
    processing_end_time: datetime
    severity: Severity
    status: str
    is_incident: bool
    system_alert_id: str
    intent: str
    azure_resource_id: str
    compromised_entity: str
    alert_display_name: str
    description: str
    entities: list[Entity]
    extended_links: list[dict[str, str]]
    resource_identifiers: list[dict[str, str]]
    remediation_steps: list[str]
    extended_properties: dict[str, Any]
    alert_uri: str


class Way(NamedTuple):
    """A way to read the bytes of one alert."""

    name: str
    read: Callable[[bytes], object]


def ways() -> list[Way]:
    """Ours, msgspec's typed decode, and the standard library's untyped one."""
    received_at = NOON + timedelta(minutes=5)

    def ours(raw: bytes) -> object:
        return sources.read(raw, received_at=received_at)

    return [
        Way(OURS, ours),
        Way(TYPED, msgspec.json.Decoder(Typed).decode),
        Way("json.loads", json.loads),
    ]


def checked(bodies: Sequence[bytes]) -> None:
    """Stop where the bodies are not what the figure is about."""
    for raw in bodies:
        (found,) = sources.read(raw, received_at=NOON)
        if not isinstance(found, Alert) or len(found.entities) < 5 or found.warnings:
            raise SystemExit(f"no alert of five entities: {found}")
        msgspec.json.decode(raw, type=Typed)


def run(bench: Bench) -> Iterator[Figure]:
    """Microseconds per alert by each way, and ours as a multiple of the typed decode."""
    bodies = [body(number) for number in range(bench.size(ALERTS, ALERTS // 4))]
    checked(bodies)
    seconds: dict[str, list[float]] = {way.name: [] for way in ways()}
    for number in range(1, bench.runs + 1):
        bench.say(f"decode, run {number} of {bench.runs}")
        for name, taken in measured(bodies).items():
            seconds[name].append(taken)
    size = sum(map(len, bodies)) // len(bodies)
    for name, runs in seconds.items():
        yield Figure(
            scenario="decode",
            case=f"{size:,} bytes",
            name=name,
            unit="µs",
            runs=tuple(runs),
        )
    yield Figure(
        scenario="decode",
        case=f"{size:,} bytes",
        name=f"{OURS} to {TYPED}",
        unit="",
        runs=tuple(
            ours / typed
            for ours, typed in zip(seconds[OURS], seconds[TYPED], strict=True)
        ),
        most=MOST_TIMES,
    )


def measured(bodies: Sequence[bytes], rounds: int = ROUNDS) -> dict[str, float]:
    """Microseconds per alert by way: the median of rounds that are run in turns."""
    seconds: dict[str, list[float]] = {way.name: [] for way in ways()}
    gc.collect()
    for _ in range(rounds):
        for way in ways():
            before = time.process_time()
            for raw in bodies:
                way.read(raw)
            seconds[way.name].append(time.process_time() - before)
    return {
        name: statistics.median(taken) / len(bodies) * 1e6
        for name, taken in seconds.items()
    }
