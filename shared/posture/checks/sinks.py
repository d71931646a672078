"""Where logs go: whether it is there, who may delete it, and whether it is all there is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shared.model import resource
from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.posture.checks import clauses
from shared.posture.checks.targets import targets
from shared.posture.estate import Part, path_of
from shared.posture.finding import Check, Found
from shared.posture.fixes import logs as fixes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.posture.estate import Estate
    from shared.posture.wanted import Wanted

# Built-in roles that may delete a workspace or an account, by the GUIDs that they have in
# each tenant; but for Contributor's [unverified].
DELETERS: Mapping[str, str] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "92aaf0da-9dab-42b6-94a3-d43ce8d16293": "Log Analytics Contributor",
    "17d1049b-9a84-46fb-8f53-869881c3d3ab": "Storage Account Contributor",
}
_KEEPS = frozenset({"cannotdelete", "readonly"})

_SETTINGS = frozenset({Part.ACTIVITY, Part.SETTINGS})


def gone(estate: Estate, _: Wanted) -> Iterator[Found]:
    """Workspaces and accounts that logs are sent to, and that are not there."""
    there = {each.id for each in estate.all_workspaces}
    accounts = {t.id for things in estate.things.values() for t in things}
    for sink in _sinks(estate):
        is_workspace = "/workspaces/" in sink
        read = estate.workspaces if is_workspace else estate.things
        known = there if is_workspace else accounts
        if path_of(sink) in read and sink not in known:
            name = resource.display_name(sink)
            title = f"logs are sent to {name}, which is not there any more"
            yield Found(sink, title)


def unlocked(estate: Estate, _: Wanted) -> Iterator[Found]:
    """Those that nothing keeps from being deleted."""
    there = {each.id for each in estate.all_workspaces}
    there |= estate.archives.keys()
    for sink in _sinks(estate):
        locks = estate.locks.get(path_of(sink))
        if sink not in there or locks is None:
            continue
        if not any(e.level in _KEEPS and _is_over(e.scope, sink) for e in locks):
            name = resource.display_name(sink)
            title = f"{name} holds logs and no lock keeps it{_who(estate, sink)}"
            yield Found(sink, title, fixes.lock(sink))


def no_second_copy(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Workspaces that hold all there is of their logs."""
    copied = {
        setting.workspace
        for setting in estate.settings_of_all
        if setting.account or setting.hub
    }
    _, account = targets(estate)
    for workspace in sorted({each.workspace for each in estate.settings_of_all}):
        exports = estate.data_exports.get(workspace)
        if not workspace or exports is None or workspace in copied:
            continue
        if not any(each.is_enabled for each in exports):
            name = resource.display_name(workspace)
            title = f"what {name} holds is nowhere else: no archive, no hub, no export"
            fix = fixes.copied(workspace, _names(estate, wanted, workspace), account)
            yield Found(workspace, title, fix)


def _names(estate: Estate, wanted: Wanted, workspace: str) -> list[str]:
    """The tables of a workspace that matter."""
    known = {each.name for each in estate.tables.get(workspace, ())}
    return sorted(known & wanted.kept) or ["SecurityEvent"]


def _sinks(estate: Estate) -> list[str]:
    return sorted({sink for each in estate.settings_of_all for sink in each.sinks})


def _is_over(scope: str, sink: str) -> bool:
    return bool(scope) and f"{sink}/".startswith(f"{scope}/")


def _who(estate: Estate, sink: str) -> str:
    """Who may delete it, as far as role assignments say: above, and at it."""
    rights = estate.roles.get(path_of(sink))
    if rights is None:
        return ""
    # What is above the subscription has no scope here, and reaches down to it.
    able = {
        (right.principal, DELETERS[right.role])
        for right in rights
        if right.role in DELETERS and (not right.scope or _is_over(right.scope, sink))
    }
    if not able:
        return ""
    roles = Counter(role for _, role in able)
    named = ", ".join(f"{role} {count}" for role, count in sorted(roles.items()))
    return f"; {len({p for p, _ in able})} may delete it ({named})"


CHECKS = (
    Check(
        CheckName.SINK_GONE,
        Severity.HIGH,
        clauses.ACTIVITY,
        "The setting looks right and every row is lost.",
        _SETTINGS | {Part.WORKSPACES, Part.RESOURCES},
        gone,
    ),
    Check(
        CheckName.SINK_UNLOCKED,
        Severity.MEDIUM,
        clauses.PERSIST,
        "Whoever takes over one account with that role takes the evidence away first.",
        _SETTINGS | {Part.LOCKS, Part.ROLES, Part.WORKSPACES, Part.ARCHIVES},
        unlocked,
    ),
    Check(
        CheckName.NO_SECOND_COPY,
        Severity.LOW,
        clauses.PERSIST,
        "Logs that lie in one place alone end with it: by mistake, or by whoever broke in.",
        _SETTINGS | {Part.DATA_EXPORTS},
        no_second_copy,
    ),
)
