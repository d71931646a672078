"""Doers of accounts of Entra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from shared.model.entity import Account
from tests.conformance.doer_case import DoerCase, alert
from tests.fakes.azure import WEB01, WEBER

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

ACCOUNTS: Mapping[str, DoerCase] = {
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
