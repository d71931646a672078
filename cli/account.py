"""Which storage account a command works on, and opening it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from shared import settings
from shared.clouds.storage import Storage
from shared.wiring.parts import utc_now

# Where `firewatch run` leaves word of itself, so that other commands find it.
RUNS = Path(__file__).parent.parent / ".run"


class AccountError(Exception):
    """No account to work on; the message says how to name one."""


class RunError(Exception):
    """A run did not come to its end; the message says why, or what was pending."""


class Run(NamedTuple):
    """A `firewatch run` that is up: what other commands need of it."""

    pid: int
    storage: str
    hub: str
    hub_name: str
    url: str
    policy: str = ""
    logs: str = ""
    arm: str = ""


def announce(run: Run) -> Path:
    """Leave word of a run; the file is for its owner's eyes, and holds its keys."""
    RUNS.mkdir(mode=0o700, exist_ok=True)
    file = RUNS / f"{run.pid}.json"
    with os.fdopen(
        os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"
    ) as f:
        json.dump(run._asdict(), f)
    return file


def running() -> Run | None:
    """The latest `firewatch run` that is up, or None."""
    alive: list[tuple[float, Run]] = []
    for file in RUNS.glob("*.json"):
        try:
            run = Run(**json.loads(file.read_text()))
            began = file.stat().st_mtime
        except (FileNotFoundError, json.JSONDecodeError):
            # It is being taken away, or written, while we look.
            continue
        if _is_alive(run.pid):
            alive.append((began, run))
        else:
            file.unlink(missing_ok=True)
    return max(alive, key=lambda pair: pair[0])[1] if alive else None


def named(account: str | None) -> str:
    """The account a command was given, else that of the run that is up.

    Raises AccountError when there is neither.
    """
    if account:
        return account
    found = running()
    if found is None:
        raise AccountError(
            "no `firewatch run` is up here: name a storage account with --account"
            " (a connection string, or its URL to sign in with your own identity)"
        )
    return found.storage


async def open_account(account: str) -> Storage:
    """Open a connection string, or ``https://NAME.table.core.windows.net``.

    Any of the account's service URLs will do. Raises StoreUnavailable.
    """
    if account.startswith("https://"):
        host = account.removeprefix("https://").rstrip("/")
        name, _, rest = host.partition(".")
        suffix = rest.partition(".")[2]
        uris = {
            f"AzureWebJobsStorage__{service}ServiceUri": f"https://{name}.{service}.{suffix}"
            for service in ("table", "blob", "queue")
        }
        found = settings.from_environment(uris)
    else:
        found = settings.from_environment({"AzureWebJobsStorage": account})
    return await Storage(found, utc_now).open()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
