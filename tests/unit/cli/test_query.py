from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli import account
from cli.account import AccountError, Run
from cli.main import app
from devhost.outside import Fault, Outside
from devhost.outside.log_analytics import Answers, Column, Odd, Told, Way
from shared.model.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from typer.testing import Result

WORKSPACE = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
VAULT = (
    "TheResource=/subscriptions/9e3f1a60-2c7d-4b58-a1f4-d85e6b2c4403/resourcegroups"
    "/rg-core/providers/microsoft.keyvault/vaults/kv-core"
)
SIGN_INS = ("account-sign-ins", "--param", "TheAccount=m.weber@contoso.com")
TIMES = ("--since", "2026-11-22T12:00:00Z", "--until", "2026-11-23")


def invoked(*arguments: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["query", *map(str, arguments)])


class Asker:
    """The command, and a stand-in that it is pointed at."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.url = f"{outside.url}/log-analytics"

    async def run(self, *arguments: object) -> Result:
        """Run it as in a process of its own: it brings its own loop."""
        where = ("--workspace", WORKSPACE, "--url", self.url)
        return await asyncio.to_thread(invoked, *arguments, *where)


@pytest.fixture
async def asker() -> AsyncIterator[Asker]:
    """A stand-in that is well."""
    async with Outside.start() as outside:
        yield Asker(outside)


async def test_rows_and_their_reading_are_printed(asker: Asker) -> None:
    """A table, what it comes to in a sentence, and the workspace was asked once."""
    done = await asker.run(*SIGN_INS, *TIMES)

    assert done.exit_code == 0, done.output
    assert "account-sign-ins: 2 rows, 2026-11-22 12:00Z to 2026-11-23" in done.stdout
    assert "203.0.113.77" in done.stdout
    assert "Sign-ins from 2 addresses in NL, DE: 5 succeeded, 6 failed" in done.stdout
    [asked] = asker.outside.log_analytics.asked
    assert asked["workspace"] == WORKSPACE
    assert 'let TheAccount = "m.weber@contoso.com";' in asked["kql"]
    assert asked["timespan"] == "2026-11-22T12:00:00.000Z/2026-11-23T00:00:00.000Z"


async def test_nothing_found_is_said_and_no_failure(asker: Asker) -> None:
    """The sentence of the header for no rows."""
    done = await asker.run("account-sign-ins", "--param", "TheAccount=nobody@x.com")

    assert done.exit_code == 0
    assert "0 rows" in done.stdout
    assert "The account did not sign in." in done.stdout


async def test_json_has_every_cell(asker: Asker) -> None:
    """Columns, rows, times and the reading, for programs."""
    done = await asker.run(*SIGN_INS, "--json")

    found: dict[str, Any] = json.loads(done.stdout)
    assert (found["query"], found["workspace"]) == ("account-sign-ins", WORKSPACE)
    assert found["columns"][0] == "Address"
    assert [row[0] for row in found["rows"]] == ["203.0.113.77", "198.51.100.7"]
    assert found["reading"].startswith("Sign-ins from 2 addresses")
    assert not found["is_partial"]


async def test_text_of_attackers_moves_no_terminal(asker: Asker) -> None:
    """Controls and markup in a cell are shown as text, or not at all."""
    columns = tuple(
        Column(name, "string") for name in ("Address", "Country", "Way", "Risk")
    )
    row = ("\x1b[31mred\x07", "[bold]NL[/bold]", "a\rb", "\u202eevil")
    asker.outside.log_analytics.put(
        "account-sign-ins", Answers(columns=columns, told=(Told(rows=(row,)),))
    )

    done = await asker.run(*SIGN_INS)

    assert "[bold]NL[/bold]" in done.stdout
    assert not {"\x1b", "\x07", "\r", "\u202e"} & {*done.stdout}


async def test_a_list_is_given_between_commas(asker: Asker) -> None:
    """Each item a text of its own."""
    given = "TheNames=a, b,,c"
    await asker.run("other-alerts", "--param", given)

    [asked] = asker.outside.log_analytics.asked
    assert 'let TheNames = dynamic(["a", "b", "c"]);' in asked["kql"]


async def test_a_partial_answer_says_so(asker: Asker) -> None:
    """What came is shown."""
    asker.outside.log_analytics.odd.append(Odd(way=Way.PARTIAL))

    done = await asker.run("vault-operations", "--param", VAULT, *_first())

    assert done.exit_code == 0, done.output
    assert "could not give all there is" in done.stdout


async def test_as_many_rows_as_were_asked_for_may_not_be_all(asker: Asker) -> None:
    """The number is in the query, and in what is said of it."""
    done = await asker.run(*SIGN_INS, "--most", 2)

    assert "There may be more than the 2 that were asked for" in done.stdout
    assert "let MostRows = long(2);" in asker.outside.log_analytics.asked[0]["kql"]


def _first() -> tuple[str, str]:
    return ("--param", "TheFirstAlert=2026-11-23T11:00:00Z")


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (Odd(missing=("SigninLogs",)), "missing table: answered 400"),
        (Odd(way=Way.BAD_QUERY), "bad query: answered 400"),
        (Odd(way=Way.GARBLED), "unreachable: answered 200"),
    ],
)
async def test_no_answer_is_a_reason_and_1(asker: Asker, odd: Odd, said: str) -> None:
    """With what the workspace says of the query, on stderr."""
    asker.outside.log_analytics.odd.append(odd)

    done = await asker.run(*SIGN_INS)

    assert done.exit_code == 1
    assert done.stdout == ""
    assert said in done.stderr


async def test_nobody_waits_longer_than_was_said(asker: Asker) -> None:
    """A workspace that hangs is a timeout."""
    asker.outside.faults.add(Fault(side="log-analytics", delay_s=30))

    done = await asker.run(*SIGN_INS, "--within", 1)

    assert done.exit_code == 1
    assert "timeout" in done.stderr


def test_what_would_be_sent_can_be_seen_first() -> None:
    """With no workspace at all, and nothing sent."""
    done = invoked(*SIGN_INS, *TIMES, "--kql")

    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].lower() == "// firewatch: account-sign-ins"
    assert "let Since = datetime(2026-11-22T12:00:00Z);" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("acount-sign-ins",), "did you mean account-sign-ins?"),
        (("xyz",), "there are account-changes, account-facts"),
        (("account-sign-ins", "--param", "TheAccount"), "takes TheAccount=<string>"),
        (("account-sign-ins", "--param", "x=1"), "takes TheAccount=<string>"),
        (("vault-operations",), "needs TheResource"),
        (
            ("vault-operations", "--param", "TheFirstAlert=noon"),
            "TheFirstAlert: expected a time",
        ),
        (("account-sign-ins", "--since", "yesterday"), "--since"),
        (
            ("account-sign-ins", "--since", "2026-11-24", "--until", "2026-11-23"),
            "ends before it begins",
        ),
        (("account-sign-ins", "--within", "0"), "--within"),
        ((), "Missing argument"),
    ],
)
def test_a_mistake_in_the_command_is_2(arguments: tuple[str, ...], said: str) -> None:
    """And names what was expected."""
    done = invoked(*arguments)

    assert done.exit_code == 2
    # The box around it wraps lines.
    shown = " ".join(done.stderr.replace("│", " ").split())
    assert said in shown


@pytest.mark.parametrize("url", ["http://logs.example", "ftp://x", "https://a@b"])
def test_no_token_goes_over_plain_http(url: str) -> None:
    """An address is what it may be for the app too."""
    done = invoked(*SIGN_INS, "--workspace", WORKSPACE, "--url", url)

    assert isinstance(done.exception, SettingsError)


async def test_without_a_workspace_the_run_that_is_up_is_asked(
    asker: Asker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stand-in; and where none is up, it is said how to name one."""
    monkeypatch.setattr(account, "RUNS", tmp_path)
    with pytest.raises(AccountError, match="--workspace"):
        raise (invoked(*SIGN_INS).exception or SystemExit)
    monkeypatch.setattr(
        account, "running", lambda: Run(1, "", "", "", "", logs=asker.url)
    )

    done = await asyncio.to_thread(invoked, *SIGN_INS)

    assert done.exit_code == 0, done.output
    assert len(asker.outside.log_analytics.asked) == 1
