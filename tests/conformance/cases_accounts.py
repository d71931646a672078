"""Doers of accounts of Entra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from shared.model.entity import Account
from tests.conformance.doer_case import DoerCase, alert
from tests.fakes.azure import LOADER, VAULT, WEB01, WEBER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.alert import AlertRow
    from shared.model.deed import Deed
    from tests.fakes.azure import Azure


def logon(object_id: str = WEBER, *more: Any, **said: Any) -> AlertRow:  # noqa: ANN401
    """An alert that names an account by its object id, and perhaps by other names."""
    account = {"Type": "account", "AadUserId": object_id, "Name": "m.weber", **said}
    return alert(None, account, *more)


def _nobody(row: AlertRow) -> AlertRow:
    """The alert, about an account that there is not."""
    gone = f"{WEBER[:-4]}dead"
    entities = (
        replace(each, object_id=gone) if isinstance(each, Account) else each
        for each in row.entities
    )
    return replace(row, entities=(*entities,))


def _sync(side: Azure, deed: Deed) -> None:
    """Somebody has a directory on premises know the account."""
    found = side.outside.graph.users.find(deed.target)
    side.outside.graph.users.write({**(found or {}), "onPremisesSyncEnabled": True})


# Names are no identity, whoever they look like.
_UNNAMED = (
    logon("", Name="m.weber", UPNSuffix="contoso.com"),
    logon("", DisplayName="Maria Weber"),
    logon("m.weber@contoso.com"),
    alert(WEB01),
)


def _delete(side: Azure, deed: Deed) -> None:
    """Somebody deletes the principal: nobody can force it back."""
    side.outside.graph.principals.remove(deed.target)


def _reassign(side: Azure, deed: Deed) -> None:
    """Somebody gives the account the same role, by a name of their own."""
    resources = side.outside.manager.resources
    change = side.outside.manager.changes[0]
    name = "a0b1c2d3-0000-4000-8000-00000000beef"
    place = change["path"].rpartition("/")[0]
    role = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
    subscription = "/".join(VAULT.split("/")[:3])
    definitions = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions"
    resources.write(
        {
            "id": f"{place}/{name}",
            "name": name,
            "type": "Microsoft.Authorization/roleAssignments",
            "properties": {
                "roleDefinitionId": f"{definitions}/{role}",
                "principalId": deed.accounts[0],
                "principalType": "User",
                "scope": VAULT,
            },
        }
    )


ACCOUNTS: Mapping[str, DoerCase] = {
    "role-remove": DoerCase(
        settings={},
        alerts=lambda: [replace(logon(), resource=VAULT.lower())],
        unclear=lambda: [
            *(replace(each, resource=VAULT.lower()) for each in _UNNAMED),
            # No resource, no role at it.
            logon(),
        ],
        gone=_nobody,
        method="DELETE",
        resource="roleAssignments",
        drift=_reassign,
        heals=False,
    ),
    "principal-disable": DoerCase(
        settings={},
        alerts=lambda: [logon(LOADER)],
        unclear=lambda: _UNNAMED,
        gone=_nobody,
        side="graph",
        method="PATCH",
        resource="servicePrincipals",
        drift=_delete,
        heals=False,
    ),
    "risk-confirm": DoerCase(
        settings={},
        alerts=lambda: [logon()],
        unclear=lambda: _UNNAMED,
        gone=_nobody,
        side="graph",
        method="POST",
        resource="riskyUsers",
        reversible=False,
    ),
    "sessions-revoke": DoerCase(
        settings={},
        alerts=lambda: [logon()],
        unclear=lambda: _UNNAMED,
        gone=_nobody,
        side="graph",
        method="POST",
        resource="revokeSignInSessions",
        reversible=False,
    ),
    "user-disable": DoerCase(
        settings={},
        alerts=lambda: [logon()],
        unclear=lambda: _UNNAMED,
        gone=_nobody,
        side="graph",
        method="PATCH",
        resource="users",
        drift=_sync,
    ),
}
