"""What can be done about an incident: a file per responder, and the table of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from responders.alert_status import AlertStatus
from responders.boards import Boards
from responders.email import Email
from responders.jira import Jira
from responders.jsm import Jsm
from responders.logs_ingestion import LogsIngestion
from responders.nsg_deny import NsgDeny
from responders.pagerduty import PagerDuty
from responders.secret_disable import SecretDisable
from responders.sentinel import Sentinel
from responders.servicenow import ServiceNow
from responders.sessions_revoke import SessionsRevoke
from responders.slack import Slack
from responders.splunk import Splunk
from responders.storage_public_off import StoragePublicOff
from responders.teams import Teams
from responders.user_disable import UserDisable
from responders.vm_quarantine import VmQuarantine
from responders.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Mapping

# The name that a policy writes after `use:` -> the class that it means: those that tell
# of incidents here, and those that change something below.
RESPONDERS: Mapping[
    str,
    type[
        AlertStatus
        | Boards
        | Email
        | Jira
        | Jsm
        | LogsIngestion
        | PagerDuty
        | Sentinel
        | ServiceNow
        | Slack
        | Splunk
        | Teams
        | Webhook
    ],
] = {
    "alert-status": AlertStatus,
    "boards": Boards,
    "jira": Jira,
    "pagerduty": PagerDuty,
    "sentinel": Sentinel,
    "servicenow": ServiceNow,
    "slack": Slack,
    "teams": Teams,
    "jsm": Jsm,
    "email": Email,
    "webhook": Webhook,
    "splunk": Splunk,
    "logs-ingestion": LogsIngestion,
}

DOERS: Mapping[
    str,
    type[
        NsgDeny
        | SecretDisable
        | SessionsRevoke
        | StoragePublicOff
        | UserDisable
        | VmQuarantine
    ],
] = {
    "nsg-deny": NsgDeny,
    "secret-disable": SecretDisable,
    "sessions-revoke": SessionsRevoke,
    "storage-public-off": StoragePublicOff,
    "user-disable": UserDisable,
    "vm-quarantine": VmQuarantine,
}
