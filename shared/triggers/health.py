"""Whether the app can do its work, for whoever watches it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from shared.model.errors import SettingsError, StoreError
from shared.model.traffic import Sink
from shared.posture import store
from shared.store import reading
from shared.triggers.answer import Answer

if TYPE_CHECKING:
    from shared.bootstrap import App


async def report(app: App) -> Answer:
    """200 and what is known, or 503 and what is wrong; never a secret's value."""
    problems: list[str] = []
    content: dict[str, Any] = {"status": "ok", "problems": problems}
    for part in (
        _policy,
        _senders,
        _staff,
        _forwards,
        _containment,
        _links,
        _listeners,
        _heartbeat,
        _storage,
        _reconcile,
        _posture,
    ):
        try:
            problems += await part(app, content)
        except SettingsError as error:
            problems += error.problems
        except StoreError as error:
            problems.append(f"storage: {error}")
    # The same setting may be in the way of several parts.
    problems[:] = dict.fromkeys(problems)
    if problems:
        content["status"] = "unhealthy"
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, content)
    return Answer(HTTPStatus.OK, content)


async def _policy(app: App, _content: dict[str, Any]) -> tuple[str, ...]:
    return (await app.live_policy()).problems


async def _senders(app: App, _content: dict[str, Any]) -> tuple[str, ...]:
    await app.senders()
    return ()


async def _staff(app: App, _content: dict[str, Any]) -> tuple[str, ...]:
    return (await app.staff()).problems


async def _forwards(app: App, content: dict[str, Any]) -> tuple[str, ...]:
    """What this process sent by each forwarder, and what that is paid by."""
    responders = (await app.staff()).responders
    content["forwards"] = {
        name: msgspec.to_builtins(responder.traffic)
        for name, responder in responders.items()
        if isinstance(responder, Sink)
    }
    return ()


async def _containment(app: App, content: dict[str, Any]) -> tuple[str, ...]:
    """Who stopped it, and why each doer does nothing by itself; null where there is none."""
    content["containment"] = None
    if not (await app.policy()).contain:
        return ()
    stopped = await (await app.stopping()).now()
    content["containment"] = {
        "mode": (await app.terms()).mode,
        "stopped": stopped.at.isoformat() if stopped else None,
        "unarmed": await app.unarmed(),
    }
    return ()


async def _links(app: App, _content: dict[str, Any]) -> tuple[str, ...]:
    return (await app.links()).problems


async def _listeners(app: App, _content: dict[str, Any]) -> tuple[str, ...]:
    return (await app.listeners()).problems


async def _heartbeat(app: App, content: dict[str, Any]) -> tuple[str, ...]:
    """Signs of life of this process; null where the policy wants none."""
    content["heartbeat"] = None
    beating = await app.heartbeat()
    if beating is None:
        return ()
    sent = beating.last_sent
    content["heartbeat"] = {
        "last_sent": sent.isoformat() if sent else None,
        "failure": beating.failure or None,
    }
    return beating.problems


async def _storage(app: App, content: dict[str, Any]) -> tuple[str, ...]:
    storage = await app.storage()
    books = await reading.books(storage.ledger)
    oldest = await reading.oldest_due(storage.ledger)
    content["books"] = msgspec.to_builtins(books)
    # What is held back is on the heads; health reads none of those.
    del content["books"]["suppressed"]
    content["oldest_due"] = oldest.isoformat() if oldest else None
    return ()


async def _posture(app: App, content: dict[str, Any]) -> tuple[str, ...]:
    """What the last audit found; null where the policy wants none."""
    content["posture"] = None
    if (await app.policy()).posture is None:
        return ()
    found = await store.load((await app.storage()).blobs)
    content["posture"] = {
        "at": found.at.isoformat() if found else None,
        "open": sum(found.open.values()) if found else 0,
        "unknown": found.unknown if found else 0,
    }
    return ()


async def _reconcile(app: App, content: dict[str, Any]) -> tuple[str, ...]:
    """What the source's own lists brought; null where no subscription is listed."""
    verb = await app.reconcile_source()
    if not verb.subscriptions:
        content["reconcile"] = None
        return ()
    content["reconcile"] = {
        "last_run": verb.last_run.isoformat() if verb.last_run else None,
        "subscriptions": {
            subscription: {
                "listed": books.received,
                "stored": books.stored,
                "updated": books.updated,
            }
            for subscription, books in (await verb.totals()).items()
        },
    }
    return ()
