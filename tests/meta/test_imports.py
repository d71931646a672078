"""Who may import whom, and who may reach outside: the tables below are the rules.

docs/architecture.md says why. A module that no line names may import nothing, so a new
room needs a line before its first file.
"""

from __future__ import annotations

import re
import sys
import tomllib
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.meta.source_tree import DEPLOYED, OURS, ROOT, is_below, modules, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.meta.source_tree import Module

# The half of the store that is pure or speaks to ports alone. The other half, the
# adapters, is where the SDKs are.
STORE = (
    "shared.store.archive",
    "shared.store.batches",
    "shared.store.draft",
    "shared.store.finding",
    "shared.store.history",
    "shared.store.kept",
    "shared.store.ledger",
    "shared.store.limits",
    "shared.store.memory",
    "shared.store.messages",
    "shared.store.ports",
    "shared.store.reading",
    "shared.store.rows",
    "shared.store.trail",
    "shared.store.transactions",
)
MODEL = "shared.model"

# Module or package -> what of ours it may import. The longest name that fits is the one
# that counts. Deployed code first, from the inside out.
ROOMS: Mapping[str, tuple[str, ...]] = {
    "shared": (),
    "shared.model": (MODEL,),
    "shared.sources": (MODEL, "shared.sources"),
    # Pure, and folds into a draft: that is a value too.
    "shared.triage": (
        MODEL,
        "shared.triage",
        "shared.store.draft",
        "shared.store.rows",
    ),
    # The whole policy's schema names the sections that other rooms own, and senders'
    # formats are those that there are.
    "shared.triage.policy": (
        MODEL,
        "shared.triage.policy",
        "shared.actions.matchers",
        "shared.actions.routing",
        # Whether there is a query of a name.
        "shared.enrichment.pack",
        # Which hours and zones there are, and whether somebody is on call.
        "shared.oncall.duty",
        "shared.oncall.hours",
        "shared.oncall.policy",
        "shared.oncall.wall",
        "shared.senders",
        "shared.sources",
    ),
    "shared.actions": (
        MODEL,
        "shared.actions",
        # At which hours nothing is done without a person.
        "shared.oncall.hours",
        "shared.oncall.policy",
        # A draft is a value, as in triage.
        "shared.store.draft",
    ),
    # Who is on call: pure, but for reading feeds.
    "shared.oncall": (MODEL, "shared.oncall"),
    "shared.oncall.roster": ("shared.oncall", "shared.telemetry"),
    "shared.oncall.source": (MODEL, "shared.oncall", "shared.store.ports"),
    "shared.senders": (MODEL, "shared.senders"),
    # Proofs, links and pages of answers; pure.
    "shared.answers": (
        MODEL,
        "shared.actions.matchers",
        "shared.actions.rendering",
        "shared.answers",
    ),
    # The pack of queries, which of them to ask, and asking them.
    "shared.enrichment": (MODEL, "shared.enrichment", "shared.telemetry"),
    "shared.store": (),
    **dict.fromkeys(STORE, (MODEL, *STORE)),
    "shared.store.ports": (),
    "shared.store.messages": (),
    "shared.store.tables": (
        MODEL,
        "shared.store.limits",
        "shared.store.ports",
        "shared.store.transactions",
    ),
    "shared.store.transactions": (MODEL, "shared.store.limits", "shared.store.ports"),
    "shared.store.blobs": (MODEL, "shared.store.ports"),
    "shared.store.kept": (MODEL, "shared.store.ports"),
    "shared.store.queues": (MODEL, "shared.store.ports"),
    "shared.settings": (MODEL,),
    "shared.telemetry": (),
    "shared.clouds": (),
    "shared.clouds.arm": (MODEL,),
    "shared.clouds.credentials": (MODEL,),
    "shared.clouds.diagnostic_settings": (MODEL, "shared.clouds.arm"),
    "shared.clouds.http": (MODEL,),
    "shared.clouds.log_analytics": (MODEL,),
    "shared.clouds.hub": (MODEL,),
    "shared.clouds.outlets": (MODEL, "shared.clouds.hub", "shared.clouds.wire"),
    "shared.clouds.wire": (MODEL,),
    "shared.clouds.resource_graph": (MODEL, "shared.clouds.arm"),
    "shared.clouds.policy_blob": (MODEL, "shared.settings"),
    "shared.clouds.blobs": (MODEL, "shared.clouds.replies"),
    "shared.clouds.remotes": (
        MODEL,
        "shared.clouds.blobs",
        "shared.clouds.rest",
        "shared.settings",
    ),
    "shared.clouds.replies": (MODEL,),
    "shared.clouds.rest": (MODEL, "shared.clouds.replies"),
    "shared.clouds.storage": (MODEL, "shared.store", "shared.settings"),
    # The verbs: the only ones that see decisions and storage together.
    "shared.ingest": (
        MODEL,
        "shared.sources",
        "shared.telemetry",
        "shared.triage.catalogue",
        "shared.triage.correlation",
        *STORE,
    ),
    # What is done to contain an incident: planned, judged, done one step at a time, and
    # decided by people.
    "shared.containment": (
        MODEL,
        "responders.base",
        "shared.actions",
        "shared.answers.keys",
        "shared.commands",
        "shared.containment",
        "shared.sources",
        "shared.telemetry",
        "shared.triage.alert_rows",
        "shared.triage.grounds",
        "shared.triage.own",
        *STORE,
    ),
    # What a policy needs of Azure, and what keeps it from acting.
    "shared.containment.needs": (
        MODEL,
        "shared.actions",
        "shared.containment",
        "shared.triage.policy",
    ),
    # A look: what it sees, its claim, and what came of it.
    "shared.looks": (
        MODEL,
        "shared.actions",
        "shared.containment.containing",
        "shared.looks",
        "shared.telemetry",
        "shared.triage.risk",
        *STORE,
    ),
    "shared.looks.assessing": (
        MODEL,
        "responders.base",
        "shared.actions",
        "shared.looks.escalating",
        "shared.noise",
        "shared.oncall.policy",
        *STORE,
    ),
    # Whom a look calls: schedules asked, and what is on record.
    "shared.looks.escalating": (
        MODEL,
        "shared.actions",
        "shared.oncall",
        "shared.telemetry",
    ),
    # What the logs say, for as long as a page may wait.
    "shared.looks.gathering": (
        MODEL,
        "shared.actions",
        "shared.enrichment",
        "shared.looks.round",
        "shared.looks.turn",
        "shared.telemetry",
        *STORE,
    ),
    "shared.looks.round": (MODEL, "shared.actions", "shared.enrichment", *STORE),
    "shared.looks.turn": (MODEL,),
    # What forwards are made of.
    "shared.looks.forwarding": (MODEL, "shared.actions", *STORE),
    # What breaks over a look.
    "shared.looks.stuck": (
        MODEL,
        "responders.base",
        "shared.actions",
        "shared.telemetry",
        *STORE,
    ),
    "shared.respond": (
        MODEL,
        "responders.base",
        "shared.actions.routing",
        "shared.containment.containing",
        "shared.looks",
        "shared.noise",
        "shared.telemetry",
        *STORE,
    ),
    # What people did to tickets: reading it, and what it comes to.
    "shared.ticketing": (
        MODEL,
        "responders.base",
        "responders.tickets",
        "shared.commands",
        "shared.heeding",
        "shared.telemetry",
        *STORE,
    ),
    "shared.heeding": (MODEL, "responders.tickets", "shared.commands", *STORE),
    "shared.tick": (
        "shared.heartbeat",
        "shared.noise",
        "shared.telemetry",
        *STORE,
    ),
    # That the timer did its work, told outside.
    "shared.heartbeat": (MODEL, "shared.telemetry"),
    "shared.reconcile_source": (
        MODEL,
        "shared.ingest",
        "shared.sources",
        "shared.telemetry",
        *STORE,
    ),
    # What was done, kept a day at a time.
    "shared.audit": (MODEL, "shared.telemetry", *STORE),
    # The fifth, in two: what has an incident moves, what has none is taken away.
    "shared.retention": (
        MODEL,
        "shared.actions.ended",
        "shared.purge",
        "shared.telemetry",
        *STORE,
    ),
    "shared.purge": (MODEL, *STORE),
    "shared.commands": (MODEL, *STORE),
    "shared.deliveries": (MODEL, "shared.commands", *STORE),
    "shared.regrouping": (MODEL, "shared.commands", "shared.triage", *STORE),
    "shared.silences": (MODEL, "shared.actions.matchers", "shared.commands", *STORE),
    # What people say from a message, by a link.
    "shared.answering": (
        MODEL,
        "shared.answers",
        "shared.commands",
        "shared.containment.deciding",
        "shared.silences",
        *STORE,
    ),
    # What other sides say of notices.
    "shared.hearing": (MODEL, "shared.answers", "shared.commands", *STORE),
    # What keeps notices back, and what Firewatch says of it, as one more detector.
    "shared.noise": (
        MODEL,
        "shared.actions",
        "shared.silences",
        "shared.telemetry",
        "shared.triage",
        *STORE,
    ),
    # Decides nothing about incidents; what it reads decides.
    "shared.live_policy": (
        MODEL,
        "shared.actions.routing",
        "shared.oncall.policy",
        "shared.store.ports",
        "shared.telemetry",
        "shared.triage.policy",
    ),
    # Pages that say they are a test.
    "shared.drills": (
        MODEL,
        "shared.actions.routing",
        "shared.commands",
        "shared.oncall.policy",
        "shared.triage",
        *STORE,
    ),
    "shared.measures": (MODEL,),
    # What tables of logs keep, and what a policy makes of it.
    "shared.log_retention": (MODEL, "shared.log_retention"),
    # What there is of logs and detection: reading by ports, and pure checks.
    "shared.posture": (
        MODEL,
        "shared.log_retention",
        "shared.posture",
        "shared.triage.catalogue",
    ),
    # What of logs open incidents go by.
    "shared.held": (
        MODEL,
        "shared.enrichment.pack",
        "shared.posture.estate",
        *STORE,
    ),
    "shared.audit_posture": (
        MODEL,
        "shared.enrichment.pack",
        "shared.held",
        "shared.posture",
        "shared.telemetry",
        "shared.triage.own",
        "shared.triage.policy",
        *STORE,
    ),
    "shared.timeline": (MODEL, "shared.store.ports", "shared.store.rows"),
    "shared.anchoring": (MODEL, "shared.timeline", *STORE),
    # Pure but for reading: what rows and policy say, and why.
    "shared.explain": (
        MODEL,
        "shared.actions",
        "shared.explain",
        "shared.store.ledger",
        "shared.store.reading",
        "shared.timeline",
    ),
    # What people and programs may ask by HTTP; it knows no Azure Functions.
    "shared.api": (
        MODEL,
        "shared.actions.deeds",
        "shared.actions.matchers",
        "shared.api",
        "shared.bootstrap",
        "shared.commands",
        "shared.containment.deciding",
        "shared.drills",
        "shared.explain",
        "shared.measures",
        "shared.posture",
        "shared.silences",
        "shared.store.history",
        "shared.store.ledger",
        "shared.store.reading",
        "shared.telemetry",
        "shared.anchoring",
        "shared.timeline",
    ),
    "shared.staff": (
        MODEL,
        "responders",
        "shared.clouds.http",
        "shared.clouds.remotes",
        "shared.settings",
        "shared.triage.policy",
    ),
    # The app, wired: what is built by what is below it.
    "shared.wiring": (),
    "shared.wiring.parts": (
        MODEL,
        "shared.clouds",
        "shared.live_policy",
        "shared.settings",
        "shared.triage.policy",
    ),
    "shared.wiring.people": (
        MODEL,
        "shared.actions.routing",
        "shared.answers",
        "shared.clouds",
        "shared.heartbeat",
        "shared.noise",
        "shared.oncall",
        "shared.senders",
        "shared.silences",
        "shared.staff",
        "shared.store.kept",
        "shared.store.ports",
        "shared.store.reading",
        "shared.wiring.parts",
    ),
    "shared.wiring.containment": (
        MODEL,
        "shared.actions.containment",
        "shared.answers.keys",
        "shared.clouds",
        "shared.containment",
        "shared.wiring.people",
    ),
    "shared.wiring.questions": (
        MODEL,
        "shared.audit_posture",
        "shared.clouds",
        "shared.enrichment",
        "shared.posture",
        "shared.wiring.people",
    ),
    "shared.bootstrap": (
        MODEL,
        "shared.actions.matchers",
        "shared.answering",
        "shared.audit",
        "shared.clouds",
        "shared.commands",
        "shared.drills",
        "shared.enrichment",
        "shared.hearing",
        "shared.ingest",
        "shared.looks.escalating",
        "shared.looks.gathering",
        "shared.purge",
        "shared.reconcile_source",
        "shared.regrouping",
        "shared.respond",
        "shared.retention",
        "shared.tick",
        "shared.ticketing",
        "shared.triage.policy",
        "shared.wiring",
    ),
    "shared.triggers": (
        MODEL,
        "shared.answers",
        "shared.api",
        "shared.bootstrap",
        "shared.hearing",
        "shared.posture.store",
        "shared.senders",
        # Binary CloudEvents are put together from headers, which only a trigger has.
        "shared.sources.cloud_events",
        "shared.telemetry",
        "shared.triggers",
        *STORE,
    ),
    "function_app": ("shared.bootstrap", "shared.store.messages", "shared.triggers"),
    # A responder is given what it needs; another responder is none of its business.
    "responders": (MODEL, "responders.base", "responders.tickets"),
    "responders.base": (MODEL,),
    "responders.email": (MODEL, "responders.base", "responders.markup"),
    # What goes to a machine that keeps it, in its syntax, and many at once.
    "responders.event_hub": (MODEL, "responders.base", "responders.forwards"),
    "responders.arcsight": ("responders.base", "responders.forwards"),
    "responders.forwards": (MODEL, "responders.base", "responders.forwards"),
    "responders.logs_ingestion": (MODEL, "responders.base", "responders.forwards"),
    "responders.markup": (MODEL,),
    "responders.tickets.sentinel_api": (
        MODEL,
        "responders.base",
        "responders.sides",
    ),
    "responders.sides": (MODEL, "responders.base", "responders.sides"),
    **dict.fromkeys(
        (
            "responders.alert_status",
            "responders.app_stop",
            "responders.blob_quarantine",
            "responders.disk_snapshot",
            "responders.endpoint_isolate",
            "responders.endpoint_package",
            "responders.endpoint_quarantine_file",
            "responders.endpoint_scan",
            "responders.indicator",
            "responders.key_rotate",
            "responders.principal_disable",
            "responders.registry_token_disable",
            "responders.resource_config",
            "responders.risk_confirm",
            "responders.role_remove",
            "responders.scale_set_deallocate",
            "responders.secret_disable",
            "responders.sessions_revoke",
            "responders.sql_public_off",
            "responders.sql_rule_remove",
            "responders.storage_keys_off",
            "responders.storage_public_off",
            "responders.user_disable",
            "responders.vault_deny",
            "responders.vm_deallocate",
        ),
        (MODEL, "responders.base", "responders.sides"),
    ),
    "responders.nsg_deny": (MODEL, "responders.base", "responders.sides"),
    "responders.qradar": ("responders.base", "responders.forwards"),
    "responders.slack": (MODEL, "responders.base", "responders.markup"),
    "responders.splunk": (MODEL, "responders.base", "responders.forwards"),
    "responders.vm_quarantine": (MODEL, "responders.base", "responders.sides"),
    "responders.webhook": (MODEL, "responders.base", "responders.markup"),
    # For development machines.
    "cli": ("cli", "devhost", "shared"),
    # Every mistake of a responder's settings too, with nothing running.
    "cli.policy": ("cli", "shared", "responders"),
    # What each of them needs.
    "cli.permissions": ("cli", "shared", "responders"),
    "cli.schema": ("shared", "responders"),
    # What each of them needs of Azure.
    "cli.release.roles": ("shared", "responders"),
    # Takes back what any of them did.
    "cli.undo": ("cli", "shared", "responders"),
    # Which of them make tickets.
    "cli.page_test": ("cli", "shared", "responders"),
    "cli.story": ("cli.story",),
    "devhost": ("devhost",),
}

# The one module that sees every responder.
RESPONDER_TABLE = "responders"


class Library(NamedTuple):
    """Who may import a library, and who only for a type checker's sake."""

    users: tuple[str, ...]
    typing: tuple[str, ...] = ()


# Everything that deployed code may import besides the standard library and our own.
LIBRARIES: Mapping[str, Library] = {
    "msgspec": Library(("function_app", "shared", "responders", "cli", "devhost")),
    "azure.functions": Library(
        (
            "function_app",
            "shared.triggers.answers",
            "shared.triggers.api",
            "devhost",
        ),
        ("shared.triggers",),
    ),
    "azure": Library(
        (
            "shared.store.tables",
            "shared.store.blobs",
            "shared.store.queues",
            "shared.clouds",
            "cli",
            "devhost",
        )
    ),
    "httpx": Library(("shared.clouds.http", "cli")),
    "icalendar": Library(("shared.oncall.feed",)),
    "recurring_ical_events": Library(("shared.oncall.feed",)),
    "re2": Library(("shared.actions.patterns",)),
    "yaml": Library(("shared.triage.policy",)),
    "jwt": Library(("shared.senders.tokens",), ("shared.senders.entra",)),
    # Development machines only.
    "aiohttp": Library(("devhost",)),
    "cryptography": Library(("devhost",)),
    "croniter": Library(("devhost",)),
    "multidict": Library(("devhost",)),
    "rich": Library(("cli",)),
    "typer": Library(("cli",)),
}

# What would have a decision depend on more than what it is given. Name -> who may.
REACHES: Mapping[str, tuple[str, ...]] = {
    "os.environ": ("shared.settings", "cli", "devhost"),
    "os.getenv": ("cli", "devhost"),
    "datetime.datetime.now": ("shared.wiring.parts", "cli", "devhost"),
    "datetime.datetime.utcnow": (),
    "datetime.datetime.today": (),
    "datetime.date.today": (),
    "time": ("cli", "devhost"),
    "random": ("shared.actions.backoff", "shared.enrichment.runner"),
    # Mails and Sentinel have ids that follow from keys: uuid5 takes nothing from outside.
    "uuid": (
        "responders.email",
        "responders.sentinel",
        "shared.containment.targets",
        "shared.looks.claiming",
        "shared.store.tables",
        "devhost",
    ),
    "secrets": ("cli", "devhost"),
    # The tree says what happens through telemetry; http.py only mutes libraries.
    "logging": (
        "shared.telemetry",
        "shared.clouds.http",
        "devhost",
        "cli.rehearsal.commands",
    ),
    "socket": ("devhost",),
    "subprocess": ("cli.release.building", "devhost"),
    "threading": ("devhost",),
    "urllib.request": ("devhost",),
    "requests": (),
    # Whoever keeps a deadline waits for less than it.
    "asyncio.sleep": (
        "shared.enrichment.limiter",
        "shared.enrichment.runner",
        # So does whoever may be asked again later.
        "shared.posture.gate",
        "cli",
        "devhost",
    ),
}

# Whoever breaks one of these says so by its own name, whatever the room.
PURE = (
    "shared.measures",
    "shared.model",
    "shared.sources",
    "shared.triage",
    "shared.actions",
    "shared.oncall.duty",
    "shared.oncall.feed",
    "shared.oncall.hours",
    "shared.oncall.ical",
    "shared.oncall.policy",
    "shared.oncall.wall",
    "shared.answers",
)


def allowed(module: str) -> tuple[str, ...] | None:
    """What of ours a module may import; None where no line names it."""
    rooms = [room for room in ROOMS if is_below(module, room)]
    room = max(rooms, key=len, default=None)
    # A package's line speaks for what is inside it, save for those that hold rooms.
    if room is None or (room in {"shared", "shared.store"} and module != room):
        return None
    return ROOMS[room]


def strangers(module: Module) -> list[str]:
    """The imports of ours that the table does not allow."""
    rooms = allowed(module.name)
    if rooms is None:
        return [f"{module.path}: no line of ROOMS speaks for {module.name}"]
    return [
        f"{module.where(found.line)}: {module.name} imports {found.module}"
        for found in module.imports()
        if any(is_below(found.module, top) for top in OURS)
        and not any(is_below(found.module, room) for room in rooms)
        and not (
            module.name == RESPONDER_TABLE and is_below(found.module, "responders")
        )
    ]


def wrong_libraries(module: Module) -> list[str]:
    """The imports of libraries that the table does not allow."""
    found = []
    for each in module.imports():
        top = each.module.partition(".")[0]
        if top in sys.stdlib_module_names or top in OURS:
            continue
        name = max((n for n in LIBRARIES if is_below(each.module, n)), default=None)
        users = () if name is None else LIBRARIES[name].users
        if each.is_typing and name is not None:
            users += LIBRARIES[name].typing
        if not any(is_below(module.name, user) for user in users):
            where = module.where(each.line)
            found.append(f"{where}: {module.name} imports {each.module}")
    return found


def reaches(module: Module) -> list[str]:
    """Where it takes the time, the environment, chance or the network for itself."""
    found = {
        (line, name)
        for used, line in module.uses()
        for name, users in REACHES.items()
        if is_below(used, name)
        and not any(is_below(module.name, user) for user in users)
    }
    return [
        f"{module.where(line)}: {module.name} uses {name}"
        for line, name in sorted(found)
    ]


ALL = {module.name: module for module in modules(*DEPLOYED, "cli", "devhost")}


@pytest.mark.parametrize("name", ALL)
def test_rooms_import_only_what_they_may(name: str) -> None:
    """Every import of ours, function-local ones too, is one that the table allows."""
    assert strangers(ALL[name]) == []


@pytest.mark.parametrize("name", ALL)
def test_libraries_stay_in_their_place(name: str) -> None:
    """Each library is imported where the table says: an SDK is an adapter's matter."""
    assert wrong_libraries(ALL[name]) == []


@pytest.mark.parametrize("name", ALL)
def test_nobody_reaches_for_the_world(name: str) -> None:
    """Time, environment, chance and network are given, save where the table says."""
    assert reaches(ALL[name]) == []


def test_every_line_of_the_tables_is_of_use() -> None:
    """A line that speaks for no module any more is taken out."""
    lines = {
        *ROOMS,
        *(each for rooms in ROOMS.values() for each in rooms),
        *(user for library in LIBRARIES.values() for part in library for user in part),
        *(user for users in REACHES.values() for user in users),
    }
    names = {*ALL, *OURS}

    assert [
        line for line in sorted(lines) if not any(is_below(n, line) for n in names)
    ] == []


@pytest.mark.parametrize("room", PURE)
def test_decisions_are_pure(room: str) -> None:
    """The rooms that decide import no adapter, cloud, setting or library."""
    found = {
        each.module
        for module in ALL.values()
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
            if not each.is_typing and each.module in ALL and each.module != module.name
        }
        for module in ALL.values()
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
        for module in ALL.values()
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
