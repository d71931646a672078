"""The policy that a command goes by, where it needs one, and all silences under it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.settings import PACKAGED_POLICY
from shared.silences import Silences
from shared.triage import policy as policies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.clouds.storage import Storage
    from shared.model.silence import Silence
    from shared.triage.policy import Policy

PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        help="The policy that the app runs with; the policy.yaml beside it if left out.",
        show_default=False,
    ),
]


def policy(path: Path | None) -> Policy:
    """The policy of a file. Raises SettingsError for one with mistakes."""
    path = path or PACKAGED_POLICY
    try:
        text = path.read_bytes()
    except OSError as error:
        raise typer.BadParameter(
            f"cannot read {path}: {error.strerror}", param_hint="--policy"
        ) from None
    return policies.load(text, name=path.name)


def silences(storage: Storage, by: Policy) -> Silences:
    """All silences of an account, those of the policy too."""

    async def of_policy() -> Sequence[Silence]:
        return by.suppress

    return Silences(storage.ledger, storage.queue, of_policy=of_policy)
