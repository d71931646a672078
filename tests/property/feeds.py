"""Feeds of alerts for the laws: some resources, some gaps, some versions."""

from __future__ import annotations

import itertools
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from shared.model.correlation import Correlation
from shared.store.memory import Memory
from tests.alerts import NOON, alert_id, defender_alert, event, stamp, vm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.model.event import Event

OTHER_SUBSCRIPTION = "7c2b3f1e-93d2-4f6c-9f0c-2f6a6a3b0d11"
THIRD_SUBSCRIPTION = "11111111-93d2-4f6c-9f0c-2f6a6a3b0d11"

RESOURCES = (
    vm("vm-a"),
    vm("vm-a").lower() + "/extensions/agent",
    vm("vm-b"),
    vm("vm-c", OTHER_SUBSCRIPTION),
    f"/subscriptions/{THIRD_SUBSCRIPTION}",
    "",
    "not an ARM id",
)
TYPES = ("VM_WebShellDetected", "SIMULATED_VM_BruteForce", "K8S_PrivilegedContainer")
SEVERITIES = ("High", "Medium", "Low", "Informational", "Grave")
STATUSES = ("New", "InProgress", "Resolved", "Dismissed")

# None, one family, the other, and what ties the two.
INTENTS = (
    "",
    "Unknown",
    "Probing",
    "Execution",
    "Exploitation",
    "Exfiltration, Impact",
)
ENTITIES: tuple[dict[str, str], ...] = (
    {"Type": "account", "Name": "alice", "UPNSuffix": "contoso.com"},
    {
        "Type": "account",
        "Name": "alice",
        "UPNSuffix": "contoso.com",
        "AadUserId": "5f0d2c5a-9c1e-4b8e-8f4d-0d6f1b1c2a3b",
    },
    {"Type": "account", "Name": "svc", "Sid": "S-1-5-21-1-2-3-1001"},
    {"Type": "ip", "Address": "52.174.10.20"},
    {"Type": "ip", "Address": "10.0.0.4"},
    {"Type": "filehash", "Algorithm": "SHA256", "Value": f"{7:064x}"},
    {"Type": "host", "HostName": "vm-b", "AzureID": vm("vm-b")},
)

# All of a feed lies inside: no alert's time is clamped, no incident grows past a cap.
ARRIVAL = NOON + timedelta(days=3)
WIDE = Correlation(max_age=timedelta(days=30))

QUICK = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SOAK = settings(QUICK, max_examples=2_000)
# What has a test of its own in make soak.
SHORT = settings(QUICK, max_examples=30)


@st.composite
def _alert(draw: st.DrawFn, number: int) -> list[dict[str, Any]]:
    """The versions of one alert: same id in any case, same type and resource.

    Each may say other tactics, times and entities than the one before.
    """
    # Multiples of 2.5 h: gaps just at 5 h, bridges, and alerts beyond them.
    started_at = NOON + draw(st.integers(0, 12)) * timedelta(hours=2.5)
    started_at += draw(st.sampled_from([timedelta(0), timedelta(microseconds=1)]))
    fixed: dict[str, Any] = {
        "SystemAlertId": alert_id(number, started_at),
        "AlertType": draw(st.sampled_from(TYPES)),
        "AzureResourceId": draw(st.sampled_from(RESOURCES)),
        "ResourceIdentifiers": [],
    }
    versions = []
    for processed in draw(st.lists(st.integers(0, 5), min_size=1, max_size=3)):
        began_at = started_at + draw(st.sampled_from([0, 0, 0, 4])) * timedelta(hours=1)
        ended_at = began_at + draw(st.integers(0, 3)) * timedelta(minutes=7)
        changes = fixed | {
            "StartTimeUtc": stamp(began_at),
            "Intent": draw(st.sampled_from(INTENTS)),
            "Entities": draw(st.lists(st.sampled_from(ENTITIES), max_size=2)),
            "Severity": draw(st.sampled_from(SEVERITIES)),
            "Status": draw(st.sampled_from(STATUSES)),
            "EndTimeUtc": stamp(ended_at),
            "ProcessingEndTime": stamp(started_at + processed * timedelta(minutes=1)),
        }
        if draw(st.booleans()):
            changes["SystemAlertId"] = changes["SystemAlertId"].upper()
        versions.append(defender_alert(**changes))
    return versions


@st.composite
def feeds(draw: st.DrawFn, most: int = 8) -> list[dict[str, Any]]:
    """Versions of up to ``most`` alerts."""
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, most))):
        found += draw(_alert(number))
    return found


def arriving(bodies: Sequence[dict[str, Any] | bytes]) -> list[Event]:
    """The events of a feed, long after the alerts began."""
    return [
        event(body, place=place, received_at=ARRIVAL)
        for place, body in enumerate(bodies)
    ]


@st.composite
def memories(draw: st.DrawFn, least: int = 1_000) -> Callable[[], Memory]:
    """A way to remember: the rows of no alerts, of a few, or of all.

    ``least`` is how much of anything else is remembered, and of versions.
    """
    most = draw(st.integers(least, 1_000))
    alerts = draw(st.sampled_from([0, 1, 3, 1_000]))
    return partial(Memory, most, alerts)


@st.composite
def cuts(draw: st.DrawFn, length: int) -> list[slice]:
    """A way to cut a feed into batches."""
    marks = sorted(draw(st.sets(st.integers(1, max(1, length - 1)), max_size=5)))
    edges = [0, *marks, length]
    return [slice(a, b) for a, b in itertools.pairwise(edges) if a < min(b, length)]
