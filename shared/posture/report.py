"""What an audit comes to: its findings, and how the estate keeps its logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.posture import history
from shared.posture.audited import Layout, Model, Report
from shared.posture.checks.topology import MOST_IN_ONE_QUERY, fed
from shared.posture.estate import path_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.posture.estate import Estate
    from shared.posture.finding import Finding
    from shared.posture.wanted import Wanted


_COSTS = {
    Model.NONE: "No workspace takes any logs: there is nothing to ask.",
    Model.CENTRAL: "One query sees everything. Whoever may read the workspace may read all"
    " of it, and a cap, an outage or a deletion there blinds everybody at once.",
    Model.DECENTRALISED: "Each question is put to each workspace, rights are given in each,"
    " and nothing correlates across them but queries that name them all"
    f" ({MOST_IN_ONE_QUERY} at most, slower where they lie in several regions).",
    Model.HYBRID: "Most questions are answered in one place; whoever forgets the others"
    f" misses what is there. One query reaches {MOST_IN_ONE_QUERY} workspaces at most.",
}


def report(estate: Estate, wanted: Wanted, before: Iterable[Finding] = ()) -> Report:
    """The report of what was read, with the history of what was found before."""
    now = history.found_now(estate, wanted)
    findings = history.merged(before, now, estate, wanted)
    opened = [each for each in findings if each.is_open]
    return Report(
        at=wanted.now,
        subscriptions=tuple(e.rpartition("/")[2] for e in estate.subscriptions),
        resources=sum(map(len, estate.things.values())),
        layout=layout(estate),
        open={s: sum(e.severity is s for e in opened) for s in reversed(Severity)},
        unknown=sum(each.check is CheckName.UNKNOWN for each in opened),
        findings=tuple(findings),
    )


def layout(estate: Estate) -> Layout:
    """Central where one workspace is fed, decentralised where each feeds its own."""
    sources = fed(estate)
    model = Model.HYBRID
    if len(sources) < 2:
        model = Model.CENTRAL if sources else Model.NONE
    elif not any(_is_fed_from_elsewhere(estate, each) for each in sources):
        model = Model.DECENTRALISED
    counted = dict(sorted(sources.items(), key=lambda each: (-each[1], each[0])))
    return Layout(model=model, workspaces=counted, costs=_COSTS[model])


def _is_fed_from_elsewhere(estate: Estate, workspace: str) -> bool:
    home = path_of(workspace)
    return any(
        setting.workspace == workspace and path_of(setting.id) not in {"", home}
        for setting in estate.settings_of_all
    )
