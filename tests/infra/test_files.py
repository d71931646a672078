"""What every file of Bicep holds to."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.infra import bicep, deploying, parse, shapes
from tests.infra.bicep import FILES, FOLDER, MAIN, argument, read
from tests.infra.cases import LEAST, MANAGEMENT_GROUP, everything_on
from tests.meta.documents import rows, section
from tests.meta.source_tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.infra.bicep import Node

    Capture = pytest.CaptureFixture[str]

ENTRIES = (MAIN, MANAGEMENT_GROUP)
MODULES = [path for path in FILES if path not in ENTRIES]

# What tells a secret, or is one: nothing of that may leave a deployment.
_SECRETS = re.compile(
    r"list[A-Z]\w*\(|getSecret|\bkeys?\b|password|secret|\bsas\b", re.IGNORECASE
)
# Application Insights takes none but signed-in senders: its address opens nothing.
NO_SECRETS = {("core/logs.bicep", "connectionString")}


def files(paths: Sequence[Path] = FILES) -> pytest.MarkDecorator:
    """The test for each file, under its name."""
    names = [str(path.relative_to(FOLDER)) for path in paths]
    return pytest.mark.parametrize("path", paths, ids=names)


def test_there_are_files() -> None:
    """Or the tests below would look at nothing."""
    assert len(FILES) > 15
    assert {*ENTRIES} <= {*FILES}


@files()
def test_it_parses(path: Path) -> None:
    """Syntax is right, as far as pycep sees it; there is no compiler here."""
    source = read(path)

    assert source.resources or source.modules


@files()
def test_everything_is_described(path: Path) -> None:
    """The file, each parameter and each output, in a sentence."""
    source = read(path)
    described = {
        name: argument(each, "description")
        for name, each in (*source.parameters.items(), *source.outputs.items())
    }

    assert source.description.endswith(".")
    assert [name for name, text in described.items() if not text] == []
    assert [name for name, text in described.items() if text[-1] not in ".}"] == []


@files()
def test_every_name_is_used(path: Path) -> None:
    """No parameter or variable is there for nothing."""
    source = read(path)
    counted = Counter(source.words())

    names = [*source.parameters, *source.variables]
    assert [name for name in names if counted[name] < 2] == []


@files()
def test_names_of_a_file_are_told_apart(path: Path) -> None:
    """No two of anything have one name, and no loop hides one."""
    source = read(path)
    declared = [*source.resources, *source.modules]
    names = [
        *source.parameters,
        *source.variables,
        *(each.symbol for each in declared),
    ]
    looped = {name for each in declared if each.loop for name in each.loop[:2]}

    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert looped & {*names} == set()


@files()
def test_conditions_are_in_brackets(path: Path) -> None:
    """No precedence is known to pycep: without brackets, checks would see another condition."""
    bare = re.findall(
        r"[=:(,] *[^()\n'=:]+ (?:[<>]|[<>=!]=|&&|\|\|) [^()\n]+ \?", read(path).text
    )

    assert bare == []


@files(MODULES)
def test_every_module_is_deployed(path: Path) -> None:
    """By a file that is deployed itself."""
    assert path in {
        (each.parent / module.kind).resolve()
        for each in FILES
        for module in read(each).modules
    }


@files(MODULES)
def test_every_output_of_a_module_is_used(path: Path) -> None:
    """Whoever deploys it asks for it."""
    asked = {
        name
        for user in FILES
        for module in read(user).modules
        if (user.parent / module.kind).resolve() == path
        for name in re.findall(rf"\b{module.symbol}!?\.outputs\.(\w+)", read(user).text)
    }

    assert {*read(path).outputs} == asked


@files(ENTRIES)
def test_every_output_of_a_deployment_is_documented(path: Path) -> None:
    """People and pipelines know what to do with it."""
    text = (FOLDER / "README.md").read_text("utf-8")

    assert [name for name in read(path).outputs if f"`{name}`" not in text] == []


@files()
def test_no_secret_leaves_a_deployment(path: Path) -> None:
    """Outputs are kept in plain text for as long as the deployment is."""
    source = read(path)
    secure = {n for n, each in source.parameters.items() if argument(each, "secure")}
    assert source.outputs.keys() or not secure
    for name in source.outputs:
        if (source.name, name) in NO_SECRETS:
            continue
        text = re.search(
            rf"^output {name} .*?(?=^@|^output |\Z)",
            source.text,
            re.MULTILINE | re.DOTALL,
        )
        assert text
        assert not _SECRETS.search(text[0].partition("=")[2]), name
        assert not secure & {*re.findall(r"\w+", text[0])}


def test_no_template_holds_or_asks_for_a_secret() -> None:
    """Secrets are put into the vault by people, and read by the platform."""
    for path in FILES:
        words = read(path).words()
        assert [w for w in words if re.match(r"list[A-Z]|getSecret$|secure$", w)] == []
        assert [r for r in read(path).resources if "vaults/secrets" in r.kind] == []


def test_each_type_has_one_version() -> None:
    """That whose properties are in shapes.json, and no other anywhere."""
    used = {
        f"{each.kind}@{each.version}"
        for path in FILES
        for each in read(path).resources
        if not each.is_existing
    }
    listed = {key.partition(" ")[0] for key in shapes.load()}
    existing = {
        f"{each.kind}@{each.version}"
        for path in FILES
        for each in read(path).resources
        if each.is_existing
    }

    assert used == listed
    kinds = [key.partition("@")[0] for key in used | existing]
    assert [kind for kind, count in Counter(kinds).items() if count > 1] == []


def test_azure_takes_every_property() -> None:
    """Each is one of its type, of the right kind, and of the values that are known."""
    known = shapes.load()
    wrong = set()
    for made in everything_on():
        key, body = shapes.body_of(made)
        wrong |= {
            f"{made.source} {made.symbol}{w}" for w in shapes.misfits(known[key], body)
        }

    assert wrong == set()


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("kind",), "StorageV3", ".kind: 'StorageV3' is none of"),
        (("sku", "nam"), "Standard_LRS", ".sku.nam: there is no such property"),
        (
            ("properties", "allowSharedKeyAccess"),
            "no",
            "AllowSharedKeyAccess: 'no' is no bool",
        ),
        (("properties", "networkAcls", "ipRules"), {}, "ipRules: {} is none of"),
        (("properties", "encryption"), 1, ".properties.encryption: 1 is no object"),
    ],
)
def test_a_wrong_property_is_seen(
    path: tuple[str, ...], value: object, said: str
) -> None:
    """The test above can fail."""
    made = next(
        m for m in everything_on() if m.type == "Microsoft.Storage/storageAccounts"
    )
    key, body = shapes.body_of(made)
    changed = inner = json.loads(json.dumps(body))
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value

    found = [*shapes.misfits(shapes.load()[key], changed)]

    assert len(found) == 1
    assert said.lower() in found[0].lower()


@pytest.mark.parametrize(
    ("path", "heading"),
    [(MAIN, "## Parameters"), (MANAGEMENT_GROUP, "### A management group")],
    ids=str,
)
def test_every_parameter_is_documented(path: Path, heading: str) -> None:
    """In the README: name, default, and the words of the template; and no other."""
    text = section((FOLDER / "README.md").read_text("utf-8"), heading)
    parameters = read(path).parameters

    assert {
        name: cells for name, cells in rows(text).items() if name in parameters
    } == {
        name: [_shown(each["default"]), argument(each, "description")]
        for name, each in parameters.items()
    }


def test_examples_of_rights_are_taken() -> None:
    """What the README shows can be given, and its roles are known."""
    text = section((FOLDER / "README.md").read_text("utf-8"), "## Parameters")
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    given = {name: each["value"] for name, each in json.loads(example).items()}

    found = deploying.deploy(MAIN, LEAST | given).everything()

    kinds = Counter(made.type.rpartition("/")[2] for made in found)
    # One of its own, one for the responder, and one for what guards read.
    assert kinds["roleDefinitions"] == 3


def _shown(node: Node) -> str:
    """A default, in the words of the README."""
    words = {
        "null": "required",
        '""': "none",
        "[]": "none",
        "{}": "none",
        "true": "yes",
        "false": "no",
        _json("deployment().location"): "that of the deployment",
        _json("[subscription().subscriptionId]"): "its own",
    }
    found = words.get(json.dumps(node))
    if found is None:
        values = node if isinstance(node, list) else [node]
        found = ", ".join(f"`{value}`" for value in values)
    return found


def _json(text: str) -> str:
    return json.dumps(bicep.expression(text))


@pytest.mark.parametrize("name", ["infra/README.md", "docs/deploy.md"])
def test_documents_name_what_is_made(name: str) -> None:
    """Each type of resource in a document is in a template."""
    path = ROOT / name
    if name == "docs/deploy.md" and not path.exists():
        pytest.skip("it comes with the pipelines")
    named = set(re.findall(r"\bMicrosoft\.\w+(?:/\w+)+", path.read_text("utf-8")))
    made = {each.kind for file in FILES for each in read(file).resources}
    # Rights are written alike, and end in what may be done.
    named = {
        n for n in named if not n.endswith(("/read", "/write", "/action", "/Action"))
    }

    assert named - made == set()


def test_abbreviations_are_of_what_is_made() -> None:
    """The table of abbreviations has no line that nobody needs."""
    abbreviations = json.loads((FOLDER / "abbreviations.json").read_text("utf-8"))
    text = "\n".join(read(path).text for path in FILES)

    assert [name for name in abbreviations if f"['{name}']" not in text] == []
    assert [*abbreviations] == sorted(abbreviations)
    assert len({*abbreviations.values()}) == len(abbreviations)


def test_roles_are_known_by_one_table() -> None:
    """By the names that Azure has for them; no file names a role by its id."""
    roles = json.loads((FOLDER / "roles.json").read_text("utf-8"))
    guid = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
    # The definition of a policy is no role.
    ids = {i for path in FILES for i in guid.findall(read(path).text)}

    assert [*roles] == sorted(roles)
    assert all(guid.fullmatch(each) for each in roles.values())
    assert len({*roles.values()}) == len(roles)
    assert ids == {"af9f6c70-eb74-4189-8d15-e4f11a7ebfd4"}


def test_whatever_checkov_leaves_out_has_a_reason() -> None:
    """In words, beside it; and nothing is left out twice."""
    lines = (FOLDER / "checkov.yaml").read_text("utf-8").partition("skip-check:\n")[2]
    found = re.findall(r"^  - CKV_AZURE_(\d+) # (.+)$", lines, re.MULTILINE)

    assert len(found) == len(lines.splitlines()) > 10
    numbers = [int(number) for number, _ in found]
    assert numbers == sorted({*numbers})
    assert [reason for _, reason in found if len(reason) < 12] == []
    named = {
        test for _, reason in found for test in re.findall(r"test_\w+\.py", reason)
    }
    assert {
        path for path in named if not (ROOT / "tests/infra" / path).exists()
    } == set()


def test_what_is_not_parsed_is_said(tmp_path: Path, capsys: Capture) -> None:
    """With the file's name, by the script that runs where checkov does."""
    (tmp_path / "right.bicep").write_text("param a string\n")
    assert parse.main(tmp_path) == 0

    (tmp_path / "wrong.bicep").write_text("param = 1\n")

    assert parse.main(tmp_path) == 1
    assert "wrong.bicep: " in capsys.readouterr().err
