"""What the app's identity must be allowed for a policy: exactly that, and where. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shared.actions import containment, matchers
from shared.actions.matchers import Operator
from shared.containment.groups import PERMISSIONS as READ_GROUPS
from shared.containment.owners import READ_ALERTS, READ_TAGS
from shared.containment.rights import READ as READ_RIGHTS
from shared.containment.tagging import WRITE_TAGS
from shared.model import resource
from shared.model.guards import DOES, Guards, Mode
from shared.model.permission import Api, Permission

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shared.actions.containment import Rule
    from shared.triage.policy import Policy

# Where a rule may reach, and does not say where that is.
ANYWHERE = "wherever its rules may reach"
TENANT = "the tenant"
NETWORKS = "the networks of machines there"

_OF_TENANT = frozenset({Api.GRAPH, Api.ENDPOINT})


class Need(NamedTuple):
    """A permission, ``scopes`` on which it is needed, and ``by`` what of the policy.

    A scope is an ARM id, or words where the policy names none.
    """

    permission: Permission
    scopes: tuple[str, ...]
    by: tuple[str, ...]


def needed(policy: Policy, rights: Mapping[str, Sequence[Permission]]) -> list[Need]:
    """Everything; ``rights`` are those that each ``use`` of a responder declares."""
    found: dict[tuple[str, str], Need] = {}
    for need in (
        *_of_doers(policy, rights),
        *_of_guards(policy),
        *_of_tagging(policy, rights),
        *_of_reading(policy),
    ):
        key = (need.permission.api, need.permission.action.lower())
        before = found.get(key, need)
        found[key] = Need(
            before.permission,
            _once((*before.scopes, *need.scopes)),
            _once((*before.by, *need.by)),
        )
    return sorted(found.values(), key=lambda n: (n.permission.api, n.permission.action))


def unarmed(policy: Policy, name: str, *, can_sign_in: bool, can_sign: bool) -> str:
    """Why a doer of the policy will do nothing by itself; empty where it may."""
    rules = [rule for rule in policy.contain if name in rule.do]
    if not rules:
        return "no rule of contain names it"
    guards: Guards = policy.guards
    mode = max(
        (_mode(name, [rule.mode], guards) for rule in rules), key=lambda m: m.rank
    )
    if mode is Mode.SHADOW:
        return "its mode is shadow"
    if not guards.approvers:
        return "guards.approvers is empty"
    if not can_sign_in:
        return "nobody can sign in: EASY_AUTH is not 1"
    if not can_sign:
        return "approvals cannot be signed: FIREWATCH_LINK_KEY is no key"
    return "" if mode is Mode.ACT else "people are asked about each deed"


def _mode(name: str, modes: Iterable[Mode], guards: Guards) -> Mode:
    held = guards.responders.get(name, Mode.ACT)
    return min((guards.mode, held, *modes), key=lambda mode: mode.rank)


def _of_doers(
    policy: Policy, rights: Mapping[str, Sequence[Permission]]
) -> Iterator[Need]:
    rules = containment.Rules(policy.contain)
    for name, given in policy.responders.items():
        use = str(given.get("use"))
        wanting = [rule for rule in rules if name in rule.contain.do]
        if use in DOES and not wanting:
            continue
        places = _once((*map(_scope, wanting), *_named(given))) or (ANYWHERE,)
        for permission in rights.get(use, ()):
            is_tenants = permission.api in _OF_TENANT
            yield Need(permission, (TENANT,) if is_tenants else places, (name,))


def _of_guards(policy: Policy) -> Iterator[Need]:
    rules = containment.Rules(policy.contain)
    scopes = _once(map(_scope, rules))
    if not scopes:
        return
    confirm = Permission(Api.ARM, READ_ALERTS, "alerts, read back from their owner")
    yield Need(confirm, scopes, ("guards",))
    known = Permission(Api.ARM, READ_RIGHTS, "what is missing, seen beforehand")
    yield Need(known, scopes, ("guards",))
    if policy.guards.protected.tags or rules.tags:
        tags = Permission(Api.ARM, READ_TAGS, "tags that protect, or that rules go by")
        yield Need(tags, scopes, ("guards",))
    if any(budget.share is not None for budget in policy.guards.budgets):
        for each in READ_GROUPS:
            is_subnet = "/subnets/" in each.action
            yield Need(each, (*scopes, *[NETWORKS] * is_subnet), ("guards",))


def _of_tagging(
    policy: Policy, rights: Mapping[str, Sequence[Permission]]
) -> Iterator[Need]:
    """What is contained says so where its resource may be tagged: nothing hangs on it."""
    rules = [
        rule
        for rule in containment.Rules(policy.contain)
        if any(
            permission.api is Api.ARM
            for name in rule.contain.do
            for permission in rights.get(str(policy.responders[name].get("use")), ())
        )
    ]
    scopes = _once(map(_scope, rules))
    if scopes:
        tags = Permission(Api.ARM, WRITE_TAGS, "a tag on what is contained; optional")
        yield Need(tags, scopes, ("tags, optional",))


def _of_reading(policy: Policy) -> Iterator[Need]:
    """What the rest of a policy reads: none of it changes anything."""
    listed = policy.reconcile.subscriptions
    if listed:
        alerts = Permission(Api.ARM, "Microsoft.Security/alerts/read", "alerts, listed")
        scopes = tuple(f"/subscriptions/{each}" for each in listed)
        yield Need(alerts, scopes, ("reconcile",))
    spaces = policy.workspaces
    named = [*spaces.central, *(w for o in spaces.overrides for w in o.workspaces)]
    if named:
        logs = Permission(
            Api.ARM, "Microsoft.OperationalInsights/workspaces/query/*/read", "logs"
        )
        yield Need(logs, tuple(f"workspace {each}" for each in named), ("workspaces",))
    tests = [m for route in policy.routes for m in route.match]
    tests += [m for s in policy.suppress for m in (*s.match, *s.break_through)]
    goes_by_tags = any(
        matchers.parse(each).field.startswith(matchers.TAG) for each in tests
    )
    if goes_by_tags or (policy.risk.critical_tags and policy.risk.critical_asset):
        read = Permission(Api.ARM, "*/read", "resources whose tags are asked for")
        yield Need(read, ("the resources of alerts",), ("tags",))


def _scope(rule: Rule) -> str:
    """Where a rule reaches, as far as it says so."""
    named = {
        test.field: test.value
        for test in rule.tests
        if test.operator is Operator.EQUAL and test.value
    }
    if "resource" in named:
        return resource.canonical(named["resource"]) or ANYWHERE
    group, subscription = named.get("resource_group"), named.get("subscription")
    if subscription and group:
        return f"/subscriptions/{subscription}/resourcegroups/{group}".lower()
    if subscription:
        return f"/subscriptions/{subscription}".lower()
    return f"resource groups named {group}" if group else ANYWHERE


def _named(value: Any) -> tuple[str, ...]:  # noqa: ANN401  settings of any kind
    """The ARM ids that a responder's settings name: it reaches there too."""
    if isinstance(value, str):
        known = resource.whole_id(value)
        return (known,) if known else ()
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, (list, tuple)):
        return tuple(found for each in value for found in _named(each))
    return ()


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
