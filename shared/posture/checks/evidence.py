"""Open incidents whose evidence is about to be gone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.model import resource
from shared.model.alert import Severity
from shared.model.posture import CheckName
from shared.model.retention import MOST_INTERACTIVE
from shared.model.text import minute
from shared.posture.checks import clauses
from shared.posture.checks.retention import longer
from shared.posture.estate import Part
from shared.posture.finding import Check, Found
from shared.posture.fixes import logs as fixes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.posture.estate import Estate
    from shared.posture.wanted import Wanted

# Nobody knows when an incident will close: who is told a fortnight before can extend.
MARGIN = timedelta(days=14)
LONGER = 90


def expires(estate: Estate, wanted: Wanted) -> Iterator[Found]:
    """Tables of which rows that an open incident goes by are about to be deleted."""
    customers = {each.customer: each.id for each in estate.all_workspaces}
    for held in estate.held or ():
        # Asked by the resource itself, rows may be in any workspace.
        named = {customers[each] for each in held.workspaces if each in customers}
        for workspace in sorted(named or estate.tables):
            for table in estate.tables.get(workspace, ()):
                gone_at = held.since + timedelta(days=table.kept.total)
                if table.name in held.tables and gone_at < wanted.now + MARGIN:
                    yield Found(
                        workspace,
                        f"{table.name} in {resource.display_name(workspace)}: evidence of"
                        f" incident {held.incident} is gone at {minute(gone_at)}",
                        fixes.table(
                            workspace,
                            table.name,
                            min(table.kept.interactive, MOST_INTERACTIVE),
                            longer(table.kept.total + LONGER),
                        ),
                        f"{held.incident}/{table.name}",
                    )


CHECKS = (
    Check(
        CheckName.EVIDENCE_EXPIRES,
        Severity.HIGH,
        clauses.KEEP,
        "The incident is open and what proves it is being deleted. To keep it longer works at"
        " once.",
        frozenset({Part.INCIDENTS, Part.WORKSPACES, Part.TABLES}),
        expires,
    ),
)
