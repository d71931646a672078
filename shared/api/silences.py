"""Operations on silences: what there is, what each hid, making and ending one."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.api import viewing, views
from shared.api.incidents import parsed
from shared.api.wire import Answer, Mistake, bad, unknown
from shared.model.silence import Silence
from shared.model.text import is_name, one_line
from shared.silences import LONGEST

if TYPE_CHECKING:
    from datetime import datetime

    from shared.api.bodies import NewSilence
    from shared.api.operation import Call
    from shared.silences import Hidden

SILENCE = "silence"


async def list_silences(call: Call) -> Answer:
    """Every silence, over ones too, and what each hid."""
    found = await (await call.app.silences()).report()
    shown = tuple(viewing.silence(each, call.app.clock()) for each in found)
    return Answer(HTTPStatus.OK, views.SilenceList(silences=shown))


async def get_silence(call: Call) -> Answer:
    """One silence, and what it hid."""
    found = await _named(call, call.path["name"])
    if found is None:
        return unknown(SILENCE)
    return Answer(HTTPStatus.OK, viewing.silence(found, call.app.clock()))


async def create_silence(call: Call) -> Answer:
    """Make a silence."""
    body: NewSilence = call.body
    problems = _problems(body, call.app.clock())
    if problems:
        return bad(*problems)
    silence = Silence(
        name=body.name,
        match=body.match,
        reason=one_line(body.reason),
        owner=one_line(body.owner),
        until=body.until,
        starts=body.starts,
        break_through=body.break_through,
        mode=body.mode,
        warn=timedelta(seconds=body.warn),
    )
    made = await (await call.app.silences()).create(silence, call.order)
    found = await _named(call, made.name)
    if found is None:
        return unknown(SILENCE)
    where = {"location": f"/api/silences/{made.name}"}
    content = viewing.silence(found, call.app.clock())
    return Answer(HTTPStatus.CREATED, content, where)


async def end_silence(call: Call) -> Answer:
    """End a silence now; what it held back is looked at again."""
    ended = await (await call.app.silences()).end(call.path["name"], call.order)
    found = await _named(call, call.path["name"]) if ended else None
    if found is None:
        return unknown(SILENCE)
    return Answer(HTTPStatus.OK, viewing.silence(found, call.app.clock()))


async def _named(call: Call, name: str) -> Hidden | None:
    report = await (await call.app.silences()).report()
    same = (each for each in report if each.silence.name.lower() == name.lower())
    return next(same, None)


def _problems(body: NewSilence, now: datetime) -> list[Mistake]:
    _, problems = parsed(body.match, "body.match")
    problems += parsed(body.break_through, "body.break_through")[1]
    if not is_name(body.name):
        problems.append(Mistake("body.name", "ends with a line break"))
    for field in ("reason", "owner"):
        if not one_line(getattr(body, field)):
            problems.append(Mistake(f"body.{field}", "is empty"))
    begins = body.starts or now
    if body.until <= max(now, begins):
        problems.append(Mistake("body.until", "must lie ahead, and after starts"))
    elif body.until > begins + LONGEST:
        said = f"is more than {LONGEST.days} days after its start"
        problems.append(Mistake("body.until", said))
    return problems
