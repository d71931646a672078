"""What a policy holds."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.actions.routing import Route
from shared.model.correlation import Correlation
from shared.model.enrich import Enrich
from shared.model.guards import Contain, Guards
from shared.model.heartbeat import Heartbeat
from shared.model.posture import Posture
from shared.model.retention import Retention
from shared.model.risk import Weights
from shared.model.silence import Silence
from shared.model.storm import Storm
from shared.model.workspaces import Workspaces
from shared.oncall.policy import OnCall
from shared.senders import Sender

# The head of an incident holds them all, and must stay far below a row's 1 MiB.
MOST_PROBLEMS = 300


class Reconcile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose alerts are listed at the source, to find what the export left out."""

    subscriptions: tuple[str, ...] = ()


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the deployment decides: who may send, what groups, who is told, what is done.

    ``responders`` are named instances; ``use`` names the kind, and the rest are its
    settings, which the kind itself checks. Secrets are named, never written.
    """

    responders: dict[str, dict[str, Any]]
    routes: tuple[Route, ...]
    senders: dict[str, Sender] = {}
    correlate: Correlation = Correlation()
    suppress: tuple[Silence, ...] = ()
    storm: Storm = Storm()
    limits: dict[str, Storm] = {}
    reconcile: Reconcile = Reconcile()
    workspaces: Workspaces = Workspaces()
    enrich: Enrich = Enrich()
    risk: Weights = Weights()
    on_call: OnCall = OnCall()
    heartbeat: Heartbeat | None = None
    posture: Posture | None = None
    retention: Retention = Retention()
    contain: tuple[Contain, ...] = ()
    guards: Guards = Guards()
