"""What mends a finding is what it says, whatever something is called."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from pycep import BicepParser

from shared.model.posture import CheckName
from shared.posture.finding import NO_FIX
from shared.posture.fixes import alerting, defender, logs, machines
from shared.posture.fixes.writing import bicep_text, line
from tests.estates import sub
from tests.faults import FAULTS, Case, audited

NASTY = (
    "it's",
    "a'; az group delete --name x; '",
    "$(touch /tmp/x)",
    "`id`",
    "${resourceGroup().id}",
    "back\\slash'",
    "two\nlines",
    "",
)
_PARSER = BicepParser()
SUB = "/subscriptions/5d6ac3b1-6f0e-4a7f-9f3c-000000000000"


@pytest.mark.parametrize("name", NASTY)
def test_a_shell_gives_a_command_the_words_as_they_are(name: str) -> None:
    """Nothing in a name is run."""
    assert shlex.split(line("az", name, "--x", name)) == ["az", name, "--x", name]


@pytest.mark.parametrize("name", NASTY)
def test_a_text_of_bicep_is_the_text(name: str) -> None:
    """Nothing in it ends it early, and nothing is an expression."""
    assert _read(bicep_text(name)) == name


def _read(literal: str) -> str:
    """The text of a literal, by the rules of Bicep; an expression is a mistake."""
    assert literal[0] == literal[-1] == "'"
    found, rest = "", literal[1:-1]
    while rest:
        if rest[0] == "\\":
            escapes = {"\\": "\\", "'": "'", "n": "\n", "r": "\r", "t": "\t", "$": "$"}
            found, rest = found + escapes[rest[1]], rest[2:]
            continue
        assert rest[0] not in "'\n\r"
        assert not rest.startswith("${")
        found, rest = found + rest[0], rest[1:]
    return found


def parse(bicep: str) -> Any:  # noqa: ANN401  JSON
    """What a parser makes of it; a part stands where it says that it belongs."""
    if bicep.startswith("//"):
        bicep = f"resource x 'a/b@2024-01-01' = {{\n  properties: {{\n{bicep}\n  }}\n}}"
    found: Any = _PARSER.parse(text=f"{bicep}\n")
    return found


@pytest.mark.parametrize("name", FAULTS)
async def test_what_mends_a_fault_is_bicep(name: CheckName) -> None:
    """Resources, and parameters for what nobody can know."""
    case = Case()
    FAULTS[name](case)

    [found] = await audited(case)

    if found.fix != NO_FIX:
        assert parse(found.fix.bicep)["resources"]
        assert shlex.split(found.fix.cli)[0] == "az"
        # An estate that has a workspace, an archive and a group is mended with those.
        assert not {"WORKSPACE-ID", "ACCOUNT-ID", "GROUP-ID"} & {
            *shlex.split(found.fix.cli)
        }


async def test_an_empty_estate_is_mended_with_parameters() -> None:
    """There is nothing yet to send to."""
    case = Case()
    case.estate.documents = {sub(0): {"id": sub(0), "properties": {}}}

    fixes = {each.check: each.fix for each in await audited(case)}

    kept = parse(fixes[CheckName.ACTIVITY_NOT_KEPT].bicep)
    assert {*kept["parameters"]} == {"workspace", "account"}
    assert "WORKSPACE-ID" in fixes[CheckName.ACTIVITY_NOT_KEPT].cli


def test_a_group_that_is_off_is_switched_on_and_no_more() -> None:
    """Whoever is in it stays."""
    fix = alerting.switched_on(f"{SUB}/resourcegroups/x/providers/a/b/ag")

    assert '{"properties":{"enabled":true}}' in shlex.split(fix.cli)
    assert "emailReceivers" not in fix.bicep


def test_a_name_with_a_quote_stays_one_word_in_every_fix() -> None:
    """Ids are canonical, and may still hold what a shell reads."""
    odd = f"{SUB}/resourcegroups/it's/providers/microsoft.keyvault/vaults/$(id)'"
    made = (
        logs.setting(odd, ["AuditEvent"], odd, odd),
        logs.table(odd, "T'", 90, 365),
        logs.lock(odd),
        logs.kept(odd, "c'", 365),
        logs.lifecycle(odd, 365),
        logs.uncapped(odd),
        logs.copied(odd, ["A'"], odd),
        machines.agent(odd, "windows"),
        machines.association(odd, odd),
        machines.events(odd, "linux"),
        alerting.rule(SUB, odd),
        alerting.told(odd, odd),
        alerting.group(odd),
        alerting.switched_on(odd),
        defender.sentinel(odd),
    )
    for fix in made:
        words = shlex.split(fix.cli)
        assert words[0] == "az"
        assert any("$(id)'" in word for word in words), fix.cli
        # Each quote of a name is behind a backslash.
        bare = fix.bicep.replace("\\'", "")
        assert bare.count("'") % 2 == 0, fix.bicep
        assert parse(fix.bicep)["resources"]


def test_bodies_of_requests_are_json() -> None:
    """They are words of a command like others."""
    for fix in (defender.export(SUB, f"{SUB}/x'"), defender.contact(SUB)):
        words = shlex.split(fix.cli)
        body = json.loads(words[words.index("--body") + 1])
        assert body["properties"]["isEnabled"] is True
