"""Sections ``contain`` and ``guards`` of the policy: what is contained, and what may not be."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

import msgspec

from shared.model.alert import Severity

# What responders may ``use`` that change or copy something. The table of responders is
# held to it by a test: whoever reads a policy need not import them all.
DOES: frozenset[str] = frozenset(
    {
        "app-stop",
        "disk-snapshot",
        "endpoint-isolate",
        "endpoint-package",
        "endpoint-quarantine-file",
        "endpoint-scan",
        "blob-quarantine",
        "indicator",
        "key-rotate",
        "nsg-deny",
        "principal-disable",
        "registry-token-disable",
        "risk-confirm",
        "role-remove",
        "resource-config",
        "scale-set-deallocate",
        "secret-disable",
        "sessions-revoke",
        "sql-public-off",
        "sql-rule-remove",
        "storage-keys-off",
        "storage-public-off",
        "user-disable",
        "vault-deny",
        "vm-deallocate",
        "vm-quarantine",
    }
)

# Likewise those that forward: they tell nobody.
FORWARDS: frozenset[str] = frozenset(
    {"arcsight", "event-hub", "logs-ingestion", "qradar", "splunk"}
)

# By which a resource, its group or its subscription says that nobody may touch it.
MARKER = "firewatch:protected=true"

# By which one of them says that nothing is begun in it while it stands there.
STOP_MARKER = "firewatch:stop=true"


class Mode(StrEnum):
    """How far Firewatch goes by itself; of several the most restrictive counts."""

    SHADOW = "shadow"
    APPROVE = "approve"
    ACT = "act"

    @property
    def rank(self) -> int:
        """0 for shadow, 2 for act."""
        return _MODES.index(self)


_MODES = tuple(Mode)


def strictest(*modes: Mode) -> Mode:
    """The most restrictive of several modes."""
    return min(modes, key=lambda mode: mode.rank)


class Contain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Incidents that every matcher surely fits have these responders ``do`` their part.

    Every rule that fits counts. What they do holds for ``lasts`` (``for`` in a policy),
    which is null for until somebody undoes it.
    """

    do: tuple[str, ...]
    match: tuple[str, ...]
    name: str = ""
    mode: Mode = Mode.ACT
    lasts: timedelta | None = msgspec.field(name="for", default=timedelta(hours=4))


class Protected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What no deed may touch.

    ``resources`` are ids of resources, groups or subscriptions, with all that is in
    them. ``accounts`` are object ids, ``addresses`` addresses and networks, ``machines``
    ids of Defender for Endpoint. ``tags`` are looked for on a resource, its group and its
    subscription.
    """

    resources: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    tags: tuple[str, ...] = (MARKER,)


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most so many deeds are begun ``within`` any stretch of that length.

    Of these ``responders`` together, or of all that contain: evidence counts where it is
    named. In all subscriptions together, or with ``each`` in each. Past it people are
    asked; one that is ``strict`` refuses.

    Instead of ``most``, ``share`` is how many in a hundred machines of one scale set, and
    of one subnet, are contained at a time; each counts for as long as its deeds hold, and
    ``within`` that time at least.
    """

    most: int | None = None
    share: int | None = None
    within: timedelta = timedelta(hours=1)
    responders: tuple[str, ...] = ()
    each: bool = False
    strict: bool = False


class Guards(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every deed must pass.

    Nothing goes beyond ``mode``; ``responders`` and ``scopes`` hold some of them lower,
    by name, and by id of a subscription, group or resource. Below ``severity``, ``risk``
    or the number of different ``problems`` that speak for it, outside of ``hours``, and
    where the newest alert is older than ``max_age``, people are asked. An approval is
    asked for and counts for ``approval``; ``approvers`` are the object ids of the people
    and groups of Entra who may give one, and take back what was done.
    """

    mode: Mode = Mode.SHADOW
    responders: dict[str, Mode] = {}
    scopes: dict[str, Mode] = {}
    protected: Protected = Protected()
    budgets: tuple[Budget, ...] = (Budget(most=3),)
    severity: Severity = Severity.HIGH
    risk: int = 0
    problems: int = 1
    hours: tuple[str, ...] = ()
    time_zone: str = "UTC"
    max_age: timedelta = timedelta(hours=1)
    approval: timedelta = timedelta(hours=1)
    approvers: tuple[str, ...] = ()
