"""Logs of resources whose logs matter: whether they are kept, and all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model import resource
from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.posture.checks import clauses
from shared.posture.checks.targets import targets
from shared.posture.estate import Part
from shared.posture.finding import Check, Found
from shared.posture.fixes import logs as fixes
from shared.posture.wanted import BLOBS, is_covered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.posture.estate import Estate, Setting, Thing
    from shared.posture.wanted import Wanted

DATABASES = "microsoft.sql/servers/databases"
MASTER = "master"

_NEEDS = frozenset({Part.SETTINGS, Part.RESOURCES})


def not_kept(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Resources whose logs go nowhere."""
    to = targets(estate)
    for thing, categories, settings in _looked_at(estate, wanted):
        if not any(each.is_sending for each in settings):
            fix = fixes.setting(_scope(thing), categories, *to)
            kind = thing.type.rpartition("/")[2]
            title = f"{resource.display_name(thing.id)} ({kind}) sends its logs nowhere"
            yield Found(thing.id, title, fix)


def narrow(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Resources of whose logs some wanted categories go nowhere."""
    to = targets(estate)
    for thing, categories, settings in _looked_at(estate, wanted):
        sent = [each for each in settings if each.is_sending]
        known = frozenset().union(*(each.categories for each in sent))
        groups = frozenset().union(*(each.groups for each in sent))
        lost = [each for each in categories if not is_covered(each, known, groups)]
        if sent and lost:
            named = ", ".join(each.partition("|")[0] for each in lost)
            fix = fixes.setting(_scope(thing), lost, *to)
            title = f"{resource.display_name(thing.id)} does not send {named}"
            yield Found(thing.id, title, fix)


def _looked_at(
    estate: Estate, wanted: Wanted
) -> Iterator[tuple[Thing, tuple[str, ...], tuple[Setting, ...]]]:
    logs = wanted.logs
    for things in estate.things.values():
        for thing in things:
            # What a function app logs is Firewatch's or its owner's own.
            is_site = thing.type == "microsoft.web/sites"
            if thing.type in logs and thing.id in estate.settings:
                if is_site and "functionapp" in thing.kind:
                    continue
                if thing.type == DATABASES:
                    yield from _of_database(estate, thing, logs[thing.type])
                else:
                    yield thing, logs[thing.type], estate.settings[thing.id]


def _of_database(
    estate: Estate, thing: Thing, wanted: tuple[str, ...]
) -> Iterator[tuple[Thing, tuple[str, ...], tuple[Setting, ...]]]:
    """A database, which what its server audits by master covers too.

    [unverified: that the settings of auditing of a server are master's]
    """
    server, _, name = thing.id.rpartition("/")
    if name != MASTER:
        of_server = estate.settings.get(f"{server}/{MASTER}", ())
        yield thing, wanted, (*estate.settings[thing.id], *of_server)


def _scope(thing: Thing) -> str:
    """What the setting is made on."""
    is_account = thing.type == BLOBS
    return f"{thing.id}/blobservices/default" if is_account else thing.id


CHECKS = (
    Check(
        CheckName.LOGS_NOT_KEPT,
        Severity.MEDIUM,
        clauses.ACCESS,
        "After an alert nobody can say who read, wrote or signed in there.",
        _NEEDS,
        not_kept,
    ),
    Check(
        CheckName.LOGS_NARROW,
        Severity.LOW,
        clauses.ACCESS,
        "The category that is left out is the one that tells of access or of changes.",
        _NEEDS,
        narrow,
    ),
)
