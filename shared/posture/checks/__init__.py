"""Every check, as one table; each is a small pure function over what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.posture.checks import (
    activity,
    alerting,
    archive,
    defender,
    evidence,
    export,
    machines,
    resource_logs,
    retention,
    sinks,
    topology,
)

if TYPE_CHECKING:
    from shared.posture.finding import Check

CHECKS: tuple[Check, ...] = (
    *defender.CHECKS,
    *export.CHECKS,
    *activity.CHECKS,
    *resource_logs.CHECKS,
    *sinks.CHECKS,
    *machines.CHECKS,
    *retention.CHECKS,
    *evidence.CHECKS,
    *archive.CHECKS,
    *alerting.CHECKS,
    *topology.CHECKS,
)
