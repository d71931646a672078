"""What is in key vaults: versions of secrets and keys, never their values.

(remote-apis-azure.md 7a)
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from devhost.outside.azure.answers import Refused, body_of, demand_version
from devhost.outside.azure.keyvault import Vault, is_reachable
from devhost.outside.azure.resources import Resources
from devhost.outside.azure.upsets import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from devhost.outside.azure.inventory import Inventory
    from devhost.outside.azure.resources import Document
    from devhost.outside.azure.rights import Rights
    from devhost.outside.azure.upsets import Upsets

VERSION = "7.5"
# As many as the service gives unless it is asked for fewer. [unverified]
PAGE = 25

_ROOT = "/vault/{vault}/{kind:secrets|keys}/{name}"
_IDS = {"secrets": "id", "keys": "kid"}
# The data actions that are needed (remote-apis-azure.md 7a).
_LISTS = {"secrets": "readMetadata/action", "keys": "read"}
_READS = {"secrets": "getSecret/action", "keys": "read"}
_UPDATES = {"secrets": "update/action", "keys": "update/action"}
_TIMES = ("created", "updated", "nbf", "exp")
_SETTABLE = {"enabled", "nbf", "exp"}


class VaultSide:
    """Versions of secrets and keys in all vaults, by their ids.

    ``values_read`` are the versions whose value somebody asked for: nobody should.
    """

    name = "vault"

    def __init__(
        self,
        clock: Callable[[], datetime],
        upsets: Upsets,
        rights: Rights,
        vaults: Resources,
        inventory: Inventory,
    ) -> None:
        self._clock = clock
        self._rights = rights
        self._upsets = upsets
        self._vaults = vaults
        self.versions = Resources()
        for kind, documents in (
            ("secrets", inventory.secrets),
            ("keys", inventory.keys),
        ):
            for each in documents:
                self.versions.write(_known_as(kind, each))
        self.values_read: list[str] = []
        self.changes: list[dict[str, Any]] = []
        self.refused: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        """Where each vault is, below `/vault` and its name."""
        return [
            web.get(f"{_ROOT}/versions", self._answering(self._list, _LISTS)),
            web.get(f"{_ROOT}/{{version}}", self._answering(self._value, _READS)),
            web.patch(f"{_ROOT}/{{version}}", self._answering(self._change, _UPDATES)),
        ]

    def received(self) -> dict[str, Any]:
        """What was changed and refused, and whose values were asked for."""
        return {
            "changes": self.changes,
            "values_read": self.values_read,
            "refused": self.refused,
        }

    def state(self) -> dict[str, Any]:
        """Every version as it is, but for when it was changed: for a comparison."""
        return {
            key: {k: v for k, v in each["attributes"].items() if k != "updated"}
            for key, each in self.versions.state().items()
        }

    def recover(self) -> None:
        """Show every reader what there is."""
        self.versions.show_all()

    def _answering(
        self, answer: Callable[..., Any], actions: Mapping[str, str]
    ) -> Callable[..., Any]:
        async def handle(request: web.Request) -> web.Response:
            try:
                self._demand_access(request)
                kind = request.match_info["kind"]
                action = f"{Vault.type}/{kind}/{actions[kind]}"
                # [unverified inner code]
                self._rights.demand_data(action, "ForbiddenByRbac")
                demand_version(request, VERSION)
                return web.json_response(await answer(request))
            except Refused as refused:
                self.refused.append(str(refused))
                inner = {"innererror": {"code": refused.message}}
                return refused.response(**inner if refused.status == 403 else {})

        return handle

    def _demand_access(self, request: web.Request) -> None:
        """Refuse whoever has no token, or comes from where the vault does not listen."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            challenge = (
                'Bearer authorization="https://login.microsoftonline.com/contoso",'
                ' resource="https://vault.azure.net"'
            )
            raise Refused(
                401, "Unauthorized", "no token", {"WWW-Authenticate": challenge}
            )
        vault = next(
            (
                each
                for each in self._vaults.of_type(Vault.type)
                if each["name"].lower() == request.match_info["vault"].lower()
            ),
            None,
        )
        if vault is None:
            raise Refused(404, "VaultNotFound", "there is no such vault")
        if not is_reachable(vault, request.remote or ""):
            # Which inner codes there are is [unverified].
            raise Refused(403, "Forbidden", "ForbiddenByFirewall")

    async def _list(self, request: web.Request) -> dict[str, Any]:
        """The versions of one secret or key, without values."""
        prefix = f"{_id_of(request)}/"
        known = sorted(key for key in self.versions.state() if key.startswith(prefix))
        if not known:
            raise Refused(404, _absent(request), "there is no such thing")
        skip = request.query.get("$skiptoken", "0")
        start = int(skip) if skip.isascii() and skip.isdigit() else 0
        page = known[start : start + PAGE]
        shown = (self.versions.shown(key) for key in page)
        following = None
        if start + PAGE < len(known):
            query = urlencode({"api-version": VERSION, "$skiptoken": start + PAGE})
            following = f"{request.scheme}://{request.host}{request.path}?{query}"
        return {
            "value": [_listed(request, each) for each in shown if each is not None],
            "nextLink": following,
        }

    async def _value(self, request: web.Request) -> dict[str, Any]:
        known = self._version(request)
        self.values_read.append(known["id"])
        if not known["attributes"]["enabled"]:
            raise Refused(403, "Forbidden", "SecretDisabled")
        return {**_listed(request, known), "value": "made up"}

    async def _change(self, request: web.Request) -> dict[str, Any]:
        """Change attributes; those that are left out stay as they are."""
        known = self._version(request)
        body = await body_of(request)
        given = body.get("attributes")
        if set(body) != {"attributes"} or not isinstance(given, dict):
            raise Refused(400, "BadParameter", "only attributes can be patched here")
        if set(given) - _SETTABLE or not isinstance(given.get("enabled", True), bool):
            raise Refused(400, "BadParameter", "not an attribute that can be set")
        if known.get("managed"):
            # [unverified code] It is disabled through its certificate.
            raise Refused(403, "Forbidden", "SecretManagedByCertificate")
        updated = int(self._clock().timestamp())
        attributes = {**known["attributes"], **given, "updated": updated}
        upset = self._upsets.next(self.name, "PATCH", request.path)
        write(upset, self.versions, known["id"], {**known, "attributes": attributes})
        self.changes.append(
            {"at": self._clock(), "version": known["id"], "attributes": given}
        )
        return _listed(request, {**known, "attributes": attributes})

    def _version(self, request: web.Request) -> Document:
        found = self.versions.find(f"{_id_of(request)}/{request.match_info['version']}")
        if found is None:
            raise Refused(404, _absent(request), "there is no such version")
        return found


def _known_as(kind: str, document: Document) -> Document:
    """A version by the name that it is found by here: vault, kind, name and version."""
    parts = urlsplit(document[_IDS[kind]])
    vault = (parts.hostname or "").partition(".")[0]
    given = document.get("attributes") or {}
    # A listing by the command line writes times in words; the API has numbers.
    times = {k: _seconds(given[k]) for k in _TIMES if given.get(k) is not None}
    attributes = {"enabled": given.get("enabled", True), **times}
    kept: Iterable[str] = ("managed", "contentType", "tags")
    more = {name: document[name] for name in kept if document.get(name)}
    return {"id": f"{vault}{parts.path}".lower(), "attributes": attributes, **more}


def _seconds(value: object) -> int:
    if isinstance(value, str):
        return int(datetime.fromisoformat(value).timestamp())
    return value if isinstance(value, int) else 0


def _id_of(request: web.Request) -> str:
    names = ("vault", "kind", "name")
    return "/".join(request.match_info[name].lower() for name in names)


def _listed(request: web.Request, document: Document) -> Document:
    """As a list shows it: with its whole address, and without a value."""
    kind = request.match_info["kind"]
    address = f"{request.scheme}://{request.host}/vault/{document['id']}"
    return {_IDS[kind]: address, **{k: v for k, v in document.items() if k != "id"}}


def _absent(request: web.Request) -> str:
    return (
        "SecretNotFound" if request.match_info["kind"] == "secrets" else "KeyNotFound"
    )
