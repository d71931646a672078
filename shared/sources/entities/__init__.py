"""The entities of an alert, out of its entity list and its extended properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.sources.entities import extended as extended_properties
from shared.sources.entities.kinds import read, read_all
from shared.sources.entities.problems import Problems, decoded
from shared.sources.entities.references import References

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.model.entity import Entity

MOST_ENTITIES = 500


def entities_of(
    raw: object, extended: object = None
) -> tuple[tuple[Entity, ...], tuple[str, ...]]:
    """The entities in the order they are met, each once, and warnings; never raises.

    Both arguments are JSON values as they came: a list and an object, or texts that
    hold them (Log Analytics). What is not in the list is lifted from ``extended``. The
    time taken is linear in the size of both, and the outcome bounded.
    """
    problems = Problems()
    references = References(_listed(raw, problems), problems, read)
    found = _distinct(
        (e for node in references.typed for e in read_all(node)), problems
    )
    return with_lifted(found, extended, problems)


def with_lifted(
    found: list[Entity], extended: object, problems: Problems
) -> tuple[tuple[Entity, ...], tuple[str, ...]]:
    """The entities found in a list, then those lifted from ``extended``; warnings."""
    lifted = extended_properties.lift(extended, found, problems)
    if not lifted:
        return tuple(found), problems.told()
    room = MOST_ENTITIES - len(found)
    if len(lifted) > room:
        _tell_cut(problems)
    return (*found, *lifted[:room]), problems.told()


def _listed(raw: object, problems: Problems) -> list[Any]:
    value = decoded(raw, "entities", problems)
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    if value is not None:
        problems.add("entities are no list")
    return []


def _distinct(entities: Iterator[Entity], problems: Problems) -> list[Entity]:
    found: dict[Entity, None] = {}
    for entity in entities:
        if entity in found:
            continue
        if len(found) == MOST_ENTITIES:
            _tell_cut(problems)
            break
        found[entity] = None
    return list(found)


def _tell_cut(problems: Problems) -> None:
    problems.add(f"entities after the first {MOST_ENTITIES} were left out")
