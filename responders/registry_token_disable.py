"""Disables tokens of container registries, and enables them again.

What nodes have pulled stays there, and what runs goes on (remote-apis-azure.md 11).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from responders.sides.arm import alerted
from responders.sides.switches import Switch, Switching
from shared.model.errors import SettingsError
from shared.model.permission import Api, Permission

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from responders.base import Ports
    from shared.model.alert import AlertRow

_REGISTRY = "microsoft.containerregistry/registries"
_NAME = re.compile(r"[A-Za-z0-9-]{1,50}")


class RegistryTokenDisable(Switching):
    """A ``Doer``; a target is a token of a registry."""

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """``tokens`` are the names of those to disable at a registry of an alert.

        An alert says which registry it is about, and never which token.
        """

        tokens: tuple[str, ...]

    use = "registry-token-disable"
    read = Permission(
        Api.ARM, "Microsoft.ContainerRegistry/registries/tokens/read", "the tokens"
    )
    write = Permission(
        Api.ARM, "Microsoft.ContainerRegistry/registries/tokens/write", "the same"
    )
    permissions: tuple[Permission, ...] = (read, write)
    switches: Mapping[str, Switch] = {
        "token": Switch(
            f"{_REGISTRY}/tokens",
            "status",
            off="disabled",
            usual="enabled",
            says="Disable the token {}; what was pulled stays",
        )
    }

    def __init__(self, name: str, config: Config | None, ports: Ports) -> None:
        """Raises SettingsError for what is no name of a token."""
        super().__init__(name, config, ports)
        self._tokens = config.tokens if config else ()
        if config and not (self._tokens and all(map(_NAME.fullmatch, self._tokens))):
            raise SettingsError(["tokens: expected names of tokens, at least one"])

    def named(self, alerts: Sequence[AlertRow]) -> dict[str, list[str]]:
        """The tokens of the policy at each registry that an alert is about."""
        return {
            f"{registry}/tokens/{token.lower()}": speaking
            for registry, speaking in alerted(alerts, _REGISTRY).items()
            for token in self._tokens
        }
