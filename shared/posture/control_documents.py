"""What says who is called, who may delete, and what keeps an archive as it is.

(remote-apis-azure.md 18, 19.8, 19.10 and 12)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.posture.documents import (
    arm_id,
    id_of,
    items,
    part,
    properties,
    text,
    texts,
    whole_number,
)
from shared.posture.estate import ActionGroup, AlertRule, Archive, Lock, Right

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LOCK = "/providers/microsoft.authorization/locks/"
_RECEIVERS = "Receivers"
# What diagnostic settings write to, and data exports.
_OF_LOGS = ("insights-", "am-")
_TIERS = frozenset({"tiertocool", "tiertocold", "tiertoarchive"})


def alert_rules(documents: Iterable[Mapping[str, Any]]) -> tuple[AlertRule, ...]:
    """Alert rules of any of the three kinds: by a query, a metric, the activity log."""
    return tuple(
        AlertRule(
            id_of(each),
            text(properties(each).get("displayName")),
            properties(each).get("enabled") is not False,
            tuple(_groups(properties(each).get("actions"))),
        )
        for each in documents
    )


def action_groups(documents: Iterable[Mapping[str, Any]]) -> tuple[ActionGroup, ...]:
    """Action groups, and how many of their receivers are on."""
    return tuple(
        ActionGroup(
            id_of(each),
            properties(each).get("enabled") is not False,
            sum(_is_on(receiver) for receiver in _receivers(properties(each))),
        )
        for each in documents
    )


def locks(documents: Iterable[Mapping[str, Any]]) -> tuple[Lock, ...]:
    """Locks, and what they are on."""
    return tuple(
        Lock(
            id_of(each).partition(_LOCK)[0],
            text(part(each, "properties", "level")).lower(),
        )
        for each in documents
    )


def rights(documents: Iterable[Mapping[str, Any]]) -> tuple[Right, ...]:
    """Role assignments."""
    return tuple(
        Right(
            text(found.get("principalId")).lower(),
            text(found.get("roleDefinitionId")).lower().rpartition("/")[2],
            # What is above a subscription has no id that is canonical here.
            arm_id(found.get("scope")),
        )
        for each in documents
        for found in (properties(each),)
    )


def archive(
    account: str,
    containers: Iterable[Mapping[str, Any]],
    lifecycle: Mapping[str, Any],
) -> Archive:
    """A storage account that logs go to, from its two documents."""
    rules = [
        each
        for each in items(part(lifecycle, "properties", "policy", "rules"))
        if each.get("enabled") is not False
    ]
    actions = [part(rule, "definition", "actions", "baseBlob") for rule in rules]
    days = [day for each in actions for day in _days(part(each, "delete"))]
    return Archive(
        id=account,
        mutable=tuple(_mutable(containers)),
        is_tiered=any(
            _TIERS & {name.lower() for name in each}
            for each in actions
            if isinstance(each, dict)
        ),
        deletes_after=min(days, default=None),
    )


def _mutable(containers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The containers of logs whose blobs can be changed; others are no archive."""
    for each in containers:
        name, found = text(each.get("name")), properties(each)
        if not name.lower().startswith(_OF_LOGS):
            continue
        is_kept = (
            found.get("hasImmutabilityPolicy") is True
            or found.get("hasLegalHold") is True
            or part(found, "immutableStorageWithVersioning", "enabled") is True
        )
        if not is_kept:
            yield name


def _days(delete: object) -> Iterator[int]:
    for name in (
        "daysAfterModificationGreaterThan",
        "daysAfterCreationGreaterThan",
        "daysAfterLastAccessTimeGreaterThan",
    ):
        found = whole_number(part(delete, name))
        if found is not None:
            yield found


def _groups(actions: object) -> Iterator[str]:
    """The groups that a rule calls: each of the three kinds writes it its own way."""
    if isinstance(actions, dict):
        for group in texts(actions.get("actionGroups")):
            yield arm_id(group)
        actions = actions.get("actionGroups")
    for each in items(actions):
        yield arm_id(each.get("actionGroupId"))


def _receivers(found: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name, value in found.items():
        if name.endswith(_RECEIVERS):
            yield from items(value)


def _is_on(receiver: Mapping[str, Any]) -> bool:
    """Whether it is called: those who unsubscribed are Disabled, most kinds say nothing."""
    return text(receiver.get("status")).lower() != "disabled"
