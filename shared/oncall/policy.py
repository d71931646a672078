"""The ``on_call`` section of the policy: who can be told, who has when, who is next."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

import msgspec

from shared.model.secret import SecretRef

# A wall-clock time, read in the time zone of whatever it belongs to.
Wall = Annotated[datetime, msgspec.Meta(tz=False)]


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who can be told. ``name`` is for people; their own key unless given.

    ``contacts`` are addresses by the responder that reaches them there, in the order in
    which they prefer them.
    """

    contacts: dict[str, str]
    name: str = ""


class Layer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People who take turns from ``starts`` on, in this order, over and over.

    A turn is counted on the wall clock: one of a day or more ends at the time of day at
    which it began, whatever daylight saving does. Outside of ``hours``, if there are
    any, and on holidays, where not ``on_holidays``, nobody of the layer has it.
    """

    people: tuple[str, ...]
    starts: Wall
    turn: timedelta = timedelta(days=7)
    until: Wall | None = None
    hours: tuple[str, ...] = ()
    on_holidays: bool = True


class StandIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person has it from ``starts`` until ``until``, whatever else is said."""

    person: str
    starts: Wall
    until: Wall


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is on call when: an override, else the first layer that has somebody.

    In place of layers there may be a ``feed``, the setting that holds the address of an
    iCalendar; ``names`` says who of the policy is meant by a name in it.
    """

    time_zone: str
    layers: tuple[Layer, ...] = ()
    feed: SecretRef | None = None
    names: dict[str, str] = {}
    overrides: tuple[StandIn, ...] = ()
    holidays: tuple[date, ...] = ()


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to tell, and how long ``after`` the escalation began.

    ``to`` names people, schedules and responders; no two of those have one name.
    """

    to: tuple[str, ...]
    after: timedelta = timedelta(0)


class Escalation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Steps that are taken one after another until somebody answers.

    ``pause`` after the last of them the whole begins anew, ``repeat`` times. Where there
    are ``hours``, it is for these alone, by the clock of ``time_zone``.
    """

    steps: tuple[Step, ...]
    repeat: int = 0
    pause: timedelta = timedelta(minutes=15)
    hours: tuple[str, ...] = ()
    time_zone: str = "UTC"


class OnCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People, schedules and escalations, each by its name.

    ``fallback`` names the responders that are told where somebody could not be, or where
    an escalation ended and nobody answered.
    """

    people: dict[str, Person] = {}
    schedules: dict[str, Schedule] = {}
    escalations: dict[str, Escalation] = {}
    fallback: tuple[str, ...] = ()
