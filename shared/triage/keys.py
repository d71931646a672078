"""What may tie an alert to others: its keys, a pure function of what it says.

It joins through every key at once. So that order cannot show, nothing that others said
enters a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.model import resource
from shared.model.correlation import NeverGroup
from shared.model.text import cut
from shared.triage import entity_keys
from shared.triage.families import FAMILIES, families
from shared.triage.fingerprint import SCHEMA, Key, Strategy, digest, fingerprint

if TYPE_CHECKING:
    from shared.model.alert import AlertRow
    from shared.model.entity import Entity
    from shared.triage.fingerprint import Told

# The problem, its resource in each family, and what it names.
MOST_KEYS = 1 + len(FAMILIES) + entity_keys.MOST

_LONGEST_TEXT = 200

_NOTHING = NeverGroup()


class Remembered(NamedTuple):
    """An alert as far as its row goes."""

    id: str
    scope: str
    alert_type: str
    resource: str | None
    tactics: tuple[str, ...]
    entities: tuple[Entity, ...]


def keys(alert: Told, never: NeverGroup = _NOTHING) -> tuple[Key, ...]:
    """Every key of the alert, but for what ``never`` groups; no two are equal.

    The reason that is named first comes first.
    """
    found = [*_problem(alert), *_resource(alert.resource, alert.tactics)]
    own = resource.whole(alert.resource) if alert.resource else None
    for thing in entity_keys.things(alert.entities, never, own=own):
        # As what happens to the host itself, if that can lie in the same scope.
        if thing.resource and resource.subscription(thing.resource) == alert.scope:
            on_it = _resource(thing.resource, alert.tactics)
            found += (key._replace(strategy=Strategy.HOST) for key in on_it)
        else:
            found.append(_entity(alert.scope, thing))
    # A host may take two rows; the cap is on rows.
    return tuple(found[:MOST_KEYS])


def keys_of(row: AlertRow, scope: str, never: NeverGroup = _NOTHING) -> tuple[Key, ...]:
    """The keys of the version that a row remembers, and of the first one's problem.

    ``scope`` is that of its incident; it counts where the alert names no resource.
    """
    if row.resource is not None:
        scope = resource.subscription(row.resource)
    said = Remembered(
        row.id, scope, row.alert_type, row.resource, row.tactics, row.entities
    )
    found = {key.digest: key for key in keys(said, never)}
    first = Key(Strategy.FINGERPRINT, row.fingerprint, f"problem {row.alert_type}")
    return tuple({row.fingerprint: first, **found}.values())


def _problem(alert: Told) -> list[Key]:
    if alert.resource is None:
        return []
    name = f"{alert.alert_type} on {resource.display_name(alert.resource)}"
    text = cut(f"problem {name}", _LONGEST_TEXT)
    return [Key(Strategy.FINGERPRINT, fingerprint(alert), text)]


def _resource(arm_id: str | None, tactics: tuple[str, ...]) -> list[Key]:
    """The resource with each family of the tactics; none where it is no one thing."""
    one = resource.whole(arm_id) if arm_id else None
    if one is None:
        return []
    name = cut(f"resource {resource.display_name(one)}", _LONGEST_TEXT)
    return [
        Key(
            Strategy.RESOURCE,
            digest(schema=SCHEMA, strategy="resource", resource=one, family=family),
            f"{name}, {family}",
        )
        for family in families(tactics)
    ]


def _entity(scope: str, thing: entity_keys.Thing) -> Key:
    # The scope is in it: two subscriptions may lie in one partition.
    value = digest(
        schema=SCHEMA,
        scope=scope,
        strategy=thing.strategy.name,
        kind=thing.kind,
        value=thing.value,
    )
    return Key(thing.strategy, value, cut(thing.text, _LONGEST_TEXT))
