"""The operation on measures: how long people waited."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.api.wire import Answer
from shared.measures import measured
from shared.store import history

if TYPE_CHECKING:
    from shared.api.bodies import MeasuresQuery
    from shared.api.operation import Call


async def get_measures(call: Call) -> Answer:
    """The measures of what was opened in some days until now."""
    query: MeasuresQuery = call.query
    storage = await call.app.storage()
    now = storage.ledger.now()
    since = now - timedelta(days=query.days)
    found = await history.opened_since(storage.ledger, storage.history, since)
    content = measured(found.heads, query.by, since=since, until=now)
    return Answer(HTTPStatus.OK, content)
