"""What can be done about an incident: a file per responder, and the table of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from responders.alert_status import AlertStatus
from responders.app_stop import AppStop
from responders.arcsight import Arcsight
from responders.blob_quarantine import BlobQuarantine
from responders.boards import Boards
from responders.disk_snapshot import DiskSnapshot
from responders.email import Email
from responders.endpoint_isolate import EndpointIsolate
from responders.endpoint_package import EndpointPackage
from responders.endpoint_quarantine_file import EndpointQuarantineFile
from responders.endpoint_scan import EndpointScan
from responders.event_hub import EventHub
from responders.indicator import Indicator
from responders.jira import Jira
from responders.jsm import Jsm
from responders.key_rotate import KeyRotate
from responders.logs_ingestion import LogsIngestion
from responders.nsg_deny import NsgDeny
from responders.pagerduty import PagerDuty
from responders.principal_disable import PrincipalDisable
from responders.qradar import Qradar
from responders.registry_token_disable import RegistryTokenDisable
from responders.resource_config import ResourceConfig
from responders.risk_confirm import RiskConfirm
from responders.role_remove import RoleRemove
from responders.scale_set_deallocate import ScaleSetDeallocate
from responders.secret_disable import SecretDisable
from responders.sentinel import Sentinel
from responders.servicenow import ServiceNow
from responders.sessions_revoke import SessionsRevoke
from responders.slack import Slack
from responders.splunk import Splunk
from responders.sql_public_off import SqlPublicOff
from responders.sql_rule_remove import SqlRuleRemove
from responders.storage_keys_off import StorageKeysOff
from responders.storage_public_off import StoragePublicOff
from responders.teams import Teams
from responders.user_disable import UserDisable
from responders.vault_deny import VaultDeny
from responders.vm_deallocate import VmDeallocate
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
        | Arcsight
        | Boards
        | Email
        | EventHub
        | Jira
        | Jsm
        | LogsIngestion
        | PagerDuty
        | Sentinel
        | Qradar
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
    "qradar": Qradar,
    "arcsight": Arcsight,
    "event-hub": EventHub,
}

DOERS: Mapping[
    str,
    type[
        AppStop
        | BlobQuarantine
        | DiskSnapshot
        | EndpointIsolate
        | EndpointPackage
        | EndpointQuarantineFile
        | EndpointScan
        | Indicator
        | KeyRotate
        | NsgDeny
        | PrincipalDisable
        | RegistryTokenDisable
        | ResourceConfig
        | RiskConfirm
        | RoleRemove
        | ScaleSetDeallocate
        | SecretDisable
        | SessionsRevoke
        | SqlPublicOff
        | SqlRuleRemove
        | StorageKeysOff
        | StoragePublicOff
        | UserDisable
        | VaultDeny
        | VmDeallocate
        | VmQuarantine
    ],
] = {
    "app-stop": AppStop,
    "blob-quarantine": BlobQuarantine,
    "disk-snapshot": DiskSnapshot,
    "endpoint-isolate": EndpointIsolate,
    "endpoint-package": EndpointPackage,
    "endpoint-quarantine-file": EndpointQuarantineFile,
    "endpoint-scan": EndpointScan,
    "indicator": Indicator,
    "key-rotate": KeyRotate,
    "nsg-deny": NsgDeny,
    "principal-disable": PrincipalDisable,
    "registry-token-disable": RegistryTokenDisable,
    "resource-config": ResourceConfig,
    "risk-confirm": RiskConfirm,
    "role-remove": RoleRemove,
    "scale-set-deallocate": ScaleSetDeallocate,
    "secret-disable": SecretDisable,
    "sessions-revoke": SessionsRevoke,
    "sql-public-off": SqlPublicOff,
    "sql-rule-remove": SqlRuleRemove,
    "storage-keys-off": StorageKeysOff,
    "storage-public-off": StoragePublicOff,
    "user-disable": UserDisable,
    "vault-deny": VaultDeny,
    "vm-deallocate": VmDeallocate,
    "vm-quarantine": VmQuarantine,
}
