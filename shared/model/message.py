"""What people are told of an incident: the same words at every side."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from shared.model.alert import Severity
from shared.model.incident import IncidentStatus
from shared.model.link import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that people ask about an incident, and the lines that answer it.

    ``key`` is for programs and never changes. ``left_out`` counts lines there would
    have been besides.
    """

    key: str
    title: str
    lines: tuple[str, ...]
    left_out: int = 0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as it is told of, the most important first.

    Every text is plain (``shared.model.text.plain``): one line, bounded, no invisible
    characters, no live URL. It is still hostile to whatever has a syntax: each sink
    escapes it as its own, after it cut what it must. ``links`` are ours or Microsoft's
    and may be followed.

    ``headline`` has at most ``HEADLINE`` characters, a line of a section at most
    ``LINE``. ``why`` says why it is told now, such as ``New incident``.
    """

    incident: str
    headline: str
    why: str
    severity: Severity
    status: IncidentStatus
    is_sample: bool
    alerts: int
    scope: str
    resource: str
    component: str
    alert_type: str
    first_seen: datetime
    last_seen: datetime
    sections: tuple[Section, ...]
    links: tuple[Link, ...] = ()


HEADLINE = 1_024
LINE = 512
# Lines of a section.
MOST_LINES = 20


def shortened(
    sections: Iterable[Section], room: int, cost: Callable[[str], int]
) -> tuple[Section, ...]:
    """The sections with as many of their lines as there is room for.

    ``cost`` is what a line takes of the room in the sink's own syntax. Lines go from the
    end of whichever section is the longest, and are counted in ``left_out``.
    """
    sections = tuple(sections)
    costs = [[cost(line) for line in section.lines] for section in sections]
    taken = sum(map(sum, costs))
    while taken > room and any(costs):
        taken -= max(costs, key=sum).pop()
    return tuple(
        msgspec.structs.replace(
            section,
            lines=section.lines[: len(kept)],
            left_out=section.left_out + len(section.lines) - len(kept),
        )
        for section, kept in zip(sections, costs, strict=True)
    )
