"""Which tactics are related: what happens to one resource is one incident only then.

A resource on the internet is knocked at all day. Were that one with whatever happens
inside, the break-in would join an incident that somebody acknowledged hours ago. So
there are two families, and what gets in is in both: it ties what it came from to what
it led to. Stages after the break-in are not told apart. Detectors label them loosely,
and on storage, vaults and databases the first step is often the last one too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Each is a key row for every resource, so there are few. The names are MITRE ATT&CK's,
# those of industrial control systems last.
FAMILIES: Mapping[str, frozenset[str]] = {
    "at the door": frozenset(
        {
            "Reconnaissance",
            "ResourceDevelopment",
            "InitialAccess",
        }
    ),
    "inside": frozenset(
        {
            "InitialAccess",
            "Execution",
            "Persistence",
            "PrivilegeEscalation",
            "DefenseEvasion",
            "CredentialAccess",
            "Discovery",
            "LateralMovement",
            "Collection",
            "CommandAndControl",
            "Exfiltration",
            "Impact",
            "Evasion",
            "ImpairProcessControl",
            "InhibitResponseFunction",
        }
    ),
}

_BY_TACTIC: Mapping[str, frozenset[str]] = {
    tactic.lower(): frozenset(
        name for name, tactics in FAMILIES.items() if tactic in tactics
    )
    for tactic in frozenset().union(*FAMILIES.values())
}


@lru_cache(maxsize=1024)
def families(tactics: tuple[str, ...]) -> tuple[str, ...]:
    """The families that any of the tactics belongs to, in the order of the table.

    An alert that names no tactic, or none that is known, is related to every family.
    """
    named: frozenset[str] = frozenset().union(
        *(_BY_TACTIC.get(tactic.lower(), frozenset()) for tactic in tactics)
    )
    return tuple(name for name in FAMILIES if not named or name in named)
