"""The policy that a command goes by, where it needs one, and all silences under it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.account import running
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
        help="The policy that the app runs with. Left out: that of the `firewatch run`"
        " that is worked on, else the policy.yaml beside the app.",
        show_default=False,
    ),
]


def policy(path: Path | None, account: str | None) -> Policy:
    """The policy of a file. Raises SettingsError for one with mistakes.

    Without a file, that of the run which the account stands for.
    """
    path = path or _of_run(account) or PACKAGED_POLICY
    try:
        text = path.read_bytes()
    except OSError as error:
        raise typer.BadParameter(
            f"cannot read {path}: {error.strerror}", param_hint="--policy"
        ) from None
    return policies.load(text, name=path.name)


def _of_run(account: str | None) -> Path | None:
    run = None if account else running()
    return Path(run.policy) if run and run.policy else None


def silences(storage: Storage, by: Policy) -> Silences:
    """All silences of an account, those of the policy too."""

    async def of_policy() -> Sequence[Silence]:
        return by.suppress

    return Silences(storage.ledger, storage.queue, of_policy=of_policy)
