"""The tag on what a deed changed: whoever finds it cut off reads why, and until when. Pure.

It is for the time when Firewatch is gone (review F21). Each target has a tag of its own,
so two deeds at one resource never write over each other.
"""

from __future__ import annotations

import hashlib
import shlex
from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple

from shared.model import resource
from shared.model.action import Kind

if TYPE_CHECKING:
    from shared.model.deed import Deed, Holder, TargetRow

# What every such tag begins with.
PREFIX = "firewatch:contained"


class Tag(NamedTuple):
    """A tag, and the canonical id of the resource that it is on."""

    resource: str
    name: str
    value: str

    @property
    def removal(self) -> str:
        """The command that takes it away without Firewatch."""
        pair = shlex.quote(f"{self.name}={self.value}")
        where = f"--resource-id {self.resource}"
        return f"az tag update {where} --operation delete --tags {pair}"


def resource_of(deed: Deed) -> str:
    """The resource that a deed tags; empty where it tags none.

    What is never taken back would be tagged for ever, and evidence is in nobody's way.
    """
    if deed.kind is not Kind.CONTAIN or not deed.reversible or not deed.resources:
        return ""
    about = deed.resources[0]
    is_resource = resource.whole_id(about) == about and resource.whole(about)
    return about if is_resource else ""


def tag_of(target: TargetRow) -> Tag | None:
    """What a target's resource is tagged with for those that hold it; None for none.

    It says the incident of whoever holds it longest. Without holders its value is empty.
    """
    about = resource_of(target.deed)
    if not about:
        return None
    return Tag(about, _name(target.deed, about), _value([*target.holders.values()]))


def _name(deed: Deed, about: str) -> str:
    """Readable where the deed is about all of the resource, exact where about a part."""
    name = f"{PREFIX}:{deed.use}"
    if deed.target == about:
        return name
    return f"{name}-{hashlib.sha256(deed.target.encode()).hexdigest()[:8]}"


def _value(holders: list[Holder]) -> str:
    if not holders:
        return ""
    last = max(holders, key=lambda each: (_is_endless(each), each.until or each.since))
    until = f"{last.until.astimezone(UTC):%Y-%m-%dT%H:%MZ}" if last.until else "undone"
    more = f" and {len(holders) - 1} more" if len(holders) > 1 else ""
    return f"{last.incident} until {until}{more}"


def _is_endless(holder: Holder) -> bool:
    return holder.until is None
