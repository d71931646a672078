"""Addresses that alerts name: those of whoever attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.entity import Ip

if TYPE_CHECKING:
    from shared.model.alert import AlertRow

# Azure's own: machines reach the platform by it, whatever rules say of others.
PLATFORM = frozenset({"168.63.129.16"})


def attackers(alert: AlertRow) -> list[str]:
    """The public addresses that an alert names and that are not the attacked."""
    return [
        entity.address
        for entity in alert.entities
        if isinstance(entity, Ip)
        and entity.is_public
        and not entity.is_asset
        and entity.address not in PLATFORM
    ]
