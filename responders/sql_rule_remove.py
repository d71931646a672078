"""Removes firewall rules of SQL servers that let an attacker in, and makes them again.

There are no rules that deny: what lets an address in is taken away, and everybody else in
its range with it. Rules inside of databases, and sessions that are open, go on
[unverified] (remote-apis-azure.md 8). A PUT of the list would replace every rule.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from responders.sides.addresses import attackers
from responders.sides.arm import alerted, at
from shared.model import resource
from shared.model.action import Kind, Outcome
from shared.model.deed import Before, Deed, Sight, State
from shared.model.errors import ActionRefused, PermanentFailure
from shared.model.permission import Api, Permission
from shared.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.base import Ports
    from shared.model.alert import AlertRow
    from shared.model.evidence import Evidence
    from shared.model.incident import Incident
    from shared.model.rest import Rest

USE = "sql-rule-remove"

_SERVER = "microsoft.sql/servers"
_NAME = 80
_ENDS = ("startIpAddress", "endIpAddress")


def _may(action: str, on: str) -> Permission:
    return Permission(Api.ARM, f"Microsoft.Sql/servers/firewallRules/{action}", on)


_READ = _may("read", "the rules of servers of alerts")
_DELETE = _may("delete", "the same")
_WRITE = _may("write", "making them again")


class _Rule(NamedTuple):
    """A rule, by its id as Azure writes it, and the addresses that it lets in."""

    id: str
    first: str
    last: str

    @property
    def said(self) -> dict[str, str]:
        return dict(zip(_ENDS, (self.first, self.last), strict=True))

    def lets_in(self, address: str) -> bool:
        found = ip_address(address)
        return isinstance(found, IPv4Address) and (
            IPv4Address(self.first) <= found <= IPv4Address(self.last)
        )


class SqlRuleRemove:
    """A ``Doer``; a target is a rule of a server."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Nothing is to be set."""

    use = USE
    kind = Kind.CONTAIN
    permissions: tuple[Permission, ...] = (_READ, _DELETE, _WRITE)

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        self.name = name
        self._arm: Rest = ports.azure.arm
        self._config = config

    async def plan(
        self,
        incident: Incident,  # noqa: ARG002  as the protocol
        alerts: Sequence[AlertRow],
        evidence: Sequence[Evidence] = (),  # noqa: ARG002  as the protocol
    ) -> Sequence[Deed]:
        """One deed for each rule that lets in whom an alert on its server names."""
        if self._config is None:
            return ()
        named = {alert.id: attackers(alert) for alert in alerts}
        found = await asyncio.gather(
            *(
                self._on(server, {name: named[name] for name in ids if named[name]})
                for server, ids in alerted(alerts, _SERVER).items()
            )
        )
        return [deed for deeds in found for deed in deeds]

    async def before(self, deed: Deed) -> Before:
        """What the rule says. Raises ActionRefused as ``Doer`` says."""
        found = await self._find(deed)
        if found is None:
            raise ActionRefused("the rule is gone already, and not by Firewatch")
        body = shlex.quote(json.dumps({"properties": found.said}))
        uri = shlex.quote(at(found.id))
        by_hand = f"az rest --method put --uri {uri} --body {body}"
        return Before(state=found.said, by_hand=(by_hand,))

    async def apply(self, deed: Deed, before: Before) -> Outcome:
        """Delete it, as long as it says what it said."""
        found = await self._find(deed)
        if found is None:
            return Outcome()
        if found.said != before.state:
            raise ActionRefused("the rule lets in others now than when it was planned")
        await self._arm.change(
            "DELETE", at(deed.content["rule"]), permission=_DELETE.action
        )
        return Outcome()

    async def verify(self, deed: Deed, before: Before) -> Sight:
        """Whether it is gone."""
        found = await self._find(deed)
        if found is None:
            return Sight(state=State.IN_FORCE)
        if found.said == before.state:
            return Sight(state=State.AS_BEFORE)
        said = f"a rule of that name lets in {found.first} to {found.last}"
        return Sight(state=State.OTHERWISE, difference=said)

    async def undo(self, deed: Deed, before: Before) -> Outcome:
        """Make it again, by its name."""
        found = await self._find(deed)
        if found is None or found.said != before.state:
            await self._arm.change(
                "PUT",
                at(deed.content["rule"]),
                {"properties": before.state},
                permission=_WRITE.action,
            )
        return Outcome()

    async def _on(self, server: str, named: Mapping[str, Sequence[str]]) -> list[Deed]:
        """What is to be removed of a server, by the addresses that each alert names."""
        if not named:
            return []
        try:
            listed = await self._arm.list_all(
                at(server, act="firewallRules"), permission=_READ.action
            )
            rules = [rule for each in listed if (rule := _read(each, server))]
        except (ActionRefused, PermanentFailure) as error:
            # Another server's may do.
            addresses = {a for each in named.values() for a in each}
            return [self._planned(server, None, [*named], addresses, str(error))]
        found = []
        for rule in rules:
            let_in = {
                n: [a for a in each if rule.lets_in(a)] for n, each in named.items()
            }
            speaking = [name for name, each in let_in.items() if each]
            addresses = {a for each in let_in.values() for a in each}
            if speaking:
                found.append(self._planned(server, rule, speaking, addresses, ""))
        return found

    def _planned(
        self,
        server: str,
        rule: _Rule | None,
        speaking: Sequence[str],
        addresses: set[str],
        obstacle: str,
    ) -> Deed:
        name = plain(resource.display_name(server), _NAME)
        called = plain(resource.display_name(rule.id), _NAME) if rule else "a rule"
        span = f" ({rule.first} to {rule.last})" if rule else ""
        return Deed(
            responder=self.name,
            use=USE,
            kind=Kind.CONTAIN,
            target=rule.id.lower() if rule else f"{server}|rules",
            says=f"Remove {called}{span} from the firewall of {name}",
            alerts=tuple(sorted(speaking)),
            resources=(server,),
            addresses=tuple(sorted(addresses)),
            obstacle=obstacle,
            content={"rule": rule.id if rule else ""},
        )

    async def _find(self, deed: Deed) -> _Rule | None:
        path = at(deed.content["rule"])
        found = await self._arm.find(path, permission=_READ.action)
        if found is None:
            return None
        rule = _read(found.content, deed.resources[0])
        if rule is None:
            raise ActionRefused("the rule says no addresses")
        return rule


def _read(content: Mapping[str, Any], server: str) -> _Rule | None:
    """A rule of the server; None for what is none."""
    properties, known = content.get("properties"), content.get("id")
    if not isinstance(properties, dict) or not isinstance(known, str):
        return None
    if not known.lower().startswith(f"{server}/firewallrules/"):
        return None
    try:
        first, last = (str(IPv4Address(properties[name])) for name in _ENDS)
    except (KeyError, ValueError):
        return None
    return _Rule(known, first, last)
