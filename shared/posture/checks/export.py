"""Continuous export: whether alerts reach the hub that this app reads; and contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.posture.checks import clauses
from shared.posture.defender_documents import SEVERITIES
from shared.posture.estate import Part
from shared.posture.finding import Check, Found
from shared.posture.fixes import defender as fixes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.posture.estate import Estate, Export
    from shared.posture.wanted import Wanted

_NEEDS = frozenset({Part.EXPORTS, Part.HUB})


def exports_missing(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Subscriptions without any export to this app's hub."""
    for scope, exports in _known(estate, wanted):
        if not exports:
            title = "no continuous export brings alerts to the hub of this app"
            yield Found(scope, title, fixes.export(scope, wanted.posture.hub))


def exports_off(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Subscriptions whose exports to it are switched off."""
    for scope, exports in _known(estate, wanted):
        if exports and not any(each.is_enabled for each in exports):
            title = "the continuous export to the hub of this app is switched off"
            yield Found(scope, title, fixes.export(scope, wanted.posture.hub))


def exports_narrow(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Subscriptions of which some severity does not come, or not from everywhere."""
    for scope, exports in _known(estate, wanted):
        on = [each for each in exports if each.is_enabled]
        let_through = {s for each in on if each.is_whole for s in each.severities}
        lost = [each for each in SEVERITIES if each not in let_through]
        if on and lost:
            is_part = not any(each.is_whole for each in on)
            said = "covers no more than a part" if is_part else "leaves out some alerts"
            title = f"the continuous export {said}: {', '.join(lost)} may not come"
            yield Found(scope, title, fixes.export(scope, wanted.posture.hub))


def contacts_missing(estate: Estate, _: Wanted) -> Iterator[Found]:
    """Subscriptions where Defender mails nobody."""
    for scope, contacts in estate.contacts.items():
        if not any(each.is_heard for each in contacts):
            title = "Defender has nobody to mail about alerts of high severity"
            yield Found(scope, title, fixes.contact(scope))


def _known(estate: Estate, wanted: Wanted) -> Iterator[tuple[str, list[Export]]]:
    """The exports of each subscription to the hub; nothing where it is not known."""
    for scope, exports in estate.exports.items() if wanted.hub else ():
        yield scope, [e for e in exports if any(map(wanted.is_hub, e.hubs))]


CHECKS = (
    Check(
        CheckName.EXPORT_MISSING,
        Severity.HIGH,
        clauses.ALERTS,
        "Alerts of the subscription do not reach Firewatch: nobody is paged for them.",
        _NEEDS,
        exports_missing,
    ),
    Check(
        CheckName.EXPORT_OFF,
        Severity.HIGH,
        clauses.ALERTS,
        "It looks as if alerts came, and none does: an export that is off is silent.",
        _NEEDS,
        exports_off,
    ),
    Check(
        CheckName.EXPORT_NARROW,
        Severity.MEDIUM,
        clauses.ALERTS,
        "What the export leaves out is no part of any incident: low alerts often come first.",
        _NEEDS,
        exports_narrow,
    ),
    Check(
        CheckName.CONTACT_MISSING,
        Severity.LOW,
        clauses.ALERTS,
        "Where everything else fails, and where Microsoft itself has to warn, a mail is left.",
        frozenset({Part.CONTACTS}),
        contacts_missing,
    ),
)
