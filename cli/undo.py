"""`firewatch undo`: takes back what was done, by the tables alone, whatever runs."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from cli import tables
from cli.account import running
from cli.deeds import How, commands, table
from cli.incidents import Account, By, Note, ask, person
from responders import DOERS
from responders.base import Ports
from shared import settings
from shared.actions import deed_words, deeds
from shared.actions.deeds import Step
from shared.clouds.credentials import Credentials
from shared.clouds.http import HttpClient
from shared.clouds.outlets import Opened
from shared.clouds.remotes import remotes
from shared.containment.containing import with_rows
from shared.containment.doing import Doing, Job
from shared.containment.stopping import Stopping
from shared.containment.tagging import Tagging
from shared.containment.targets import Targets
from shared.model.deed import DeedRow, Undo
from shared.model.deed_status import DeedStatus
from shared.model.errors import ResponderError, SettingsError
from shared.model.incident import Mark
from shared.settings import DEFAULT_LEASE
from shared.store import reading, rows
from shared.store.kept import Keeper
from shared.wiring.parts import utc_now

if TYPE_CHECKING:
    from responders.base import Doer
    from shared.clouds.storage import Storage
    from shared.model.alert import Alert
    from shared.model.deed import Deed
    from shared.model.secret import Secret, SecretRef
    from shared.store.draft import Draft
    from shared.store.ports import Blobs

console = tables.console()

# The other side takes its time; a person waits no longer than this.
MOST_LOOKS = 40
PAUSE_S = 3.0

# Where the APIs are, in clouds other than the public one.
ADDRESSES = (
    "FIREWATCH_ARM_URL",
    "FIREWATCH_GRAPH_URL",
    "FIREWATCH_ENDPOINT_URL",
    "FIREWATCH_ENDPOINT_AUDIENCE",
    "FIREWATCH_VAULT_URL",
)


def undo(
    account: Account = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Whatever is in force or stranded.")
    ] = False,
    incident: Annotated[
        str, typer.Option(help="What was done about this incident.", show_default=False)
    ] = "",
    how: How = Undo.CAREFUL,
    show: Annotated[
        bool, typer.Option("--show", help="Print the commands, and change nothing.")
    ] = False,
    note: Note = "",
    by: By = "",
) -> None:
    """Take back what was done, with your own rights and without the app.

    You sign in as yourself, by `az login` or what your environment says; where the APIs
    of another cloud are, FIREWATCH_ARM_URL and its like say. 1 where something could not
    be taken back.
    """
    if not everything and not incident and not show:
        raise typer.BadParameter("name an incident, or say --all", param_hint="--all")
    mark = Mark(by=person(by), at=utc_now(), note=note)

    async def question(storage: Storage) -> list[DeedRow]:
        found = await _held(storage, incident)
        if show:
            return found
        hand = _Hand(storage)
        try:
            return [await hand.take_back(row, mark, how) for row in found]
        finally:
            await hand.close()

    found = ask(account, question)
    console.print(table(found))
    if show or any(row.status.may_hold for row in found):
        console.print(commands(found))
    if not show and any(row.status.may_hold for row in found):
        raise typer.Exit(1)


async def pause() -> None:
    """Give the other side some time."""
    await asyncio.sleep(PAUSE_S)


async def _held(storage: Storage, incident: str) -> list[DeedRow]:
    """What may hold a target, of one incident or of all."""
    found = await reading.deeds(storage.ledger)
    if incident:
        lineage = await reading.lineage(storage.ledger, incident)
        keys = lineage[-1].deeds.keys() if lineage else set()
        found = [row for row in found if row.key in keys]
    return [row for row in found if row.status.may_hold and row.deed.reversible]


class _Hand:
    """Undoes as the app would, and writes it down as the app does."""

    def __init__(self, storage: Storage) -> None:
        ledger = storage.ledger
        self._ledger = ledger
        self._http = HttpClient()
        self._credentials = Credentials("")
        self._kept = Keeper(lambda: _opened(storage))
        found = running()
        # Only addresses are read of this; storage is open.
        env = {"AzureWebJobsStorage": "none"}
        if found is not None and found.arm:
            env["FIREWATCH_ARM_URL"] = found.arm
        given = {name: os.environ[name] for name in ADDRESSES if name in os.environ}
        self._azure = remotes(
            settings.from_environment(env | given),
            http=self._http,
            token=self._credentials.token,
        )
        self._doing = Doing(
            ledger,
            Targets(ledger, lease=DEFAULT_LEASE),
            Stopping(ledger),
            self._doer,
            say=_say,
            tagging=Tagging(self._azure.arm),
        )

    async def close(self) -> None:
        """Close what was opened."""
        await self._http.close()
        await self._credentials.close()

    async def take_back(self, row: DeedRow, mark: Mark, how: Undo) -> DeedRow:
        """The deed after as many looks as it takes, as it is written down."""
        row = replace(row, ending=mark, how=how)
        for turn in range(MOST_LOOKS):
            now = self._ledger.now()
            claimed = deeds.claimed(row, Step.UNDO, now, now + DEFAULT_LEASE)
            try:
                came = await self._doing(Job(Step.UNDO, claimed))
            except ResponderError as error:
                came = deeds.broken(claimed, Step.UNDO, error, now)
            row = deeds.concluded(claimed, came, self._ledger.now())
            if row.status is not DeedStatus.RELEASING:
                break
            if turn + 1 < MOST_LOOKS:
                await pause()
        return await self._written(row, mark)

    async def _written(self, row: DeedRow, mark: Mark) -> DeedRow:
        place = rows.deed(row.incident, row.key)
        partition = rows.partition_of_incident(row.incident)

        def decide(draft: Draft) -> DeedRow:
            head, there = draft.incident(row.incident), draft.read(place, DeedRow)
            if head is None or there is None or not there.status.may_hold:
                return there or row
            draft.put(place, row)
            draft.change(with_rows(head, [row]), deed_words.fact(row))
            return row

        await self._ledger.refresh(partition, [place, rows.incident(row.incident)])
        done, _ = await self._ledger.transact(partition, decide, by=mark.by)
        return done

    def _doer(self, deed: Deed) -> Doer | None:
        kind = DOERS.get(deed.use)
        if kind is None:
            return None
        ports = Ports(
            _no_secret,
            self._http,
            utc_now,
            self._credentials.token,
            self._azure,
            Opened(self._credentials.of_sdk).outlets,
            self._kept,
        )
        return kind(deed.responder, None, ports)


async def _opened(storage: Storage) -> Blobs:
    return storage.blobs


def _no_secret(ref: SecretRef) -> Secret:
    raise SettingsError([f"{ref.setting} is not known here"])


async def _say(_: Alert) -> None:
    """Whoever runs the command reads what it prints."""
