"""What was read: all that the checks go by, and what could not be read."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from shared.log_retention.table import Table
from shared.model import resource


class Part(StrEnum):
    """What is read; a check says which of it it goes by."""

    SUBSCRIPTIONS = "subscriptions"
    RESOURCES = "resources"
    PLANS = "Defender plans"
    EXPORTS = "continuous export"
    CONTACTS = "security contacts"
    ACTIVITY = "activity log settings"
    SETTINGS = "diagnostic settings"
    AGENTS = "agents of machines"
    ASSOCIATIONS = "associations of data collection rules"
    RULES = "data collection rules"
    HEARTBEATS = "heartbeats"
    WORKSPACES = "workspaces"
    TABLES = "tables of workspaces"
    DATA_EXPORTS = "data exports of workspaces"
    SENTINEL = "Sentinel"
    ARCHIVES = "archive storage"
    LOCKS = "locks"
    ROLES = "role assignments"
    ALERT_RULES = "alert rules"
    ACTION_GROUPS = "action groups"
    HUB = "the event hub of this app"
    INCIDENTS = "evidence of open incidents"


class Unread(NamedTuple):
    """What could not be read: of a subscription (its path), or of all where empty."""

    part: Part
    scope: str
    reason: str


class Plan(NamedTuple):
    """A plan of Defender for Cloud."""

    name: str
    tier: str
    sub_plan: str
    coverage: str

    @property
    def is_on(self) -> bool:
        """Whether it is paid for."""
        return self.tier == "Standard"


class Export(NamedTuple):
    """A continuous export of alerts. ``severities`` are those that it lets through."""

    id: str
    is_enabled: bool
    is_whole: bool
    severities: frozenset[str]
    hubs: tuple[str, ...]


class Contact(NamedTuple):
    """Who Defender mails; ``is_heard`` where it is on and somebody is named."""

    id: str
    is_heard: bool


class Setting(NamedTuple):
    """A diagnostic setting: what it sends, and where to."""

    id: str
    workspace: str
    account: str
    hub: str
    is_partner: bool
    categories: frozenset[str]
    groups: frozenset[str]

    @property
    def sinks(self) -> tuple[str, ...]:
        """Where it sends to, by id, but for partners and hubs."""
        return tuple(filter(None, (self.workspace, self.account)))

    @property
    def is_sending(self) -> bool:
        """Whether logs go anywhere, and not metrics alone."""
        return bool(self.categories or self.groups) and bool(
            self.sinks or self.hub or self.is_partner
        )


class Thing(NamedTuple):
    """A resource of a type that matters."""

    id: str
    type: str
    kind: str = ""


class Machine(NamedTuple):
    """A virtual machine, or one of Azure Arc. ``os`` is ``windows``, ``linux`` or empty."""

    id: str
    os: str
    is_running: bool


class Agent(NamedTuple):
    """An extension of a machine: what kind, and whether it is in place."""

    kind: str
    is_provisioned: bool


class Rule(NamedTuple):
    """A data collection rule: which events it collects, and to which workspaces."""

    id: str
    has_security_events: bool
    facilities: frozenset[str]
    workspaces: tuple[str, ...]


class Workspace(NamedTuple):
    """A workspace; ``quota`` is its daily cap in GB, if any, ``customer`` its GUID."""

    id: str
    customer: str
    quota: float | None
    status: str


class DataExport(NamedTuple):
    """A rule that copies tables out of a workspace."""

    id: str
    is_enabled: bool
    destination: str


class Archive(NamedTuple):
    """A storage account that logs go to.

    ``mutable`` are containers that nothing keeps from being changed. ``deletes_after``
    is the shortest time in days after which its lifecycle deletes blobs.
    """

    id: str
    mutable: tuple[str, ...]
    is_tiered: bool
    deletes_after: int | None


class Lock(NamedTuple):
    """A lock, and what it is on."""

    scope: str
    level: str


class Right(NamedTuple):
    """A role that somebody has on a scope; ``role`` is the GUID of its definition."""

    principal: str
    role: str
    scope: str


class AlertRule(NamedTuple):
    """An alert rule, and the action groups that it calls."""

    id: str
    title: str
    is_enabled: bool
    groups: tuple[str, ...]


class ActionGroup(NamedTuple):
    """An action group; ``receivers`` are those that are on."""

    id: str
    is_enabled: bool
    receivers: int


class Held(NamedTuple):
    """An open incident: since when, and the tables that its evidence is in."""

    incident: str
    since: datetime
    tables: frozenset[str]
    workspaces: frozenset[str]


class Estate(msgspec.Struct, kw_only=True):
    """All that was read, each by the id of what it was read of.

    What has no entry could not be read and is in ``unread``: a check passes over it.
    Subscriptions are paths, ``/subscriptions/GUID``; ids are canonical.
    """

    subscriptions: tuple[str, ...] = ()
    things: dict[str, tuple[Thing, ...]] = {}
    machines: dict[str, tuple[Machine, ...]] = {}
    plans: dict[str, tuple[Plan, ...]] = {}
    exports: dict[str, tuple[Export, ...]] = {}
    contacts: dict[str, tuple[Contact, ...]] = {}
    activity: dict[str, tuple[Setting, ...]] = {}
    settings: dict[str, tuple[Setting, ...]] = {}
    # By machine; None where they could not be read at all.
    agents: dict[str, tuple[Agent, ...]] | None = None
    associations: dict[str, tuple[str, ...]] | None = None
    rules: dict[str, tuple[Rule, ...]] = {}
    # When each machine was last heard of, by workspace.
    beats: dict[str, dict[str, datetime]] = {}
    workspaces: dict[str, tuple[Workspace, ...]] = {}
    tables: dict[str, tuple[Table, ...]] = {}
    data_exports: dict[str, tuple[DataExport, ...]] = {}
    # Of a workspace: None where Sentinel is not on it, else how many connectors it has.
    sentinel: dict[str, int | None] = {}
    archives: dict[str, Archive] = {}
    locks: dict[str, tuple[Lock, ...]] = {}
    roles: dict[str, tuple[Right, ...]] = {}
    alert_rules: dict[str, tuple[AlertRule, ...]] = {}
    action_groups: dict[str, tuple[ActionGroup, ...]] = {}
    held: tuple[Held, ...] | None = None
    unread: list[Unread] = []

    @property
    def settings_of_all(self) -> list[Setting]:
        """Every diagnostic setting that sends logs, of subscriptions and resources."""
        found = [*self.activity.values(), *self.settings.values()]
        return [s for each in found for s in each if s.is_sending]

    @property
    def all_workspaces(self) -> list[Workspace]:
        """The workspaces of all subscriptions."""
        return [each for found in self.workspaces.values() for each in found]

    @property
    def all_rules(self) -> dict[str, Rule]:
        """The data collection rules of all subscriptions, by id."""
        return {rule.id: rule for found in self.rules.values() for rule in found}


def path_of(canonical_id: str) -> str:
    """The path of the subscription that an id is in; empty for none."""
    found = resource.subscription(canonical_id)
    return "" if found == resource.TENANT_SCOPE else f"/subscriptions/{found}"
