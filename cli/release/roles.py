"""What custom roles of Azure are made of: the permissions that responders declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from responders import DOERS
from shared.containment.groups import PERMISSIONS as READ_GROUPS
from shared.containment.owners import READ_ALERTS, READ_TAGS
from shared.containment.rights import READ as READ_RIGHTS
from shared.containment.tagging import WRITE_TAGS
from shared.model.permission import Api

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the core reads for each of them, under a name that no responder has.
GUARDS = "guards"
# What it writes where it is let, likewise: who does not name it has nothing tagged.
TAGS = "tags"


def needs() -> Mapping[str, Mapping[str, list[str]]]:
    """Actions and data actions of each role, by the responder that it is for.

    Responders that need nothing of Azure Resource Manager have no role: what they need of
    other APIs is granted there.
    """
    found: dict[str, Mapping[str, list[str]]] = {
        GUARDS: {
            "actions": sorted(
                {READ_ALERTS, READ_RIGHTS, READ_TAGS, *(p.action for p in READ_GROUPS)}
            ),
            "dataActions": [],
        },
        TAGS: {"actions": [WRITE_TAGS], "dataActions": []},
    }
    for name, doer in sorted(DOERS.items()):
        actions, data = (
            sorted({p.action for p in doer.permissions if p.api is api})
            for api in (Api.ARM, Api.DATA)
        )
        if actions or data:
            found[name] = {"actions": actions, "dataActions": data}
    return found
