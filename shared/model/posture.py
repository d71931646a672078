"""What the policy wants of logs and detection, and what it lets be otherwise."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

# Of the activity log: who did what, and what Azure said of it (remote-apis-azure.md 19).
ACTIVITY = ("Administrative", "Alert", "Policy", "Security")


class CheckName(StrEnum):
    """What is looked at: the closed list of findings, exceptions and alerts."""

    UNKNOWN = "unknown"
    PLAN_OFF = "plan-off"
    PLAN_PARTIAL = "plan-partial"
    PLAN_WITHOUT_FILES = "plan-without-files"
    EXPORT_MISSING = "export-missing"
    EXPORT_OFF = "export-off"
    EXPORT_NARROW = "export-narrow"
    CONTACT_MISSING = "contact-missing"
    ACTIVITY_NOT_KEPT = "activity-not-kept"
    ACTIVITY_NARROW = "activity-narrow"
    LOGS_NOT_KEPT = "logs-not-kept"
    LOGS_NARROW = "logs-narrow"
    SINK_GONE = "sink-gone"
    SINK_UNLOCKED = "sink-unlocked"
    NO_SECOND_COPY = "no-second-copy"
    AGENT_MISSING = "agent-missing"
    RULE_MISSING = "rule-missing"
    EVENTS_MISSING = "events-missing"
    MACHINE_SILENT = "machine-silent"
    CAP_SET = "cap-set"
    CAP_REACHED = "cap-reached"
    RETENTION_INTERACTIVE = "retention-interactive"
    RETENTION_TOTAL = "retention-total"
    EVIDENCE_EXPIRES = "evidence-expires"
    ARCHIVE_MISSING = "archive-missing"
    ARCHIVE_MUTABLE = "archive-mutable"
    ARCHIVE_UNTIERED = "archive-untiered"
    ARCHIVE_DELETES = "archive-deletes"
    RULES_ABSENT = "rules-absent"
    RULE_TELLS_NOBODY = "rule-tells-nobody"
    GROUP_DEAD = "group-dead"
    SENTINEL_MISSING = "sentinel-missing"
    SENTINEL_UNFED = "sentinel-unfed"
    OWN_RULE_MISSING = "own-rule-missing"
    WORKSPACE_NOT_ASKED = "workspace-not-asked"
    TOO_MANY_WORKSPACES = "too-many-workspaces"


class Excuse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Findings that are let be, and why; at ``until`` they count again.

    ``check`` names one; ``resource`` is the id of a resource, group or subscription that
    they must be at or below, ``subject`` what of it. Either is empty for any.
    """

    check: CheckName
    reason: str
    until: datetime
    resource: str = ""
    subject: str = ""


class Posture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked at each day; the defaults are what the audit goes by without it.

    Without ``subscriptions`` it is each that the app's identity can read; without
    ``plans`` each plan of Defender for Cloud that there are resources for. ``hub`` is
    the ARM id of the event hub that exports are to reach: without it, the app's own.
    ``activity`` are categories of the activity log, ``logs`` those of types of
    resources, in place of the ones that are known.
    """

    subscriptions: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    hub: str = ""
    activity: tuple[str, ...] = ACTIVITY
    logs: dict[str, tuple[str, ...]] = {}
    exceptions: tuple[Excuse, ...] = ()
