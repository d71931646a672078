"""Operations on alerts."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.api import viewing
from shared.api.wire import Answer, unknown
from shared.store import reading

if TYPE_CHECKING:
    from shared.api.operation import Call
    from shared.model.alert import AlertRow
    from shared.store.ledger import Ledger

ALERT = "alert"

# Hosts leave this escape alone, for a route's parts end at a slash.
_SLASH = re.compile("%2f", re.IGNORECASE)


async def get_alert(call: Call) -> Answer:
    """One alert; none where only its place is held."""
    ledger = (await call.app.storage()).ledger
    row = await found(ledger, call.path["alert_id"])
    if row is None or row.is_expected:
        return unknown(ALERT)
    lineage = await reading.lineage(ledger, row.incident)
    on = lineage[-1].id if lineage else row.incident
    return Answer(HTTPStatus.OK, viewing.alert(row, on))


async def found(ledger: Ledger, alert_id: str) -> AlertRow | None:
    """The row of an alert by the id in an address."""
    row = await reading.alert(ledger, alert_id)
    if row is None and _SLASH.search(alert_id):
        row = await reading.alert(ledger, _SLASH.sub("/", alert_id))
    return row
