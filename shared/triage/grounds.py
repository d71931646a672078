"""What an incident is as far as some of its alerts go, and a deed on them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model import resource
from shared.model.alert import Severity
from shared.model.entity import Account, Host
from shared.triage import extent
from shared.triage.involved import involved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.alert import AlertRow
    from shared.model.deed import Deed
    from shared.model.incident import Incident


def view(head: Incident, deed: Deed, alerts: Sequence[AlertRow]) -> Incident:
    """The incident with nothing in it but what the deed touches and its alerts say.

    So a rule about one machine never has another one contained that is in the same
    incident. Its score and its tags stay those of the whole.
    """
    bare = replace(
        head,
        severity=Severity.INFORMATIONAL,
        problems={},
        is_sample=all(alert.is_sample for alert in alerts),
        **extent.Lists()._asdict(),
    )
    seen = bare
    for alert in alerts:
        problem = extent.problem_of(alert)
        before = seen.problems.get(alert.fingerprint)
        problem = extent.both(before, problem) if before else problem
        worst = max(seen.severity, alert.severity, key=lambda s: s.rank)
        seen = replace(
            extent.with_lists(seen, extent.lists_of(alert)),
            severity=worst,
            problems={**seen.problems, alert.fingerprint: problem},
        )
    return _narrowed(seen, deed, alerts)


def _narrowed(seen: Incident, deed: Deed, alerts: Sequence[AlertRow]) -> Incident:
    """With the first of what it touches: that is what it is about, the rest follows."""
    touched: dict[str, object] = {}
    entities = [entity for alert in alerts for entity in alert.entities]
    if deed.resources:
        about = deed.resources[0]
        touched["resources"] = (about,)
        touched["scope"] = resource.subscription(about)
    if deed.resources or deed.machines:
        hosts = [e for e in entities if isinstance(e, Host) and _is_touched(e, deed)]
        touched["hosts"] = involved(hosts).hosts
    if deed.accounts:
        accounts = [
            each
            for each in entities
            if isinstance(each, Account) and each.object_id in deed.accounts
        ]
        touched["accounts"] = involved(accounts).accounts
    if deed.addresses:
        touched["addresses"] = deed.addresses
    return replace(seen, **touched)


def _is_touched(host: Host, deed: Deed) -> bool:
    is_resource = bool(host.resource) and host.resource in deed.resources[:1]
    return is_resource or host.device_id.lower() in deed.machines
