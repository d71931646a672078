"""What the app says about itself: constant event names, fields as data, no bodies.

Values are JSON-encoded, so text from an alert cannot start a log line of its own.
Names are the whole vocabulary; a dashboard or an alert rule can rely on them.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

import msgspec

_LOG = logging.getLogger("firewatch")

# Attacker's text may be long; a log line need not be.
LONGEST_VALUE = 300


class LogEvent(NamedTuple):
    """A name that log lines carry, and how loud it is."""

    name: str
    level: int


BATCH_TAKEN = LogEvent("batch.taken", logging.INFO)
UNIT_REJECTED = LogEvent("unit.rejected", logging.WARNING)
UNIT_BROKE_US = LogEvent("unit.broke_us", logging.ERROR)
REQUEST_PUT_OFF = LogEvent("request.put_off", logging.ERROR)
SENDER_REFUSED = LogEvent("sender.refused", logging.WARNING)
DELIVERY_APPLIED = LogEvent("delivery.applied", logging.INFO)
DELIVERY_RETRIED = LogEvent("delivery.retried", logging.WARNING)
DELIVERY_FAILED = LogEvent("delivery.failed", logging.ERROR)
OUTCOME_LATE = LogEvent("outcome.late", logging.WARNING)
INCIDENT_BROKE_US = LogEvent("incident.broke_us", logging.ERROR)
INCIDENT_STUCK = LogEvent("incident.stuck", logging.CRITICAL)
POLICY_RELOADED = LogEvent("policy.reloaded", logging.INFO)
POLICY_PROBLEM = LogEvent("policy.problem", logging.ERROR)
MESSAGE_POISONED = LogEvent("message.poisoned", logging.ERROR)
TICK_DONE = LogEvent("tick.done", logging.INFO)
HEARTBEAT_FAILED = LogEvent("heartbeat.failed", logging.ERROR)
# Incidents wait to be looked at: a sign of life would not be true.
HEARTBEAT_WITHHELD = LogEvent("heartbeat.withheld", logging.ERROR)
# A step of an escalation that named nobody who can be told.
ON_CALL_NOBODY = LogEvent("on_call.nobody", logging.ERROR)
RECONCILE_OFF = LogEvent("reconcile.off", logging.DEBUG)
RECONCILE_DONE = LogEvent("reconcile.done", logging.INFO)
RECONCILE_FAILED = LogEvent("reconcile.failed", logging.ERROR)
AUDIT_DONE = LogEvent("audit.done", logging.INFO)
AUDIT_FAILED = LogEvent("audit.failed", logging.ERROR)
RETIRE_DONE = LogEvent("retire.done", logging.INFO)
RETIRE_FAILED = LogEvent("retire.failed", logging.ERROR)
SILENCES_UNREAD = LogEvent("silences.unread", logging.ERROR)
STORM_UNREAD = LogEvent("storm.unread", logging.ERROR)
EVIDENCE_GATHERED = LogEvent("evidence.gathered", logging.INFO)
EVIDENCE_FORBIDDEN = LogEvent("evidence.forbidden", logging.WARNING)
EVIDENCE_BROKE_US = LogEvent("evidence.broke_us", logging.ERROR)
WORKSPACE_UNKNOWN = LogEvent("workspace.unknown", logging.WARNING)
ANSWER_GIVEN = LogEvent("answer.given", logging.INFO)
ANSWER_REFUSED = LogEvent("answer.refused", logging.WARNING)
FEED_PROBLEM = LogEvent("feed.problem", logging.WARNING)
FEED_STALE = LogEvent("feed.stale", logging.ERROR)
FEED_UNKNOWN = LogEvent("feed.unknown", logging.WARNING)
CALLBACK_TAKEN = LogEvent("callback.taken", logging.INFO)
CALLBACK_PASSED = LogEvent("callback.passed", logging.INFO)
CALLBACK_ODD = LogEvent("callback.odd", logging.WARNING)
TICKETS_READ = LogEvent("tickets.read", logging.INFO)
TICKETS_UNREAD = LogEvent("tickets.unread", logging.WARNING)
TICKETS_BROKE_US = LogEvent("tickets.broke_us", logging.ERROR)
TAGS_UNREAD = LogEvent("tags.unread", logging.WARNING)
VERDICTS_UNREAD = LogEvent("verdicts.unread", logging.ERROR)
# What a guard goes by could not be read: nothing is done for it by itself.
GUARD_UNREAD = LogEvent("guard.unread", logging.ERROR)
DEED_UNPLANNED = LogEvent("deed.unplanned", logging.ERROR)
DEED_JUDGED = LogEvent("deed.judged", logging.INFO)
DEED_STEP = LogEvent("deed.step", logging.INFO)
DEED_FAILED = LogEvent("deed.failed", logging.ERROR)
# What is contained does not say so, or what is not any more still does.
DEED_UNTAGGED = LogEvent("deed.untagged", logging.WARNING)
POSTURE_OFF = LogEvent("posture.off", logging.DEBUG)
POSTURE_DONE = LogEvent("posture.done", logging.INFO)
# Neither well nor unwell: a right is missing, or Azure refuses.
POSTURE_UNKNOWN = LogEvent("posture.unknown", logging.WARNING)
EXPORT_GAP = LogEvent("export.gap", logging.WARNING)


def emit(
    event: LogEvent, *, error: BaseException | None = None, **fields: str | int | None
) -> None:
    """Write one log line: the event's name, then its fields.

    ``error`` adds a traceback; give it only for errors of our own making, since other
    errors may quote what they were given.
    """
    if not _LOG.isEnabledFor(event.level):
        return
    text = " ".join(f"{name}={_shown(value)}" for name, value in fields.items())
    _LOG.log(
        event.level,
        "%s %s",
        event.name,
        text,
        extra={"firewatch_event": event.name},
        exc_info=error,
    )


def _shown(value: str | int | None) -> str:
    if isinstance(value, str):
        value = value[:LONGEST_VALUE].encode(errors="replace").decode()
        # JSON leaves DEL and the C1 controls alone; terminals do not.
        value = "".join(
            c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value
        )
    return msgspec.json.encode(value).decode()
