"""Who may import whom, and who may reach outside: imports.toml holds the rules."""

from __future__ import annotations

import re
import sys
import tomllib
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.meta.imports import reaches, strangers, table, wrong_libraries
from tests.meta.source_tree import DEPLOYED, OURS, ROOT, is_below, modules, parsed

if TYPE_CHECKING:
    from tests.meta.source_tree import Module


@cache
def tree() -> dict[str, Module]:
    """Every module by its name; nothing is parsed while tests are collected."""
    return {module.name: module for module in modules(*DEPLOYED, "cli", "devhost")}


def test_rooms_import_only_what_they_may() -> None:
    """Every import of ours, function-local ones too, is one that the table allows."""
    assert len(tree()) > 300
    assert [each for module in tree().values() for each in strangers(module)] == []


def test_libraries_stay_in_their_place() -> None:
    """Each library is imported where the table says: an SDK is an adapter's matter."""
    assert [each for m in tree().values() for each in wrong_libraries(m)] == []


def test_nobody_reaches_for_the_world() -> None:
    """Time, environment, chance and network are given, save where the table says."""
    assert [each for module in tree().values() for each in reaches(module)] == []


def test_every_group_is_named() -> None:
    """A group that no room names any more is taken out."""
    named = {name for rooms in table().rooms.values() for name in rooms}

    assert {f"@{group}" for group in table().groups} == {
        name for name in named if name.startswith("@")
    }


def test_every_line_of_the_tables_is_of_use() -> None:
    """A line that speaks for no module any more is taken out."""
    names = {*tree(), *OURS}

    assert [
        line
        for line in sorted(table().lines())
        if not any(is_below(n, line) for n in names)
    ] == []


@pytest.mark.parametrize("room", table().pure)
def test_decisions_are_pure(room: str) -> None:
    """The rooms that decide import no adapter, cloud, setting or library."""
    found = {
        each.module
        for module in tree().values()
        if is_below(module.name, room)
        for each in module.imports()
        if not each.is_typing
    }
    outside = {"shared.store.tables", "shared.store.blobs", "shared.store.queues"}
    outside |= {"shared.clouds", "shared.settings", "shared.telemetry", "asyncio"}
    outside |= {"azure", "httpx", "jwt"}

    assert [m for m in sorted(found) if any(is_below(m, out) for out in outside)] == []


def test_modules_import_each_other_in_one_direction() -> None:
    """No two modules of the deployed code import each other, by whatever detour."""
    edges = {
        module.name: {
            each.module
            for each in module.imports()
            if not each.is_typing
            and each.module in tree()
            and each.module != module.name
        }
        for module in tree().values()
        if module.name.partition(".")[0] in DEPLOYED
    }
    path: list[str] = []
    done: set[str] = set()

    def visit(name: str) -> None:
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name in done:
            return
        path.append(name)
        for other in sorted(edges.get(name, ())):
            visit(other)
        done.add(path.pop())

    for name in edges:
        visit(name)


def test_deployed_code_imports_only_what_is_deployed_with_it() -> None:
    """Every library of the deployed code is a dependency of the project, not of `dev`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {
        re.split(r"[^A-Za-z0-9.-]", line)[0].lower() for line in project["dependencies"]
    }
    # What a distribution is called, and what it is imported as.
    imports = {
        "pyjwt": "jwt",
        "google-re2": "re2",
        "pyyaml": "yaml",
        "recurring-ical-events": "recurring_ical_events",
    }
    named |= {imports[name] for name in named & imports.keys()}
    imported = {
        each.module
        for module in tree().values()
        if module.name.partition(".")[0] in DEPLOYED
        for each in module.imports()
        if each.module.partition(".")[0] not in {*sys.stdlib_module_names, *OURS}
    }

    # azure.core comes with each of the SDKs.
    missing = [
        module
        for module in sorted(imported)
        if not is_below(module, "azure.core")
        and not any(is_below(module, name.replace("-", ".")) for name in named)
    ]
    assert missing == []


def test_names_of_rooms_are_nobody_elses() -> None:
    """No package of ours hides a module of the standard library."""
    assert [name for name in OURS if name in sys.stdlib_module_names] == []


class TestTheRulesThemselves:
    """What the tables forbid is seen, however it is spelt."""

    @pytest.mark.parametrize(
        ("module", "source"),
        [
            ("shared.model.alert", "from shared import settings"),
            ("shared.model.alert", "import shared.store.rows"),
            ("shared.sources.defender", "def f():\n  from shared.triage import policy"),
            ("shared.triage.incidents", "from shared.store.tables import AzureTable"),
            ("responders.pagerduty", "from responders.webhook import sign"),
            ("responders.pagerduty", "from responders import webhook"),
            ("responders.pagerduty", "import shared.settings"),
            ("shared.respond", "from cli import tables"),
            ("function_app", "import devhost"),
            ("shared.bootstrap", "import tests"),
            ("shared.newcomer", ""),
        ],
    )
    def test_a_strange_import_is_seen(self, module: str, source: str) -> None:
        """An import across the rooms is found at any depth."""
        assert strangers(parsed(module, source)) != []

    @pytest.mark.parametrize(
        ("module", "source"),
        [
            ("shared.store.rows", "from azure.data.tables import TableClient"),
            ("shared.tick", "def f():\n  import azure.core"),
            ("shared.triggers.hub", "import azure.functions as func"),
            ("shared.senders.entra", "import jwt"),
            ("responders.webhook", "import httpx"),
            ("shared.clouds.http", "import requests"),
            ("shared.ingest", "import aiohttp"),
        ],
    )
    def test_a_misplaced_library_is_seen(self, module: str, source: str) -> None:
        """A library outside its place is found, and so is one that nobody named."""
        assert wrong_libraries(parsed(module, source)) != []

    def test_an_import_for_types_alone_is_told_apart(self) -> None:
        """Under TYPE_CHECKING a trigger may name the host's types."""
        source = "if TYPE_CHECKING:\n  import azure.functions as func"

        assert wrong_libraries(parsed("shared.triggers.hub", source)) == []

    @pytest.mark.parametrize(
        "source",
        [
            "import os\nx = os.environ['A']",
            "from os import environ\nx = environ.get('A')",
            "import os as system\nx = system.getenv('A')",
            "from datetime import datetime\nx = datetime.now()",
            "import datetime as dt\nx = dt.datetime.now(dt.UTC)",
            "import time\nx = time.time()",
            "from time import monotonic\nx = monotonic()",
            "import random\nx = random.random()",
            "import asyncio\nasync def f():\n  await asyncio.sleep(1)",
            "import logging\nlogging.info('x')",
        ],
    )
    def test_a_reach_for_the_world_is_seen(self, source: str) -> None:
        """However it is imported and named."""
        assert reaches(parsed("shared.triage.incidents", source)) != []

    def test_what_only_looks_like_it_is_left_alone(self) -> None:
        """Other attributes of the same modules are nobody's concern."""
        source = "import os, datetime, asyncio\nx = os.path, datetime.UTC, asyncio.Lock"

        assert reaches(parsed("shared.triage.incidents", source)) == []
