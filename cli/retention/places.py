"""Which workspaces a command is about, and the client that reaches them."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from cli.account import AccountError, running
from shared import settings
from shared.clouds.credentials import Credentials
from shared.clouds.http import HttpClient
from shared.clouds.rest import RestClient
from shared.log_retention.workspace import Workspace, find

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.model.rest import Rest
    from shared.model.workspaces import Workspaces

_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


def address(url: str, *, rehearse: bool) -> str:
    """Where Resource Manager is; with ``rehearse`` that of the run that is up."""
    if rehearse:
        run = running()
        if run is None or not run.arm:
            raise AccountError("no `firewatch run` is up here to rehearse on")
        return run.arm
    # The one rule of what an address may be: no token goes anywhere by plain http.
    checked = settings.from_environment(
        {"AzureWebJobsStorage": "none", "FIREWATCH_ARM_URL": url}
    )
    return checked.arm_url


@asynccontextmanager
async def arm(url: str) -> AsyncIterator[Rest]:
    """Resource Manager, as whoever is signed in here."""
    http, credentials = HttpClient(), Credentials("")
    try:
        yield RestClient("ARM", url, http=http, token=credentials.token)
    finally:
        await http.close()
        await credentials.close()


async def workspaces(
    client: Rest, named: Sequence[str], policy: Workspaces
) -> list[Workspace]:
    """The workspaces that are named, by ARM id or GUID, else those of the policy.

    Raises AccountError where there are none, or one is not seen.
    """
    overridden = [each for o in policy.overrides for each in o.workspaces]
    asked = [*dict.fromkeys([*named] or [*policy.central, *overridden])]
    if not asked:
        raise AccountError(
            "the policy names no workspaces: name one with --workspace, by its ARM id"
            " or its GUID"
        )
    guids = frozenset(each.lower() for each in asked if _GUID.fullmatch(each))
    found = await find(client, guids) if guids else {}
    if unseen := sorted(guids - {*found}):
        raise AccountError(
            f"no workspace {unseen[0]} in any subscription that you see; name it by its"
            " ARM id"
        )
    return [Workspace(client, found.get(each.lower(), each)) for each in asked]
