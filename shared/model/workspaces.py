"""Where the logs are, as the policy says it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Topology(StrEnum):
    """Whose workspaces are asked about an incident."""

    CENTRAL = "central"
    PER_RESOURCE = "per_resource"
    HYBRID = "hybrid"


class Access(StrEnum):
    """How the logs of one resource are asked for.

    By the resource itself it is who may read that resource's logs that counts, and only
    its own rows come; by its workspace it is who may read the workspace.
    """

    RESOURCE = "resource"
    WORKSPACE = "workspace"


class Override(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The workspaces of a resource, or of all in a resource group or subscription."""

    resource: str
    workspaces: tuple[str, ...]


class Workspaces(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which workspaces of Log Analytics are asked for evidence; none, unless given.

    ``central`` and the workspaces of ``overrides`` are workspace ids, which are GUIDs.
    ``cross_workspace`` asks all workspaces of an incident in one query.
    """

    topology: Topology = Topology.CENTRAL
    central: tuple[str, ...] = ()
    access: Access = Access.RESOURCE
    overrides: tuple[Override, ...] = ()
    cross_workspace: bool = False

    @property
    def are_none(self) -> bool:
        """Whether there is nobody to ask, whatever the incident is about."""
        return self.topology is Topology.CENTRAL and not self.central
