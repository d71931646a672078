"""What a single value of a policy must be, whichever field has it.

A check raises ValueError that says what was expected.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.actions import matchers
from shared.model import resource
from shared.model.text import is_name
from shared.oncall import hours
from shared.sources import NAMES
from shared.triage.policy import names, on_call

if TYPE_CHECKING:
    from collections.abc import Callable

GUID_PATTERN = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"


class Rule(NamedTuple):
    """A check, which raises ValueError saying what was expected; and that in words."""

    check: Callable[[Any], object]
    describes: str


def optional(check: Callable[[str], object]) -> Callable[[str], None]:
    """A check that a text is empty, or what another check takes."""

    def is_empty_or(text: str) -> None:
        if text:
            check(text)

    return is_empty_or


def name(text: str) -> None:
    """Raise ValueError where a text is no name."""
    if not is_name(text):
        raise ValueError(
            "expected 1 to 40 letters, digits and hyphens, beginning with a letter"
        )


def _guid(text: str) -> None:
    if not re.fullmatch(GUID_PATTERN, text):
        raise ValueError("expected a subscription's GUID")


def _object_id(text: str) -> None:
    if not re.fullmatch(GUID_PATTERN, text):
        raise ValueError("expected an object id of Entra, a GUID, not a name")


def _machine(text: str) -> None:
    if not re.fullmatch("[0-9a-fA-F]{40}", text):
        raise ValueError("expected an id of Defender for Endpoint, 40 hex digits")


def place(text: str) -> None:
    """Raise ValueError where a text is neither a subscription nor an id of Azure."""
    if not re.fullmatch(GUID_PATTERN, text) and resource.whole_id(text) is None:
        raise ValueError(
            "expected a subscription's GUID, or the id of a resource, a resource group"
            " or a subscription, such as /subscriptions/GUID/resourceGroups/NAME"
        )


def _workspace(text: str) -> None:
    if not re.fullmatch(GUID_PATTERN, text):
        raise ValueError("expected a workspace's id, a GUID, not its name")


def scope(text: str) -> None:
    """Raise ValueError where a text is no id of Azure."""
    if resource.whole_id(text) is None:
        raise ValueError(
            "expected the id of a resource, a resource group or a subscription,"
            " such as /subscriptions/GUID/resourceGroups/NAME"
        )


def hub(text: str) -> None:
    """Raise ValueError where a text is not the id of an event hub."""
    known = resource.whole_id(text)
    if (
        known is None
        or resource.type_of(known) != "microsoft.eventhub/namespaces/eventhubs"
    ):
        raise ValueError(
            "expected the ARM id of an event hub, such as /subscriptions/GUID/"
            "resourceGroups/NAME/providers/Microsoft.EventHub/namespaces/NAME/eventhubs/NAME"
        )


def _format(name: str) -> None:
    if name not in NAMES:
        raise ValueError(
            f"no format is named {name[: names.LONGEST]}; expected one of"
            f" {', '.join(sorted(NAMES))}"
        )


def query(name: str) -> None:
    """Raise ValueError where the pack has no such query."""
    from shared.enrichment.pack import pack  # noqa: PLC0415  reads the queries

    if name not in pack():
        raise ValueError(
            f"the pack has no query {name[: names.LONGEST]}; `firewatch queries` lists them"
        )


def a_minute(duration: timedelta) -> None:
    """Raise ValueError where nobody could wait so long, or not at all."""
    if not timedelta(0) < duration <= timedelta(minutes=1):
        raise ValueError("expected a duration above zero, a minute at most")


def whole_minutes(duration: timedelta) -> None:
    """Raise ValueError where the timer, which goes by minutes, could not keep it."""
    if not timedelta(0) < duration <= timedelta(hours=1) or duration.seconds % 60:
        raise ValueError("expected whole minutes from 1m to 1h")


def a_minute_or_more(duration: timedelta) -> None:
    """Raise ValueError below a minute."""
    if duration < timedelta(minutes=1):
        raise ValueError("expected a minute at least")


def said(text: str) -> None:
    """Raise ValueError where a text says nothing, or is too long to be shown."""
    if not text.strip():
        raise ValueError("must not be empty")
    if len(text) > matchers.LONGEST:
        raise ValueError(f"expected at most {matchers.LONGEST} characters")


def _above_zero(duration: timedelta | None) -> None:
    if duration is not None and duration <= timedelta(0):
        raise ValueError("expected a duration above zero, such as 5h")


def whole_number(least: int, most: int) -> Rule:
    """A rule for whole numbers, both ends included."""

    def check(number: int) -> None:
        if not least <= number <= most:
            raise ValueError(f"expected {least} to {most}")

    return Rule(check, f"A whole number from {least} to {most}.")


def filled(what: str) -> Callable[[Any], None]:
    """A check that a collection holds anything; ``what`` says why it must."""

    def check(found: Any) -> None:  # noqa: ANN401  any collection
        if not found:
            raise ValueError(f"is empty; {what}")

    return check


MATCHER = Rule(
    matchers.parse,
    "A matcher: field, operator and value, such as severity>=medium or"
    ' alert_type=~"K8S_.*". Operators: =, !=, =~, !~, and >= for severity and risk,'
    " < for risk. Fields: "
    + ", ".join((*matchers.FIELDS, f"{matchers.TAG}NAME"))
    + ".",
)
OF_SILENCE = Rule(
    matchers.parse_of_silence, "A matcher as in routes, of any field but risk."
)
NAME = Rule(name, "1 to 40 letters, digits and hyphens, beginning with a letter.")
GUID = Rule(_guid, "A subscription's id, a GUID.")
WORKSPACE = Rule(_workspace, "A workspace's id, a GUID.")
FORMAT = Rule(_format, f"A format: {', '.join(sorted(NAMES))}.")
ENTITY = Rule(said, "An identifier of the entity, compared without case.")
OBJECT_ID = Rule(_object_id, "An object id of Entra, a GUID.")
MACHINE = Rule(_machine, "An id of Defender for Endpoint, 40 hex digits.")
PLACE = Rule(
    place, "A subscription's GUID, or an id of a resource, group or subscription."
)
DURATION = Rule(_above_zero, "Above zero.")
POINTS = whole_number(-100, 100)
HOURS = Rule(
    hours.parse,
    "Days, hours or both, such as mon-fri 08:00-18:00, sat-sun, 18:00-08:00.",
)
ZONE = Rule(on_call.zone, "A time zone of the IANA database, such as Europe/Oslo.")
WALL = Rule(
    on_call.year, "A time of the schedule's own clock, such as 2026-11-02T09:00."
)
