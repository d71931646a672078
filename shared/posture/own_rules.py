"""The alert rules on this app itself, by their names in infra/watch/rules.json."""

OWN_RULES = (
    "approvals-waiting",
    "audit-fails",
    "containment-fails",
    "dead-letters",
    "defects",
    "deliveries-failed",
    "evidence-missing",
    "export-gap",
    "functions-fail",
    "heartbeat",
    "history-stays",
    "incident-stuck",
    "no-events",
    "nobody-on-call",
    "oldest-due",
    "policy-problem",
    "requests-put-off",
    "senders-refused",
    "storage-trouble",
    "tick-stopped",
)
