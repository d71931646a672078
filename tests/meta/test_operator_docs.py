"""What the documents for operators say is there: code, tests, commands, keys, resources."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import pytest
import typer.main

from cli.main import app
from responders import RESPONDERS
from shared.model.heartbeat import Heartbeat
from shared.model.secret import SecretRef
from shared.oncall.policy import Schedule
from shared.senders import HmacSender, KeySender
from tests.meta.source_tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DOCUMENTS = ("deploy.md", "operate.md", "security.md")
LAST_INLINE_CODE = re.compile(r"`([^`\n]+)`")
_BLOCK = re.compile(r"^ {4}(.+)$|^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(
    r"(?:shared|responders|tests|cli|infra|docs|\.ci|\.github)/[\w/.-]*[\w/]"
)


def read(name: str) -> str:
    """A document of operators; what is not written yet is empty."""
    return (ROOT / "docs" / name).read_text("utf-8")


def code(text: str) -> list[str]:
    """What stands in code, within lines and in blocks, a line each."""
    blocks = [one or other for one, other in _BLOCK.findall(text)]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [*LAST_INLINE_CODE.findall(text), *(line.strip() for line in lines)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_are_named_are_there(name: str) -> None:
    """Whoever follows a path finds something."""
    named = {
        found
        for text in code(read(name))
        for found in _FILE.findall(text)
        if (ROOT / found.partition("/")[0]).exists()
    }

    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_each_answer_to_a_threat_names_code_and_a_test() -> None:
    """A promise that nothing holds is none."""
    tried = read("security.md").partition("## What they could try")[2]
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in tried.partition("\n## ")[0].splitlines()
        if line.startswith("| ") and not line.startswith("| attempt")
    ]

    assert len(lines) > 25
    for _, _, held, tested in lines:
        assert LAST_INLINE_CODE.findall(held)
        assert all(
            path.startswith("tests/") for path in LAST_INLINE_CODE.findall(tested)
        )
        assert LAST_INLINE_CODE.findall(tested)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_of_ours_can_be_typed(name: str) -> None:
    """Each `firewatch ...` names a command that there is, with options that it has."""
    wrong = [
        f"{line}: {problem}"
        for text in code(read(name))
        for line in [text.partition(" #")[0]]
        for words in [_firewatch(line)]
        if words
        for problem in _problems(words)
    ]

    assert wrong == []


def _firewatch(line: str) -> list[str]:
    """The words after `firewatch` of a command line; none where it is no such line."""
    found = re.search(r"(?:^|[ /])firewatch ([a-z].*)$", line)
    return shlex.split(found[1]) if found else []


def _problems(words: list[str]) -> Iterator[str]:
    # A group has commands, which have options.
    command: Any = typer.main.get_command(app)
    rest = iter(words)
    for word in rest:
        commands = getattr(command, "commands", None)
        if commands and not word.startswith("-"):
            if word not in commands:
                yield f"no command {word}"
                return
            command = commands[word]
        elif word.startswith("--"):
            known = {name for each in command.params for name in each.opts}
            if word.partition("=")[0] not in known:
                yield f"no option {word}"


def secrets(kind: Any) -> Iterator[str]:  # noqa: ANN401  a struct of any kind
    """The fields of a struct that name a secret."""
    for name, hint in get_type_hints(kind).items():
        if SecretRef in {hint, *get_args(hint)}:
            yield name


def rows_of_keys() -> Mapping[str, set[str]]:
    """The table of keys: each name in the first column, and whom the second names."""
    text = read("operate.md").partition("## Changing keys")[2].partition("\n## ")[0]
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            first, second, *_ = line.strip("|").split("|")
            for name in LAST_INLINE_CODE.findall(first):
                found.setdefault(name, set()).update(
                    re.findall(r"[a-z]+(?:-[a-z]+)*", second)
                )
    return found


@pytest.mark.parametrize("name", RESPONDERS)
def test_each_key_of_a_responder_can_be_changed(name: str) -> None:
    """The table says how, for every secret that any responder takes."""
    table = rows_of_keys()

    for field in secrets(RESPONDERS[name].Config):
        assert name in table.get(field, set()), field


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (KeySender, "senders"),
        (HmacSender, "senders"),
        (Schedule, "calendars"),
        (Heartbeat, "heartbeat"),
    ],
)
def test_each_other_key_can_be_changed(kind: type, word: str) -> None:
    """Those of senders, calendars and the heartbeat as well."""
    table = rows_of_keys()
    found = [*secrets(kind)]

    assert found
    assert [name for name in found if word not in table.get(name, set())] == []


def test_keys_of_links_can_be_changed() -> None:
    """The two that are settings and not the policy's."""
    assert {"FIREWATCH_LINK_KEY", "FIREWATCH_LINK_KEY_PREVIOUS"} <= {*rows_of_keys()}


def test_each_alert_rule_has_a_runbook() -> None:
    """Whoever is woken by a rule finds what to do under its name; no rule is made up."""
    part = read("operate.md").partition("## When an alert rule fires")[2]
    told = re.findall(r"^### (.+)$", part.partition("\n## ")[0], re.MULTILINE)

    assert len(told) > 10
    rules = ROOT / "infra/watch/rules.json"
    if rules.exists():
        assert {*told} == {each["name"] for each in json.loads(rules.read_text())}


def test_the_picture_shows_what_there_is() -> None:
    """Each resource in the picture of deploy.md is in a template."""
    picture = re.search(r"```mermaid\n(.*?)```", read("deploy.md"), re.DOTALL)
    assert picture
    shown = set(re.findall(r"Microsoft\.\w+(?:/\w+)+", picture[1]))

    assert len(shown) > 5
    if (ROOT / "infra").exists():
        templates = "\n".join(
            path.read_text("utf-8") for path in (ROOT / "infra").rglob("*.bicep")
        )
        made = set(re.findall(r"'(Microsoft\.\w+(?:/\w+)+)@", templates))
        assert shown - made == set()
