"""Keys of actions: what names a step for ever, and a notice to the other side."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.model.incident import Incident

_DEDUP_KEY = re.compile(r"fw-([0-9a-f]{16})-[0-9a-f]{32}")


def dedup_key(incident: Incident, responder: str, target: str) -> str:
    """What the other side is given for the notice of this incident as it is now.

    It names the root incident, so that what comes back about it finds its way, and a
    hash of all that makes it this notice.
    """
    notice = (incident.root, str(incident.epoch), responder, target)
    return f"fw-{incident.root}-{digest(*notice)}"


def named_in(dedup_key: str) -> str | None:
    """The incident that a key of a notice names; None where it is no such key.

    Keys of before 0.2 are the hash alone, and name none.
    """
    found = _DEDUP_KEY.fullmatch(dedup_key)
    return found[1] if found else None


def is_same_notice(one: str, other: str) -> bool:
    """Whether two keys are of one notice, be one of before 0.2 or not."""
    return one.rpartition("-")[2] == other.rpartition("-")[2]


def beside(dedup_key: str, key: str) -> str:
    """The key of another notice of the same incident."""
    return f"{dedup_key.rpartition('-')[0]}-{key}"


def digest(*parts: str) -> str:
    """32 hex digits over length-prefixed parts: ("a", "bc") is not ("ab", "c")."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
