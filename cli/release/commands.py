"""`firewatch release`: build the package, put it into an app, and try the app."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import httpx
import typer

from cli import tables
from cli.release.arm import Arm, cli_token
from cli.release.waiting import Waiting
from shared.model.text import one_line
from shared.settings import DEFAULT_ARM_URL

ROOT = Path(__file__).parents[2]

# A package of twenty megabytes, over a thin line.
_HTTP = httpx.Timeout(30, write=600, read=300)

app = typer.Typer(
    help="Build the deployment package, put it into an app, and try the app.",
    no_args_is_help=True,
)
console = tables.console()

_ID = "resource id (/subscriptions/.../sites/NAME)"
ArmUrl = Annotated[
    str,
    typer.Option(
        envvar="FIREWATCH_ARM_URL", help="Azure Resource Manager, in other clouds."
    ),
]


@app.command()
def package(
    out: Annotated[Path, typer.Argument(help="Where to write the zip.")],
    python: Annotated[
        Path,
        typer.Option(help="A Python 3.13, which Azure runs: it makes the bytecode."),
    ],
    policy: Annotated[
        Path | None,
        typer.Option(help="Pack this policy in place of the tree's policy.yaml."),
    ] = None,
) -> None:
    """Build the zip that is deployed, and check it: what is in, its size, its import."""
    from cli.release.building import build  # noqa: PLC0415  the other verbs do without
    from shared.triage import policy as policies  # noqa: PLC0415

    policies.load((policy or ROOT / "policy.yaml").read_bytes())
    made = build(ROOT, python, out, policy)
    tried = (
        f"{made.functions} functions, imported in {made.import_s} s"
        if made.functions
        else "not imported: this machine is not Linux on x86-64"
    )
    _say(f"{made.path}: {made.size / 1e6:.1f} MB, {tried}")
    _say(f"sha256 {made.sha256}")


@app.command()
def roles() -> None:
    """What each responder needs of Azure, as infra/responders.json has it."""
    from cli.release.roles import needs  # noqa: PLC0415  the other verbs do without

    typer.echo(json.dumps(needs(), indent=2))


@app.command()
def publish(
    path: Annotated[Path, typer.Argument(metavar="PACKAGE", help="The zip.")],
    apps: Annotated[
        list[str],
        typer.Option(
            "--app",
            help=f"The function app's {_ID}. Repeat for one that is split in two.",
            show_default=False,
        ),
    ],
    arm_url: ArmUrl = DEFAULT_ARM_URL,
) -> None:
    """Put a package into function apps on Flex Consumption; also an earlier one, to roll back.

    Signs in as the Azure CLI or azd is signed in.
    """
    from cli.release.publishing import Publisher  # noqa: PLC0415

    with httpx.Client(timeout=_HTTP) as http:
        publisher = Publisher(Arm(http, cli_token, arm_url), http, Waiting())
        for each in apps:
            count = publisher(path, each)
            _say(f"{each.rpartition('/')[2]}: {count} functions")


@app.command()
def smoke(
    site: Annotated[
        str,
        typer.Option(
            "--app",
            help=f"The {_ID} of the function app that answers HTTP.",
            show_default=False,
        ),
    ],
    bundle: Annotated[
        str,
        typer.Option(help="Whose sample alerts, such as KeyVaults or VirtualMachines."),
    ] = "KeyVaults",
    minutes: Annotated[int, typer.Option(min=1, help="How long to wait.")] = 30,
    audience: Annotated[
        str | None,
        typer.Option(
            help="The application id URI to sign in for, where App Service"
            " Authentication is in front of the app.",
            show_default=False,
        ),
    ] = None,
    arm_url: ArmUrl = DEFAULT_ARM_URL,
) -> None:
    """Have Defender make sample alerts, and wait until the app has told somebody.

    It tells whom the policy tells of samples. Signs in as the Azure CLI or azd is signed in.
    """
    from cli.release.smoke import Smoke  # noqa: PLC0415

    def user() -> str:
        return f"Bearer {cli_token(f'{audience}/.default')}"

    with httpx.Client(timeout=_HTTP) as http:
        trial = Smoke(
            Arm(http, cli_token, arm_url), http, Waiting(), user if audience else None
        )
        told = trial(site, bundle, minutes * 60)
    title = one_line(told.title)
    _say(f"incident {told.incident} was told by route {told.route}: {title}")


def _say(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
