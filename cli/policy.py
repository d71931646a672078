"""`firewatch policy`: whether a policy is one, and what it does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from cli import tables
from cli.coverage import SHIPPED
from responders import DOERS, RESPONDERS
from shared.model.action import Change
from shared.model.errors import SettingsError
from shared.model.guards import Mode as GuardMode
from shared.model.guards import strictest
from shared.model.silence import Mode
from shared.model.text import one_line
from shared.senders.policy import find_problems
from shared.triage import policy as policies
from shared.triage.policy import Policy, between, document, reading
from shared.triage.policy.document import Problem, step
from shared.triage.policy.leaves import written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.table import Table

    from shared.actions.routing import Route
    from shared.model.silence import Silence

app = typer.Typer(help="Check a policy, and help to write one.", no_args_is_help=True)

console = tables.console()


@app.command()
def check(
    file: Annotated[
        Path,
        typer.Argument(
            help="Your policy.yaml; the shipped one if left out.",
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
        ),
    ] = SHIPPED,
    over: Annotated[
        Path | None,
        typer.Option(
            help="The deployed policy, where the file is the blob that reloads over it:"
            " what that may not change is named as a warning.",
            exists=True,
            dir_okay=False,
            readable=True,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Name every mistake of a policy, or say what it does; exit 1 if there are any.

    Nothing is called, and no secret is looked for.
    """
    policy, mistakes = examined((over or file).read_bytes())
    if policy is None or mistakes:
        refuse([f"{(over or file).name}: {mistake}" for mistake in mistakes])
    if over is not None:
        policy = _reloaded(policy, file)
    now = datetime.now(UTC)
    _print(policy, now)
    for warning in policies.warnings(policy, now):
        _say(f"warning: {warning}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of policies, for editors: policy.schema.json."""
    from cli.schema import text  # noqa: PLC0415  the other command does without

    typer.echo(text(), nl=False)


def _reloaded(deployed: Policy, file: Path) -> Policy:
    """The deployed policy with what a blob of this file would change."""
    try:
        found = policies.reload(file.read_bytes(), deployed, name=file.name)
    except SettingsError as error:
        refuse(error.problems)
    for path in found.ignored:
        _say(f"warning: {path}: is not what is deployed, and is ignored")
    return found.policy


def refuse(mistakes: Sequence[str]) -> NoReturn:
    """Say each mistake on a line, and end with 1."""
    for mistake in mistakes:
        _say(mistake)
    raise typer.Exit(1)


def examined(text: bytes) -> tuple[Policy | None, list[str]]:
    """The policy of a text and every mistake in it.

    Those of responders and senders too that would keep no more than these from working.
    """
    try:
        found = document.read(text)
    except ValueError as error:
        return None, [str(error)]
    raw = found.value
    policy, problems = reading.convert(raw, Policy, each=between.references(raw))
    sections = raw if isinstance(raw, dict) else {}
    problems += _of_responders(sections.get("responders"))
    problems += _of_senders(sections.get("senders"))
    return policy, document.mistakes(found, problems)


def _of_responders(raw: object) -> Iterator[Problem]:
    for number, (name, given) in enumerate(
        raw.items() if isinstance(raw, dict) else ()
    ):
        path = step("$.responders", name, number)
        if not isinstance(given, dict):
            continue
        config = {key: value for key, value in given.items() if key != "use"}
        use = str(given.get("use"))
        kind: Any = RESPONDERS.get(use) or DOERS.get(use)
        if kind is None:
            expected = f"expected one of {', '.join((*RESPONDERS, *DOERS))}"
            yield Problem(f"{path}.use", expected)
        else:
            yield from reading.convert(config, kind.Config, path)[1]


def _of_senders(raw: object) -> Iterator[Problem]:
    """What is wrong within senders whose fields are all of their types."""
    alone: Any = {"responders": {}, "routes": [{"to": []}], "senders": raw}
    policy, _ = reading.convert(alone, Policy)
    for problem in find_problems(policy.senders if policy else {}):
        path, _, said = problem.partition(": ")
        yield Problem(f"$.{path}", said)


def _print(policy: Policy, now: datetime) -> None:
    uses = {name: given["use"] for name, given in policy.responders.items()}
    console.print(
        tables.table(
            "Routes",
            (">route", "name", "to", "continue", "again", "match"),
            (
                (
                    place,
                    route.name or "-",
                    ", ".join(_told(route, uses)) or "nobody",
                    "yes" if route.goes_on else "no",
                    _again(route.again, route.every),
                    ", ".join(route.match) or "everything",
                )
                for place, route in enumerate(policy.routes)
            ),
        )
    )
    if policy.contain:
        console.print(_contain(policy))
    if policy.suppress:
        console.print(
            tables.table(
                "Silences",
                ("silence", "now", "until", "owner", "match", "unless"),
                (_silence(each, now) for each in policy.suppress),
            )
        )


def _contain(policy: Policy) -> Table:
    """What would be done, and how far the policy lets each rule go."""
    guards = policy.guards
    return tables.table(
        f"Containment, in mode {guards.mode} at most",
        (">rule", "name", "do", "mode", "for", "match"),
        (
            (
                place,
                rule.name or "-",
                ", ".join(rule.do),
                ", ".join(
                    strictest(
                        guards.mode,
                        rule.mode,
                        guards.responders.get(name, GuardMode.ACT),
                    )
                    for name in rule.do
                ),
                written(rule.lasts) if rule.lasts else "until taken back",
                ", ".join(rule.match),
            )
            for place, rule in enumerate(policy.contain)
        ),
    )


def _told(route: Route, uses: Mapping[str, str]) -> list[str]:
    """Whom a route tells, and whom it has called."""
    called = [f"{route.escalate} (escalation)"] if route.escalate else []
    return [*(f"{name} ({uses[name]})" for name in route.to), *called]


def _again(again: Sequence[str], every: timedelta) -> str:
    """What is told again, and how often at most."""
    what = "everything new" if set(again) == set(Change) else ", ".join(again)
    return f"{what}, every {written(every)}" if again else "nothing"


def _silence(silence: Silence, now: datetime) -> Sequence[object]:
    if silence.is_over(now):
        state = "over"
    elif not silence.has_begun(now):
        state = "to come"
    else:
        state = "counts only" if silence.mode is Mode.MONITOR else "holds"
    return (
        silence.name,
        state,
        f"{silence.until:%Y-%m-%d %H:%M}Z",
        silence.owner,
        ", ".join(silence.match),
        ", ".join(silence.break_through) or "-",
    )


def _say(line: str) -> None:
    # Not wrapped: editors and scripts read a mistake from its line.
    console.print(one_line(line), markup=False, highlight=False, soft_wrap=True)
