"""What an audit came to, as it is kept: values, without the checks that made them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from shared.model.alert import Severity
from shared.posture.finding import Finding


class Model(StrEnum):
    """Where logs are kept, as found (Microsoft's page names the three)."""

    NONE = "none"
    CENTRAL = "central"
    DECENTRALISED = "decentralised"
    HYBRID = "hybrid"


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The model as found, how many sources feed each workspace, and what it costs."""

    model: Model
    workspaces: dict[str, int]
    costs: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One audit. ``findings`` are the worst first, those that are over at the end.

    ``open`` counts by severity what somebody is to mend, ``unknown`` what could not be
    read. ``resources`` were looked at in ``subscriptions``, which are GUIDs.
    """

    at: datetime
    subscriptions: tuple[str, ...]
    resources: int
    layout: Layout
    open: dict[Severity, int]
    unknown: int
    findings: tuple[Finding, ...]
