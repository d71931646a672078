"""Rows of Resource Graph: resources, machines, their agents and rules.

(remote-apis-azure.md 19.7 and 19.12)
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from shared.posture.documents import arm_id, id_of, text
from shared.posture.estate import Agent, Machine, Thing
from shared.posture.log_documents import machine_of
from shared.posture.wanted import MACHINES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# How a machine is where it runs; one of which nothing is said may.
_RUNNING = frozenset({"powerstate/running", "connected", ""})


def things(rows: Iterable[Mapping[str, Any]]) -> tuple[Thing, ...]:
    """The resources of rows."""
    return tuple(
        Thing(found, text(row.get("type")).lower(), text(row.get("kind")).lower())
        for row in rows
        if (found := id_of(row))
    )


def machines(rows: Iterable[Mapping[str, Any]]) -> tuple[Machine, ...]:
    """The machines among them."""
    return tuple(
        Machine(
            found,
            text(row.get("os")).lower(),
            (text(row.get("power")) or text(row.get("status"))).lower() in _RUNNING,
        )
        for row in rows
        if text(row.get("type")).lower() in MACHINES and (found := id_of(row))
    )


def agents(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Agent, ...]]:
    """The extensions of each machine."""
    found: defaultdict[str, list[Agent]] = defaultdict(list)
    for row in rows:
        is_done = text(row.get("state")).lower() == "succeeded"
        agent = Agent(text(row.get("kind")).lower(), is_done)
        found[machine_of(id_of(row))].append(agent)
    return {machine: tuple(each) for machine, each in found.items()}


def associations(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The data collection rules of each machine; one of an endpoint alone is none."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        rule = arm_id(row.get("rule"))
        if rule:
            found[machine_of(id_of(row))].append(rule)
    return {machine: tuple(each) for machine, each in found.items()}
