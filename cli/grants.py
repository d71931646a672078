"""The commands by which an administrator gives application permissions; nothing is run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.model.permission import Api

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.containment.needs import Need

OBJECT_ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")

# The applications that the permissions belong to (remote-apis-azure.md 0.1) [unverified].
APPS = {
    Api.GRAPH: "00000003-0000-0000-c000-000000000000",
    Api.ENDPOINT: "fc780465-2017-40d4-a0c5-307022471b92",
}

HEAD = """\
set -eu
principal=OBJECT_ID
grant() {
  role=$(az ad sp show --id "$1" --output tsv --query \\
    "appRoles[?value=='$2' && contains(allowedMemberTypes, 'Application')].id | [0]")
  resource=$(az ad sp show --id "$1" --query id --output tsv)
  body='{"principalId": "%s", "resourceId": "%s", "appRoleId": "%s"}'
  az rest --method POST --output none \\
    --url "https://graph.microsoft.com/v1.0/servicePrincipals/$principal/appRoleAssignments" \\
    --body "$(printf "$body" "$principal" "$resource" "$role")"
}"""


def script(needs: Sequence[Need], principal: str) -> str:
    """For a shell with Azure's command line: what gives a principal what is needed.

    ``principal`` is the object id of the identity. There is no button for that in the
    portal. Rights in Azure itself are roles, and not in it.
    """
    return "\n".join([HEAD.replace("OBJECT_ID", principal), *_grants(needs)])


def _grants(needs: Sequence[Need]) -> Iterator[str]:
    for need in needs:
        app = APPS.get(need.permission.api)
        if app is not None:
            # For those who read it before they run it.
            by = ", ".join(need.by)
            yield f"grant {app} {need.permission.action}  # {need.permission.api}: {by}"
