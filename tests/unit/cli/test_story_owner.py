"""The owner of the story's alerts has them as Resource Manager shows them."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from cli.story import owner
from cli.story.attack import attack
from shared import sources
from shared.model.alert import Alert, AlertStatus, Severity

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_each_alert_is_there_in_its_last_version() -> None:
    """Firewatch reads each as an alert of that format; a place of its own each."""
    known = owner.alerts(attack(NOW))

    documents = [each for alerts in known.values() for each in alerts]
    read = [
        unit
        for each in documents
        for unit in sources.read(
            msgspec.json.encode(each), received_at=NOW, formats={"arm"}
        )
        if isinstance(unit, Alert)
    ]
    by_type = {alert.alert_type: alert for alert in read}
    assert len(read) == len(documents) == len({d["id"].lower() for d in documents})
    assert by_type["VM_DigitalCurrencyMining"].severity is Severity.HIGH
    assert by_type["SQL.DB_PrincipalAnomaly"].status is not AlertStatus.OPEN
    assert all(alert.is_sample for alert in read if "SIMULATED" in alert.alert_type)
    for subscription, alerts in known.items():
        assert all(
            each["id"].startswith(f"/subscriptions/{subscription}/resourceGroups/")
            for each in alerts
        )
