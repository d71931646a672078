"""Defender XDR's streaming of hunting tables: alerts in parts.

One alert is one ``AlertInfo`` record and any number of ``AlertEvidence`` records with
the same AlertId, in any order and in any batch (wire-formats.md 5). Every record becomes
an Alert with ``is_part``, and whoever folds them must see to these:

* All parts share id, scope, ``at``, ``started_at`` and resource (none: XDR's alerts are
  the tenant's, and what names an Azure resource is an entity), so one row holds them.
* A part adds entities, tactics and techniques. It takes nothing away: ``status`` is open
  because streaming has none (``reported_status`` is empty), so it never reopens.
* A part without ``reported_severity`` says nothing about severity, one whose type begins
  with ``UNTITLED`` nothing about type and title. Evidence of 2022 is such a part.
* A part that changes nothing is a duplicate; streaming repeats records.

AlertInfo alone opens an incident. So does evidence alone: half an alert must page.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.model.alert import UNTITLED, Road
from shared.model.text import cut, one_line
from shared.sources import evidence, terms
from shared.sources.building import Found, build

if TYPE_CHECKING:
    from datetime import datetime

    from shared.model.alert import Alert
    from shared.sources.evidence import Raw
    from shared.sources.fields import Fields

KIND = "xdr"
LONGEST_TITLE = 200

_PREFIX = "advancedhunting-"
_PARTS = frozenset({"alertinfo", "alertevidence"})
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,128}")

# EntityType, where AdditionalFields does not say what it holds.
_KINDS = {
    "user": "account",
    "machine": "host",
    "device": "host",
    "mailmessage": "mail-message",
    "mailcluster": "mailcluster",
    "registrykey": "registry-key",
    "registryvalue": "registry-value",
    "cloudapplication": "cloud-application",
    "oauthapplication": "oauth-application",
    "securitygroup": "security-group",
}


def recognises(fields: Fields) -> bool:
    """Row 8 of wire-formats.md 0: a record of any hunting table."""
    return fields.text("category").lower().startswith(_PREFIX)


def read(fields: Fields, *, received_at: datetime) -> Alert | str:
    """One part of an alert, or the reason why the table holds none.

    Raises AlertRejected where the record has no AlertId.
    """
    table = fields.text("category")[len(_PREFIX) :]
    if table.lower() not in _PARTS:
        return f"hunting table ({terms.plain_name(table)}), not an alert"
    row = fields.child("properties")
    alert_id = row.required("AlertId")
    at = row.time("Timestamp") or fields.time("time")
    found = Found(
        kind=KIND,
        id=alert_id,
        alert_type=alert_type(row.text("Title"), alert_id),
        road=Road.HUB,
        is_part=True,
        title=row.text("Title"),
        severity=row.text("Severity"),
        started_at=at,
        at=at,
        compromised_entity=_impacted(row),
        product=row.text("ServiceSource"),
        tactics=terms.known_tactics(row.decoded("Categories") or row.text("Category")),
        techniques=row.text("AttackTechniques"),
        uri=_portal(alert_id, fields.text("tenantId")),
        entities=_entities(row),
    )
    return build(found, received_at=received_at, path=fields.path)


def alert_type(title: str, alert_id: str) -> str:
    """The type of a Defender XDR alert, which its title alone tells.

    Alerts of no title are of a type each, for they are not the same problem.
    """
    # Normalising takes quadratic time on a long run of combining characters.
    title = cut(one_line(title[: 4 * LONGEST_TITLE]), LONGEST_TITLE)
    return f"XDR_{title}" if title else f"{UNTITLED} {alert_id[:LONGEST_TITLE]}"


def _impacted(row: Fields) -> str:
    if row.text("EvidenceRole").lower() != "impacted":
        return ""
    return row.text("DeviceName", "AccountUpn", "AccountName", "FileName")


def _portal(alert_id: str, tenant: str) -> str:
    if not (_PLAIN.fullmatch(alert_id) and _PLAIN.fullmatch(tenant)):
        return ""
    return f"https://security.microsoft.com/alerts/{alert_id}?tid={tenant}"


def _entities(row: Fields) -> list[Raw]:
    """The one entity the record is about, then what its other columns name."""
    main = row.child("AdditionalFields")
    named = row.text("EntityType").lower()
    kind = main.text("type").lower() or _KINDS.get(named, named)
    about = {name: value for name, value in main.canonical().items() if value}
    columns = _columns(row)
    for place, column in enumerate(columns):
        if column["Type"] == kind:
            # Columns of the record's own kind describe the same thing.
            about.update(columns.pop(place))
            break
    if not about:
        return columns
    role = row.text("EvidenceRole")
    return [{**about, "type": kind, "EvidenceRole": role}, *columns]


def _columns(row: Fields) -> list[Raw]:
    image = evidence.file(
        row.text("FileName"),
        row.text("FolderPath"),
        {"SHA1": row.text("SHA1"), "SHA256": row.text("SHA256")},
    )
    command_line = row.text("ProcessCommandLine")
    key = evidence.registry_key("", row.text("RegistryKey"))
    return [
        *evidence.account(
            name=row.text("AccountName"),
            domain=row.text("AccountDomain"),
            upn=row.text("AccountUpn"),
            sid=row.text("AccountSid"),
            object_id=row.text("AccountObjectId"),
        ),
        *evidence.host(name=row.text("DeviceName"), device_id=row.text("DeviceId")),
        *evidence.ip(row.text("RemoteIP")),
        *evidence.ip(row.text("LocalIP")),
        *evidence.url(row.text("RemoteUrl")),
        *(evidence.process(command_line, image, []) if command_line else image),
        *evidence.registry_value(
            key, row.text("RegistryValueName"), row.text("RegistryValueData")
        ),
        *evidence.entity("azure-resource", ResourceId=row.text("ResourceID")),
        *evidence.entity(
            "mail-message",
            NetworkMessageId=row.text("NetworkMessageId"),
            Subject=row.text("EmailSubject"),
        ),
        *evidence.entity("cloud-application", Name=row.text("Application")),
        *evidence.entity("oauth-application", AppId=row.text("OAuthApplicationId")),
        *evidence.entity("malware", Name=row.text("ThreatFamily")),
    ]
