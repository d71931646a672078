"""What must hold within the section ``on_call``, and between it and the responders.

The values are those of structs as they are read: None where a field is a mistake.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from shared.model.text import one_line
from shared.oncall.policy import Escalation, Layer, OnCall, Schedule, StandIn
from shared.oncall.wall import zone_of
from shared.triage.policy import names
from shared.triage.policy.document import step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

FIRST_YEAR, LAST_YEAR = 2000, 2199
SHORTEST_TURN = timedelta(hours=1)
LONGEST_DELAY = timedelta(days=7)
LONGEST_ADDRESS = 254


def zone(name: str) -> None:
    """Raise ValueError where there is no such time zone."""
    try:
        zone_of(name)
    except ValueError as error:
        from zoneinfo import available_timezones  # noqa: PLC0415  reads a folder

        near = names.suggestion(name, available_timezones())
        raise ValueError(f"{error}{near}") from None


def year(day: date) -> None:
    """Raise ValueError for a day that turns are not counted from or to."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"expected a year from {FIRST_YEAR} to {LAST_YEAR}")


def turn(duration: timedelta) -> None:
    """Raise ValueError where a turn is too short."""
    if duration < SHORTEST_TURN:
        raise ValueError("expected an hour at least; 1d is daily, 7d weekly")


def delay(duration: timedelta) -> None:
    """Raise ValueError where nobody would wait for a step so long."""
    if duration > LONGEST_DELAY:
        raise ValueError(f"expected at most {LONGEST_DELAY.days}d")


def pause(duration: timedelta) -> None:
    """Raise ValueError where there is no pause, or one that nobody would wait."""
    if duration <= timedelta(0):
        raise ValueError("expected a duration above zero, such as 15m")
    delay(duration)


def address(text: str) -> None:
    """Raise ValueError for what can be no address of whatever kind."""
    if not text or text != one_line(text) or len(text) > LONGEST_ADDRESS:
        raise ValueError(
            f"expected an address: one line, {LONGEST_ADDRESS} characters at most"
        )


def problems(kind: type, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong between the fields of a struct: the field, and what is said of it."""
    found = _OF.get(kind)
    return [*found(values)] if found else []


def between(responders: object, on_call: object) -> Iterator[tuple[str, str]]:
    """What is wrong between the section and the responders, by paths in the section."""
    if not isinstance(responders, dict) or not isinstance(on_call, dict):
        return
    for section in ("people", "schedules"):
        for place, name in enumerate(on_call.get(section) or ()):
            if name in responders:
                path = step(section, name, place)
                yield path, "is the name of a responder too; steps name either"
    is_known = names.check([str(name) for name in responders], "responder")
    for place, (name, person) in enumerate((on_call.get("people") or {}).items()):
        path = f"{step('people', name, place)}.contacts"
        contacts = (person or {}).get("contacts") or {}
        for number, responder in enumerate(contacts):
            try:
                is_known(responder)
            except ValueError as error:
                yield step(path, responder, number), str(error)


def _of_on_call(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    people = values.get("people") or {}
    for place, name in enumerate(values.get("schedules") or ()):
        if name in people:
            path = step("schedules", name, place)
            yield path, "is the name of a person too; steps name either"


def _of_schedule(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    has_layers, has_feed = "layers" in values, values.get("feed") is not None
    if has_layers and has_feed:
        yield "feed", "expected layers or a feed, not both"
    elif not has_layers and not has_feed:
        yield "layers", "expected layers, or a feed"
    if values.get("names") and not has_feed:
        yield "names", "is for schedules with a feed"
    if values.get("holidays") and has_feed:
        yield "holidays", "is for layers; a feed has none"
    yield from _overlaps(values.get("overrides") or ())


def _overlaps(overrides: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401  a sequence
    whole = [
        (each["starts"], each["until"], place)
        for place, each in enumerate(overrides)
        if each and each.get("starts") and each.get("until")
    ]
    for one, other in pairwise(sorted(whole)):
        if other[0] < one[1]:
            low, high = sorted((one[2], other[2]))
            yield f"overrides[{high}]", f"overlaps overrides[{low}]"


def _of_times(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    starts, until = values.get("starts"), values.get("until")
    if starts and until and starts >= until:
        yield "until", "expected a time after starts"


def _of_escalation(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    after: timedelta | None = None
    for place, each in enumerate(values.get("steps") or ()):
        now = each.get("after", timedelta(0)) if each else None
        if now is not None and after is not None and now <= after:
            yield f"steps[{place}].after", "expected more than the step before it has"
        after = now if now is not None else after


_OF: Mapping[type, Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]] = {
    OnCall: _of_on_call,
    Schedule: _of_schedule,
    Layer: _of_times,
    StandIn: _of_times,
    Escalation: _of_escalation,
}
