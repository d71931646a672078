"""Microsoft Graph: users, their sessions and risk, and service principals.

(remote-apis-azure.md 13)
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from devhost.outside.azure.accounts import (
    CHANGES_PRINCIPALS,
    DISABLES,
    READS,
    READS_PRINCIPALS,
    READS_RISK,
    REVOKES,
    SETS_RISK,
    USUAL,
    absent,
    bad,
    enabled,
    filled,
    filtered,
    selected,
)
from devhost.outside.azure.answers import Refused, body_of, demand_token
from devhost.outside.azure.resources import Resources
from devhost.outside.azure.upsets import write

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from devhost.outside.azure.inventory import Inventory
    from devhost.outside.azure.resources import Document
    from devhost.outside.azure.rights import Rights
    from devhost.outside.azure.upsets import Upsets

# How often a directory on premises has its way; each half hour unless set otherwise.
SYNC = timedelta(minutes=30)

_ROOT = "/graph/v1.0"


class GraphSide:
    """The accounts of one tenant; ``changes`` are those that were taken.

    Whoever holds a role of the directory is not changed by us: an app without such a
    role itself may not ("Who can perform sensitive actions").
    """

    name = "graph"

    def __init__(
        self,
        clock: Callable[[], datetime],
        upsets: Upsets,
        rights: Rights,
        inventory: Inventory,
    ) -> None:
        self._clock = clock
        self._rights = rights
        self._upsets = upsets
        self._groups = inventory.groups
        self._roles = inventory.directoryRoles
        self.users = filled(inventory.users)
        self.principals = filled(inventory.servicePrincipals)
        self.risky = Resources()
        self._switched_off: dict[str, datetime] = {}
        self.changes: list[dict[str, Any]] = []
        self.refused: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        """Where its API is, below `/graph`."""
        user, risk = f"{_ROOT}/users/{{id}}", f"{_ROOT}/identityProtection/riskyUsers"
        principal = f"{_ROOT}/servicePrincipals/{{id}}"
        answers: list[tuple[str, str, Callable[..., Any], tuple[str, ...]]] = [
            ("GET", f"{_ROOT}/users", self._list_users, READS),
            ("GET", user, self._user, READS),
            ("PATCH", user, self._change_user, DISABLES),
            ("POST", f"{user}/revokeSignInSessions", self._revoke, REVOKES),
            ("GET", f"{user}/memberOf", self._member_of, READS),
            ("GET", f"{user}/transitiveMemberOf", self._member_of, READS),
            ("GET", f"{risk}/{{id}}", self._risk, READS_RISK),
            (
                "POST",
                f"{risk}/{{act:confirmCompromised|dismiss}}",
                self._set_risk,
                SETS_RISK,
            ),
            (
                "GET",
                f"{_ROOT}/servicePrincipals",
                self._list_principals,
                READS_PRINCIPALS,
            ),
            ("GET", principal, self._principal, READS_PRINCIPALS),
            ("PATCH", principal, self._change_principal, CHANGES_PRINCIPALS),
        ]
        return [
            web.route(method, path, self._answering(answer, roles))
            for method, path, answer, roles in answers
        ]

    def received(self) -> dict[str, Any]:
        """What was changed and refused."""
        return {"changes": self.changes, "refused": self.refused}

    def state(self) -> dict[str, Any]:
        """Every account as it is, and every risk: for a comparison."""
        self._synchronize()
        return {
            "users": self.users.state(),
            "servicePrincipals": self.principals.state(),
            "riskyUsers": self.risky.state(),
        }

    def recover(self) -> None:
        """Show every reader what there is."""
        self.users.show_all()
        self.principals.show_all()
        self.risky.show_all()

    def _answering(
        self, answer: Callable[..., Any], roles: tuple[str, ...]
    ) -> Callable[..., Any]:
        async def handle(request: web.Request) -> web.Response:
            try:
                demand_token(request)
                self._rights.demand_role(*roles, code="Authorization_RequestDenied")
                self._synchronize()
                content = await answer(request)
            except Refused as refused:
                self.refused.append(str(refused))
                return refused.response()
            if content is None:
                return web.Response(status=204)
            return web.json_response(content)

        return handle

    async def _list_users(self, request: web.Request) -> dict[str, Any]:
        found = filtered(request, self.users)
        return {"value": [selected(request, each, USUAL) for each in found]}

    async def _user(self, request: web.Request) -> dict[str, Any]:
        known = self._known_user(request)
        shown = self.users.shown(known["id"]) or known
        return selected(request, shown, USUAL)

    async def _change_user(self, request: web.Request) -> None:
        user = self._known_user(request)
        body = await body_of(request)
        is_enabled = enabled(body)
        if any(user["id"] in each["members"] for each in self._roles):
            raise Refused(403, "Authorization_RequestDenied", "Insufficient privileges")
        upset = self._upsets.next(self.name, "PATCH", request.path)
        write(upset, self.users, user["id"], {**user, "accountEnabled": is_enabled})
        if user.get("onPremisesSyncEnabled"):
            self._switched_off[user["id"]] = self._clock()
        self._took(request, body)

    async def _revoke(self, request: web.Request) -> dict[str, Any]:
        user = self._known_user(request)
        # On external users it has no effect.
        if user.get("userType") != "Guest":
            after = {**user, "signInSessionsValidFromDateTime": self._now()}
            upset = self._upsets.next(self.name, "POST", request.path)
            write(upset, self.users, user["id"], after)
        self._took(request, {})
        return {"@odata.context": f"{_ROOT}/$metadata#Edm.Boolean", "value": True}

    async def _member_of(self, request: web.Request) -> dict[str, Any]:
        user = self._known_user(request)
        kinds = (("directoryRole", self._roles), ("group", self._groups))
        return {
            "value": [
                {
                    "@odata.type": f"#microsoft.graph.{kind}",
                    **{k: v for k, v in each.items() if k != "members"},
                }
                for kind, groups in kinds
                for each in groups
                if user["id"] in each["members"]
            ]
        }

    async def _risk(self, request: web.Request) -> dict[str, Any]:
        found = self.risky.shown(request.match_info["id"])
        if found is None:
            raise absent(request.match_info["id"])
        return found

    async def _set_risk(self, request: web.Request) -> None:
        body = await body_of(request)
        ids = body.get("userIds")
        if not isinstance(ids, list) or not ids:
            raise bad("userIds is no list of ids")
        is_confirmed = request.match_info["act"] == "confirmCompromised"
        for each in ids:
            user = self.users.find(str(each))
            if user is None:
                raise absent(str(each))
            risk = {
                "id": user["id"],
                "userPrincipalName": user["userPrincipalName"],
                "riskLevel": "high" if is_confirmed else "none",
                "riskState": "confirmedCompromised" if is_confirmed else "dismissed",
                "riskDetail": "adminConfirmedUserCompromised"
                if is_confirmed
                else "adminDismissedAllRiskForUser",
                "riskLastUpdatedDateTime": self._now(),
            }
            upset = self._upsets.next(self.name, "POST", request.path)
            write(upset, self.risky, user["id"], risk)
        self._took(request, body)

    async def _list_principals(self, request: web.Request) -> dict[str, Any]:
        found = filtered(request, self.principals)
        return {"value": [selected(request, each, ()) for each in found]}

    async def _principal(self, request: web.Request) -> dict[str, Any]:
        found = self._known(self.principals, request)
        return selected(request, self.principals.shown(found["id"]) or found, ())

    async def _change_principal(self, request: web.Request) -> None:
        principal = self._known(self.principals, request)
        body = await body_of(request)
        after = {**principal, "accountEnabled": enabled(body)}
        upset = self._upsets.next(self.name, "PATCH", request.path)
        write(upset, self.principals, principal["id"], after)
        self._took(request, body)

    def _known_user(self, request: web.Request) -> Document:
        """A user by object id, or by a name to sign in with."""
        named = request.match_info["id"].lower()
        for each in self.users.state().values():
            if each["userPrincipalName"].lower() == named:
                return self.users.find(each["id"]) or each
        return self._known(self.users, request)

    def _known(self, accounts: Resources, request: web.Request) -> Document:
        found = accounts.find(request.match_info["id"])
        if found is None:
            raise absent(request.match_info["id"])
        return found

    def _synchronize(self) -> None:
        """Let a directory on premises have its way: what it knows of holds again."""
        now = self._clock()
        for user_id, at in [*self._switched_off.items()]:
            if now - at >= SYNC:
                del self._switched_off[user_id]
                user = self.users.find(user_id) or {}
                self.users.write({**user, "accountEnabled": True})

    def _took(self, request: web.Request, body: dict[str, Any]) -> None:
        self.changes.append(
            {
                "at": self._clock(),
                "method": request.method,
                "path": request.path.removeprefix(_ROOT),
                "body": body,
            }
        )

    def _now(self) -> str:
        return f"{self._clock():%Y-%m-%dT%H:%M:%SZ}"
