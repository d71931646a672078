"""PagerDuty's webhooks, version 3 (remote-apis-sinks.md 1.2)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec

from shared.answers.said import Does, Nothing, Said, somebody
from shared.model.errors import SenderRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.answers.said import Call

SIGNATURE = "x-pagerduty-signature"

_V1 = re.compile(r"v1=([0-9a-f]{64})")

_DOES = {
    "incident.acknowledged": (Does.ACKNOWLEDGE, ""),
    "incident.resolved": (Does.RESOLVE, ""),
    "incident.unacknowledged": (Does.COMMENT, "not acknowledged any more at PagerDuty"),
    "incident.reopened": (Does.COMMENT, "opened again at PagerDuty"),
}


class _Agent(msgspec.Struct, frozen=True):
    summary: str = ""


class _Data(msgspec.Struct, frozen=True):
    incident_key: str | None = None


class _Event(msgspec.Struct, frozen=True):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    event_type: str
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    data: _Data
    agent: _Agent | None = None


class _Body(msgspec.Struct, frozen=True):
    event: _Event


def read(call: Call) -> Sequence[Said] | Nothing:
    """What the webhook says; raises SenderRefused where PagerDuty did not sign it.

    The signature has no time in it: the event's own, which is signed, bounds how long a
    recording of it is good.
    """
    given = call.headers.get(SIGNATURE, "")
    signatures = [
        found[1] for part in given.split(",") if (found := _V1.fullmatch(part.strip()))
    ]
    if not call.is_signed(call.body, signatures):
        raise SenderRefused("pagerduty: the signature is not ours")
    try:
        event = msgspec.json.decode(call.body, type=_Body).event
    except (ValueError, RecursionError):
        return Nothing("not an event as PagerDuty describes it")
    if event.event_type not in _DOES:
        return Nothing("an event of another type")
    if call.is_late(event.occurred_at):
        return Nothing("it happened more than two days ago")
    does, note = _DOES[event.event_type]
    who = somebody(event.agent.summary) if event.agent else ""
    return [Said(event.id, event.data.incident_key or "", does, who, note)]
