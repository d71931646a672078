"""Whether the app can do its work, for whoever watches it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from shared.model.errors import SettingsError, StoreError
from shared.store import reading
from shared.triggers.webhook import Answer

if TYPE_CHECKING:
    from shared.bootstrap import App


async def report(app: App) -> Answer:
    """200 and what is known, or 503 and what is wrong; never a secret's value."""
    problems: list[str] = []
    content: dict[str, Any] = {"status": "ok", "problems": problems}
    for part in (app.ingest, app.respond, app.senders):
        try:
            await part()
        except SettingsError as error:
            problems += [p for p in error.problems if p not in problems]
        except StoreError as error:
            problems.append(f"storage: {error}")
            break
    else:
        problems += await _state(app, content)
    if problems:
        content["status"] = "unhealthy"
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, content)
    return Answer(HTTPStatus.OK, content)


async def _state(app: App, content: dict[str, Any]) -> list[str]:
    try:
        storage = await app.storage()
        books = await reading.books(storage.ledger)
        oldest = await reading.oldest_due(storage.ledger)
    except (SettingsError, StoreError) as error:
        return [f"storage: {error}"]
    content["books"] = msgspec.to_builtins(books)
    content["oldest_due"] = oldest.isoformat() if oldest else None
    return []
