"""How many key rows an alert takes: storage is paid by the row and by the write.

Usage: python -m tests.benchmarks.keys
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from shared import sources
from shared.model.alert import Alert
from shared.triage import catalogue
from shared.triage.keys import keys
from tests.alerts import NOON
from tests.benchmarks.alerts import body
from tests.given import GIVEN

if TYPE_CHECKING:
    from collections.abc import Iterable

# The requirement of issue 4, for an alert about a machine.
MOST = 5.0


def alerts_of(bodies: Iterable[bytes]) -> list[Alert]:
    """The alerts among what the bodies hold, with what the catalogue adds."""
    found = (unit for raw in bodies for unit in sources.read(raw, received_at=NOON))
    return [catalogue.completed(unit) for unit in found if isinstance(unit, Alert)]


def average(alerts: Iterable[Alert]) -> tuple[float, Counter[str]]:
    """Keys per alert, and how many of each strategy."""
    counted = [keys(alert) for alert in alerts]
    by = Counter(key.strategy.value for found in counted for key in found)
    return sum(map(len, counted)) / max(len(counted), 1), by


def main() -> int:
    """Print a line for each set of bodies; 1 where the requirement is not met."""
    sets = {"machines (alerts.py)": [body(number) for number in range(1_000)]}
    if GIVEN.is_dir():
        for folder in sorted(p for p in GIVEN.iterdir() if "alert" in p.name):
            files = sorted(folder.glob("*.json"))
            sets[folder.name] = [path.read_bytes() for path in files]
    for name, bodies in sets.items():
        alerts = alerts_of(bodies)
        if alerts:
            each, by = average(alerts)
            print(f"{name:26} {len(alerts):5} alerts {each:5.2f} rows", dict(by))
    typical, _ = average(alerts_of(sets["machines (alerts.py)"]))
    return int(typical > MOST)


if __name__ == "__main__":
    sys.exit(main())
