"""A partition that exists in memory alone: decisions without a store."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from shared.model.alert import AlertRow
from shared.model.correlation import Correlation
from shared.model.incident import Incident, IncidentStatus, Mark
from shared.store import rows
from shared.store.draft import Draft
from shared.store.memory import Memory
from shared.triage.correlation import fold
from tests.alerts import NOON, alert_id, read_alert, stamp

if TYPE_CHECKING:
    from shared.model.alert import Alert
    from shared.model.books import Booking


class Partition:
    """A partition that exists in memory alone."""

    def __init__(self, caps: Correlation | None = None) -> None:
        self.memory = Memory()
        self.caps = caps or Correlation()
        self.versions = 0

    def draft(self) -> Draft:
        """A transaction on what is known."""
        return Draft("0a", self.memory, NOON)

    def fold(self, number: int, hours: float = 0, **changes: Any) -> Booking:  # noqa: ANN401
        """Fold one alert and commit."""
        at = NOON + timedelta(hours=hours)
        alert = read_alert(
            received_at=NOON + timedelta(days=2),
            **{
                "SystemAlertId": alert_id(number),
                "StartTimeUtc": stamp(at),
                "EndTimeUtc": stamp(at),
            }
            | changes,
        )
        return self.take(alert)

    def take(self, alert: Alert) -> Booking:
        """Fold an alert and commit."""
        draft = self.draft()
        booking = fold(draft, alert, self.caps)
        assert booking is not None
        assert not draft.missing
        self.commit(draft)
        return booking

    def commit(self, draft: Draft) -> None:
        """Remember everything as if the store had taken it."""
        self.versions += 1
        writes = draft.finish("test")
        draft.committed({write.key: str(self.versions) for write in writes})

    def row_of(self, name: str) -> AlertRow:
        """What is remembered of the alert of that id."""
        row = self.draft().read(rows.alert(name), AlertRow)
        assert row is not None
        return row

    def incident_of(self, number: int) -> Incident:
        """The incident that the alert is on."""
        return self.home_of(alert_id(number))

    def home_of(self, name: str) -> Incident:
        """The incident that the alert of that id is on."""
        head = self.draft().incident(self.row_of(name).incident)
        assert head is not None
        return head

    def end(
        self, number: int, by: str, status: IncidentStatus = IncidentStatus.RESOLVED
    ) -> None:
        """Have a person end the alert's incident."""
        head = self.incident_of(number)
        draft = self.draft()
        mark = Mark(by=by, at=NOON)
        draft.change(replace(head, status=status, resolved=mark))
        self.commit(draft)
