"""Reads all that the checks go by, many things at once, and writes nothing.

What cannot be read is noted with its reason: it is neither well nor unwell.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.posture import (
    control_documents,
    defender_documents,
    log_documents,
    machine_rows,
    places,
)
from shared.posture.asking import PERMISSION, Asking
from shared.posture.below import Below
from shared.posture.documents import arm_id, text, texts
from shared.posture.estate import Estate, Part, path_of
from shared.posture.places import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from shared.posture.asking import Documents, Graph, Reads
    from shared.posture.gate import Gate
    from shared.posture.wanted import Wanted


class _Listed(NamedTuple):
    """A list of each subscription: which kind, and how its documents are read.

    ``into`` is the field of the estate that it is kept in.
    """

    part: Part
    kind: str
    into: str
    parse: Callable[[Documents, str], object]


_LISTS = (
    _Listed(
        Part.PLANS,
        "Microsoft.Security/pricings",
        "plans",
        lambda found, _: defender_documents.plans(found),
    ),
    _Listed(
        Part.EXPORTS,
        "Microsoft.Security/automations",
        "exports",
        defender_documents.exports,
    ),
    _Listed(
        Part.CONTACTS,
        "Microsoft.Security/securityContacts",
        "contacts",
        lambda found, _: defender_documents.contacts(found),
    ),
    _Listed(
        Part.ACTIVITY,
        "Microsoft.Insights/diagnosticSettings",
        "activity",
        lambda found, _: log_documents.settings(found),
    ),
    _Listed(
        Part.RULES,
        "Microsoft.Insights/dataCollectionRules",
        "rules",
        lambda found, _: log_documents.rules(found),
    ),
    _Listed(
        Part.WORKSPACES,
        "Microsoft.OperationalInsights/workspaces",
        "workspaces",
        lambda found, _: log_documents.workspaces(found),
    ),
    _Listed(
        Part.ACTION_GROUPS,
        "Microsoft.Insights/actionGroups",
        "action_groups",
        lambda found, _: control_documents.action_groups(found),
    ),
    _Listed(
        Part.LOCKS,
        "Microsoft.Authorization/locks",
        "locks",
        lambda found, _: control_documents.locks(found),
    ),
    _Listed(
        Part.ROLES,
        "Microsoft.Authorization/roleAssignments",
        "roles",
        lambda found, _: control_documents.rights(found),
    ),
)
_RULES = ("scheduledQueryRules", "metricAlerts", "activityLogAlerts")

# How a subscription is where something may run in it.
_LIVE = frozenset({"enabled", "warned", ""})


class Reader:
    """Reads subscriptions into an ``Estate``; ``deadline`` is by the loop's clock."""

    def __init__(
        self,
        arm: Reads,
        graph: Graph,
        *,
        wanted: Wanted,
        gate: Gate,
        deadline: float | None = None,
    ) -> None:
        self._asking = Asking(arm, graph, gate=gate, deadline=deadline)
        self._wanted = wanted
        self._estate = Estate(unread=self._asking.unread)

    async def __call__(self) -> Estate:
        """All that there is to read. Never raises for what a side says."""
        estate = self._estate
        estate.subscriptions = await self._subscriptions()
        if estate.subscriptions:
            await together(
                self._things(),
                self._agents(),
                self._associations(),
                *(each for s in estate.subscriptions for each in self._of(s)),
            )
            below = Below(self._asking, estate, self._wanted)
            await together(*below.reads())
            await together(*below.archives())
            self._note_elsewhere()
        return estate

    async def _subscriptions(self) -> tuple[str, ...]:
        named = self._wanted.posture.subscriptions
        if named:
            return tuple(dict.fromkeys(f"/subscriptions/{n.lower()}" for n in named))
        path = places.SUBSCRIPTIONS
        found = await self._asking.read(
            Part.SUBSCRIPTIONS, "", lambda: self._asking.list_all(path)
        )
        known = {
            arm_id(each.get("id"))
            for each in found or ()
            if text(each.get("state")).lower() in _LIVE
        }
        if found is not None and not known:
            reason = "no subscription is shown to whoever asks"
            self._asking.note(Part.SUBSCRIPTIONS, "", reason)
        return tuple(sorted(filter(None, known)))

    def _of(self, scope: str) -> list[Coroutine[Any, Any, None]]:
        """The reads of a subscription."""
        lists = [self._list(scope, each) for each in _LISTS]
        return [*lists, self._alert_rules(scope), self._permissions(scope)]

    async def _list(self, scope: str, wanted: _Listed) -> None:
        path = listed(scope, wanted.kind)
        found = await self._asking.read(
            wanted.part, scope, lambda: self._asking.list_all(path)
        )
        if found is not None:
            getattr(self._estate, wanted.into)[scope] = wanted.parse(found, scope)

    async def _alert_rules(self, scope: str) -> None:
        async def lists() -> Documents:
            paths = [listed(scope, f"Microsoft.Insights/{kind}") for kind in _RULES]
            found = [await self._asking.list_all(path) for path in paths]
            return [each for one in found for each in one]

        found = await self._asking.read(Part.ALERT_RULES, scope, lists)
        if found is not None:
            self._estate.alert_rules[scope] = control_documents.alert_rules(found)

    async def _permissions(self, scope: str) -> None:
        """Note where resources may be hidden: Resource Graph says nothing of those."""
        path = listed(scope, "Microsoft.Authorization/permissions")
        found = await self._asking.read(
            Part.RESOURCES, scope, lambda: self._asking.list_all(path)
        )
        actions = {
            a.lower() for each in found or () for a in texts(each.get("actions"))
        }
        if found is not None and not actions & {"*", "*/read"}:
            reason = f"Resource Graph may hide some: the identity needs {PERMISSION}"
            self._asking.note(Part.RESOURCES, scope, reason)

    async def _things(self) -> None:
        query = places.things(self._wanted.types)
        rows = await self._graph(Part.RESOURCES, query)
        if rows is None:
            return
        mine: dict[str, Documents] = {s: [] for s in self._estate.subscriptions}
        for row in rows:
            mine.get(path_of(arm_id(row.get("id"))), []).append(row)
        for scope, found in mine.items():
            self._estate.things[scope] = machine_rows.things(found)
            self._estate.machines[scope] = machine_rows.machines(found)

    async def _agents(self) -> None:
        rows = await self._graph(Part.AGENTS, places.AGENTS)
        if rows is not None:
            self._estate.agents = machine_rows.agents(rows)

    async def _associations(self) -> None:
        rows = await self._graph(Part.ASSOCIATIONS, places.ASSOCIATIONS)
        if rows is not None:
            self._estate.associations = machine_rows.associations(rows)

    async def _graph(self, what: Part, query: str) -> Documents | None:
        return await self._asking.graph(what, self._estate.subscriptions, query)

    def _note_elsewhere(self) -> None:
        """Note the workspaces that logs go to and that nobody looks at."""
        found = {setting.workspace for setting in self._estate.settings_of_all}
        for scope in sorted({path_of(each) for each in found if each}):
            if scope not in self._estate.subscriptions:
                reason = "logs go there, and it is not among the subscriptions"
                self._asking.note(Part.WORKSPACES, scope, reason)


async def together(*reads: Coroutine[Any, Any, None]) -> None:
    """All of them at once; the gate says how many really are."""
    async with asyncio.TaskGroup() as group:
        for each in reads:
            group.create_task(each)
