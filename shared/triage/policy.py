"""policy.yaml as typed values; every mistake is named with its path."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from shared.actions import matchers
from shared.actions.routing import Route
from shared.model.correlation import Correlation
from shared.model.errors import SettingsError
from shared.model.silence import Silence
from shared.model.storm import Storm
from shared.senders import Sender
from shared.sources import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

# The head of an incident holds them all, and must stay far below a row's 1 MiB.
MOST_PROBLEMS = 300

# Names become parts of row keys, blob names and log fields.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,39}")

_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")

_DURATION = re.compile(r"^(\d{1,6})\s*(s|m|h|d)$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATIONS = (("correlate", "gap"), ("correlate", "max_age"))


class Reconcile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose alerts are listed at the source, to find what the export left out."""

    subscriptions: tuple[str, ...] = ()


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the deployment decides: who may send, what groups, who is told.

    ``responders`` are named instances; ``use`` names the kind, and the rest are its
    settings, which the kind itself checks. Secrets are named, never written.
    """

    responders: dict[str, dict[str, Any]]
    routes: tuple[Route, ...]
    senders: dict[str, Sender] = {}
    correlate: Correlation = Correlation()
    suppress: tuple[Silence, ...] = ()
    storm: Storm = Storm()
    reconcile: Reconcile = Reconcile()


def load(text: bytes, *, name: str = "policy.yaml") -> Policy:
    """The policy of a YAML text. Raises SettingsError naming every mistake found."""
    try:
        raw = msgspec.yaml.decode(text)
        policy = msgspec.convert(_with_durations(raw), Policy)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise SettingsError([f"{name}: {error}"]) from None
    problems = [f"{name}: {problem}" for problem in _problems(policy)]
    if problems:
        raise SettingsError(problems)
    return policy


def _problems(policy: Policy) -> Iterator[str]:
    for section in (policy.senders, policy.responders):
        for place, name in enumerate(section):
            if not _NAME.fullmatch(name):
                which = "senders" if section is policy.senders else "responders"
                yield (
                    f"$.{which}: name {place + 1} of it is not 1 to 40 letters, digits"
                    " and hyphens, beginning with a letter"
                )
    yield from _format_problems(policy)
    yield from _route_problems(policy)
    for field in ("gap", "max_age"):
        if getattr(policy.correlate, field) <= timedelta(0):
            yield f"$.correlate.{field}: expected a duration above zero, such as 5h"
    if not 1 <= policy.correlate.max_problems <= MOST_PROBLEMS:
        yield f"$.correlate.max_problems: expected 1 to {MOST_PROBLEMS}"
    for place, subscription in enumerate(policy.reconcile.subscriptions):
        if not _GUID.fullmatch(subscription):
            yield f"$.reconcile.subscriptions[{place}]: expected a subscription's GUID"


def _format_problems(policy: Policy) -> Iterator[str]:
    for name, sender in policy.senders.items():
        for place, named in enumerate(sender.formats):
            if named and named not in NAMES:
                yield (
                    f"$.senders.{name}.formats[{place}]: no format is named {named};"
                    f" expected one of {', '.join(sorted(NAMES))}"
                )


def _route_problems(policy: Policy) -> Iterator[str]:
    if not policy.routes:
        yield "$.routes: is empty; at least one route must name a responder"
    for place, route in enumerate(policy.routes):
        for responder in route.to:
            if responder not in policy.responders:
                yield f"$.routes[{place}].to: no responder is named {responder}"
        for number, matcher in enumerate(route.match):
            try:
                matchers.parse(matcher)
            except ValueError as error:
                yield f"$.routes[{place}].match[{number}]: {error}"


def _with_durations(raw: object) -> object:
    """The YAML value with texts such as 5h made into the seconds they are."""
    if not isinstance(raw, dict):
        return raw
    changed = dict(raw)
    for section, field in _DURATIONS:
        inner = changed.get(section)
        if isinstance(inner, dict) and isinstance(inner.get(field), str):
            changed[section] = {**inner, field: _duration(inner[field], section, field)}
    return changed


def _duration(text: str, section: str, field: str) -> timedelta:
    found = _DURATION.match(text.strip())
    if found is None:
        raise msgspec.ValidationError(
            f"Expected a duration such as 90s, 30m, 5h or 2d - at `$.{section}.{field}`"
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
