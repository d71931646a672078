"""`firewatch deliveries`: notices that did not arrive, and sending them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import tables
from cli.incidents import Account, By, Json, Note, ask, known, person, print_json
from shared.commands import Order
from shared.deliveries import Deliveries
from shared.model.action import ActionStatus

if TYPE_CHECKING:
    from shared.clouds.storage import Storage
    from shared.model.action import ActionRow

app = typer.Typer(
    help="List notices that did not arrive, and send them again.", no_args_is_help=True
)
console = tables.console()


@app.command("list")
def list_(account: Account = None, as_json: Json = False) -> None:
    """List what was given up or is still being tried, and why; 1 if any was given up."""

    async def question(storage: Storage) -> list[ActionRow]:
        return await _of(storage).undelivered()

    found = ask(account, question)
    if as_json:
        print_json(found)
    else:
        console.print(
            tables.table(
                tables.counted(len(found), "notice") + " did not arrive",
                (
                    "incident",
                    "responder",
                    "to",
                    "why told",
                    "status",
                    "since",
                    "reason",
                ),
                (
                    (
                        row.incident,
                        row.responder,
                        row.target,
                        row.occasion.value,
                        "given up" if row.status is ActionStatus.FAILED else "retrying",
                        f"{row.planned_at:%Y-%m-%d %H:%M}",
                        row.detail or row.reason,
                    )
                    for row in found
                ),
            )
        )
    if any(row.status is ActionStatus.FAILED for row in found):
        raise typer.Exit(1)


@app.command()
def resend(
    incidents: Annotated[
        list[str] | None, typer.Argument(help="Incidents as listed; or --all.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every incident of which one was given up.")
    ] = False,
    account: Account = None,
    note: Note = "",
    by: By = "",
) -> None:
    """Try again what was given up, under the keys it has; what is over is dropped.

    Mend what refused it first: the responder's settings, or the other side.
    """
    for incident in incidents or []:
        known(incident)
    order = Order(person(by), note)

    async def question(storage: Storage) -> int:
        deliveries = _of(storage)
        names = list(incidents or [])
        if everything:
            found = await deliveries.undelivered()
            failed = (r.incident for r in found if r.status is ActionStatus.FAILED)
            names = list(dict.fromkeys(failed))
        sent = 0
        for name in names:
            count = await deliveries.resend(name, order)
            if count is None:
                raise typer.BadParameter(f"no incident {name}", param_hint="INCIDENTS")
            console.print(f"{name}  {count} tried again", markup=False)
            sent += count
        return sent

    if not incidents and not everything:
        console.print("Nothing to send: name incidents, or --all.")
        raise typer.Exit(2)
    total = ask(account, question)
    console.print(f"{tables.counted(total, 'notice')} on the way.", markup=False)


def _of(storage: Storage) -> Deliveries:
    return Deliveries(storage.ledger, storage.queue)
