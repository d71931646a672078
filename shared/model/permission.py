"""What an identity must be allowed, said once: documents, roles and checks are made of it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Api(StrEnum):
    """Whose permission it is; ``DATA`` are the data actions of roles of Azure."""

    ARM = "Azure Resource Manager"
    DATA = "Azure, data"
    GRAPH = "Microsoft Graph"
    ENDPOINT = "Defender for Endpoint"


class Permission(NamedTuple):
    """One action, as its API writes it, and ``on`` what it is needed, for people."""

    api: Api
    action: str
    on: str
