"""What becomes of a link that is followed: one value that pages show."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from shared.answers.token import Refusal, Token
    from shared.model.deed import DeedRow
    from shared.model.incident import Incident, Mark


# Who did it, where nobody knows more than whom a link was sent to; and whose keys the
# names of links are: the first who follows one uses it up.
LINK = "link"

# How long somebody may silence from a message; what lasts is for the policy.
HOURS = (1, 4, 24)


class State(StrEnum):
    """What a good link meets."""

    READY = "ready"
    DONE = "done"
    ALREADY = "already"


class Sight(NamedTuple):
    """What somebody sees who follows a link: the incident as it goes on, and its state.

    ``mark`` is who did what the link is for, or ended the incident, where somebody did.
    ``matchers`` are what would be silenced, ``until`` how long it is. ``deed`` is what
    is to be decided, where it is about one.
    """

    token: Token
    state: State | Refusal
    head: Incident | None = None
    mark: Mark | None = None
    matchers: tuple[str, ...] = ()
    until: datetime | None = None
    deed: DeedRow | None = None
