"""Has Defender for Endpoint block an address, a file or a site on every machine.

By an indicator that ends by itself, should nobody here be able to take it away
(remote-apis-azure.md 14c). Making one writes over whoever's there is for the same: so one
that is there is somebody's, and nothing is done, be it that it blocks or lets pass.

[unverified]: that `Ti.ReadWrite` lists the indicators of others too; that blocking an
address or a site works only where network protection is on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from responders.sides import orders
from responders.sides.things import ThingKind, things
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import ActionRefused, SettingsError
from shared.model.permission import Api, Permission
from shared.model.text import instant, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from responders.base import Ports
    from responders.sides.things import Thing
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident

USE = "indicator"

SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=365)

_NAME = 120
_WRITE = Permission(Api.ENDPOINT, "Ti.ReadWrite", "indicators, and those of others")


class Indicator:
    """A ``Doer``; a target is an indicator of Defender for Endpoint."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``of`` says which of the things that alerts name are blocked.

        An indicator ends by itself after ``expires``, should it not be taken away before.
        """

        of: tuple[ThingKind, ...]
        expires: timedelta = timedelta(days=1)

    use = USE
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...] = (_WRITE,)

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Raises SettingsError where nothing would be blocked, or for ever."""
        self.name = name
        self._endpoint = ports.azure.endpoint
        self._clock = ports.clock
        self._config = config
        if config:
            _check(config)

    async def plan(
        self,
        incident: Incident,
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each thing that alerts name and that the policy has blocked."""
        if self._config is None:
            return ()
        speaking: dict[Thing, list[str]] = {}
        for alert in alerts:
            for named in dict.fromkeys(things(alert)):
                if named.kind in self._config.of:
                    speaking.setdefault(named, []).append(alert.id)
        return [self._planned(incident, *each) for each in speaking.items()]

    async def before(self, deed: Deed) -> Before:
        """That there is none for it. Raises ActionRefused as ``Doer`` says."""
        found = await self._find(deed)
        if found is not None:
            said = plain(str(found.get("action") or "nothing"), _NAME)
            raise ActionRefused(f"there is an indicator for it already: {said}")
        expires = self._clock() + timedelta(seconds=deed.content["expires_s"])
        state = {"expires": instant(expires)}
        return Before(state=state, by_hand=(_by_hand(deed),))

    async def apply(self, deed: Deed, before: Before) -> Outcome:
        """Make it, where there is none."""
        found = await self._find(deed)
        if found is not None and not _is_ours(found, deed):
            raise ActionRefused("somebody else made one for it at this moment")
        if found is None:
            mark: str = deed.content["mark"]
            content = {
                "indicatorValue": deed.content["value"],
                "indicatorType": deed.content["type"],
                "action": "Block",
                "title": "Blocked by Firewatch",
                "description": orders.comment_of(mark),
                "severity": "High",
                "expirationTime": before.state["expires"],
                # It would be an incident of its own.
                "generateAlert": False,
                "application": "firewatch",
            }
            await self._endpoint.change(
                "POST", "/indicators", content, permission=_WRITE.action
            )
        return Outcome()

    async def verify(self, deed: Deed, before: Before) -> Sight:  # noqa: ARG002
        """Whether it is there and blocks; one that has expired is there no more."""
        found = await self._find(deed)
        if found is None:
            return Sight(state=State.AS_BEFORE)
        if _is_ours(found, deed):
            return Sight(state=State.IN_FORCE)
        return Sight(
            state=State.OTHERWISE, difference="somebody made another one of it"
        )

    async def undo(self, deed: Deed, before: Before) -> Outcome:  # noqa: ARG002
        """Take it away."""
        found = await self._find(deed)
        if found is not None:
            number = str(found.get("id") or "")
            if not number.isalnum():
                raise ActionRefused("the indicator has no number to take it away by")
            path = f"/indicators/{number}"
            await self._endpoint.change("DELETE", path, permission=_WRITE.action)
        return Outcome()

    async def _find(self, deed: Deed) -> dict[str, Any] | None:
        """The indicator of that thing, whoever's; there is one at most."""
        value, kind = deed.content["value"], deed.content["type"]
        listed = await self._endpoint.list_all(_asked(deed), permission=_WRITE.action)
        same = [
            each
            for each in listed
            if str(each.get("indicatorValue") or "").lower() == value.lower()
            and each.get("indicatorType") == kind
        ]
        return same[0] if same else None

    def _planned(self, incident: Incident, named: Thing, alerts: Sequence[str]) -> Deed:
        assert self._config is not None  # noqa: S101  plan looked
        is_address = named.kind is ThingKind.ADDRESS
        shown = plain(named.value, _NAME)
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.CONTAIN,
            target=f"{named.type}|{named.value.lower()}",
            says=f"Block {named.kind} {shown} on all machines of Defender for Endpoint",
            alerts=tuple(sorted(alerts)),
            addresses=(named.value,) if is_address else (),
            names=() if is_address else (named.value,),
            obstacle=named.problem,
            content={
                "type": named.type,
                "value": named.value,
                "mark": orders.mark_of(incident),
                "expires_s": int(self._config.expires.total_seconds()),
            },
        )


def _check(config: Indicator.Config) -> None:
    wrong = []
    if not config.of:
        wrong.append("of: name at least one of what may be blocked")
    if not SHORTEST <= config.expires <= LONGEST:
        wrong.append("expires: expected 1h to 365d")
    if wrong:
        raise SettingsError(wrong)


def _is_ours(found: dict[str, Any], deed: Deed) -> bool:
    is_marked = deed.content["mark"] in str(found.get("description") or "")
    return is_marked and found.get("action") == "Block"


def _asked(deed: Deed) -> str:
    """The path at which indicators of that thing are listed."""
    quoted = deed.content["value"].replace("'", "''")
    kind = deed.content["type"]
    wanted = f"indicatorValue eq '{quoted}' and indicatorType eq '{kind}'"
    return f"/indicators?$filter={quote(wanted, safe='')}"


def _by_hand(deed: Deed) -> str:
    """As Azure's own command line does it; in the public cloud.

    What the alert named is percent-encoded whole, so that no shell finds anything in it.
    """
    api = "https://api.security.microsoft.com/api"
    rest = "az rest --resource https://api.securitycenter.microsoft.com"
    number = f"{rest} --method get --url '{api}{_asked(deed)}' --query value[0].id"
    return f"{rest} --method delete --url {api}/indicators/$({number} --output tsv)"
