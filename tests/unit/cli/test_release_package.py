"""What is in the deployment package, and what keeps one from being made."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from cli.release import archive, contents, probe
from cli.release.building import build
from cli.release.errors import ReleaseError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
RUNTIME = ROOT / ".venv-runtime"

# The smallest tree that is a package: the app's files, and a dependency with an extension.
ELF = b"\x7fELF" + bytes(14) + b"\x3e\x00"
PARTS = {
    "function_app.py": b"",
    "__pycache__/function_app.cpython-313.pyc": b"",
    "host.json": b"{}",
    "policy.yaml": b"",
    "requirements.txt": b"",
    f"{contents.SITE_PACKAGES}/fast.cpython-313-x86_64-linux-gnu.so": ELF,
}


@pytest.fixture
def package(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """Make a package of these files."""

    def make(parts: dict[str, bytes]) -> Path:
        folder = tmp_path / "app"
        for name, body in parts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(body)
        made = tmp_path / "package.zip"
        archive.pack(folder, made)
        return made

    return make


class TestContents:
    def test_all_that_the_app_is_made_of_is_in(self) -> None:
        """No file of its folders is forgotten, whatever its kind."""
        found = {
            str(path.relative_to(ROOT))
            for folder in contents.FOLDERS
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

        assert {str(path) for path in contents.app_files(ROOT)} == {
            *found,
            *contents.FILES,
        }

    def test_what_lies_beside_stays_at_home(self, tmp_path: Path) -> None:
        """Keys, notes and bytecode of another Python do not slip in."""
        for name in (
            *contents.FILES,
            "local.settings.json",
            "cli/main.py",
            "shared/settings.py",
            "shared/.env",
            "shared/key.pem",
            "shared/__pycache__/settings.cpython-311.pyc",
        ):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()

        found = {str(path) for path in contents.app_files(tmp_path)}

        assert found == {*contents.FILES, "shared/settings.py"}

    @pytest.mark.parametrize(
        "path",
        [
            "azure/core/__init__.py",
            "certifi/cacert.pem",
            "cryptography/hazmat/bindings/_rust.abi3.so",
            "tzdata/zoneinfo/Europe/Berlin",
            "msal-1.39.0.dist-info/METADATA",
            "msal-1.39.0.dist-info/licenses/LICENSE",
            "six.py",
            "werkzeug/test.py",
        ],
    )
    def test_what_a_dependency_runs_on_stays(self, path: str) -> None:
        """Code, data, certificates, metadata and licences are kept."""
        assert contents.is_run(PurePosixPath(path))

    @pytest.mark.parametrize(
        "path",
        [
            "aiohttp/_http_parser.pyx",
            "aiohttp/py.typed",
            "bin/httpx",
            "icalendar/tests/test_parsing.py",
            "msal-1.39.0.dist-info/RECORD",
            "msgspec/__init__.pyi",
            "recurring_ical_events/test/conftest.py",
        ],
    )
    def test_what_a_dependency_never_runs_goes(self, path: str) -> None:
        """Tests, types, sources of extensions, scripts and pip's notes are left out."""
        assert not contents.is_run(PurePosixPath(path))

    def test_trimming_takes_out_what_is_not_run(self, tmp_path: Path) -> None:
        """What stays on the disk is what is run."""
        for name in ("six.py", "six.pyi", "bin/six"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()

        contents.trim(tmp_path)

        assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["six.py"]


class TestArchive:
    def test_a_whole_package_is_fine(
        self, package: Callable[[dict[str, bytes]], Path]
    ) -> None:
        """There is nothing to say of a package that is what it should be."""
        assert archive.problems(package(PARTS)) == []

    @pytest.mark.parametrize(
        ("name", "body", "problem"),
        [
            ("cli/main.py", b"", "cli/main.py: does not belong"),
            ("local.settings.json", b"", "local.settings.json: does not belong"),
            ("shared/settings.py", b"", "shared/settings.py: has no bytecode"),
            (
                f"{contents.SITE_PACKAGES}/mac.cpython-313-darwin.so",
                ELF,
                f"{contents.SITE_PACKAGES}/mac.cpython-313-darwin.so: not for cpython-313",
            ),
            (
                f"{contents.SITE_PACKAGES}/arm.abi3.so",
                ELF[:-2] + b"\xb7\x00",
                f"{contents.SITE_PACKAGES}/arm.abi3.so: not for x86-64",
            ),
            (
                f"{contents.SITE_PACKAGES}/shared/a.so",
                ELF,
                f"{contents.SITE_PACKAGES}/shared/a.so: a dependency hides the app's own",
            ),
        ],
    )
    def test_what_is_wrong_is_named(
        self,
        package: Callable[[dict[str, bytes]], Path],
        name: str,
        body: bytes,
        problem: str,
    ) -> None:
        """A stranger, a module without bytecode, and an extension of another machine."""
        found = archive.problems(package({**PARTS, name: body}))

        assert problem in found

    def test_a_part_that_is_missing_is_named(
        self, package: Callable[[dict[str, bytes]], Path]
    ) -> None:
        """Without host.json the platform takes it for no app."""
        made = package({name: b for name, b in PARTS.items() if name != "host.json"})

        assert archive.problems(made) == ["host.json: is missing"]

    def test_a_package_has_its_limit(
        self,
        package: Callable[[dict[str, bytes]], Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """One that is too large to be put in place fast is none."""
        made = package(PARTS)
        monkeypatch.setattr(archive, "MOST_BYTES", made.stat().st_size - 1)

        assert len(archive.problems(made)) == 1

    def test_the_same_files_are_the_same_bytes(
        self, package: Callable[[dict[str, bytes]], Path], tmp_path: Path
    ) -> None:
        """Neither when nor in which order files were written shows."""
        first = package(PARTS).read_bytes()
        for path in sorted((tmp_path / "app").rglob("*"), reverse=True):
            if path.is_file():
                body = path.read_bytes()
                path.unlink()
                path.write_bytes(body)
        archive.pack(tmp_path / "app", tmp_path / "second.zip")

        assert (tmp_path / "second.zip").read_bytes() == first

    def test_everybody_may_read_what_is_in(
        self, package: Callable[[dict[str, bytes]], Path]
    ) -> None:
        """The platform mounts the zip: a file without a mode could not be read."""
        with zipfile.ZipFile(package(PARTS)) as opened:
            modes = {entry.external_attr >> 16 for entry in opened.infolist()}
            systems = {entry.create_system for entry in opened.infolist()}

        assert (modes, systems) == ({0o100644}, {3})


def test_another_python_makes_no_package(tmp_path: Path) -> None:
    """Bytecode of a Python that Azure does not run would be of no use."""
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho cpython-312\n")
    other.chmod(0o755)

    with pytest.raises(ReleaseError, match="is cpython-312; Azure runs cpython-313"):
        build(ROOT, other, tmp_path / "package.zip")

    assert not (tmp_path / "package.zip").exists()


def test_what_is_packed_is_enough(tmp_path: Path) -> None:
    """The packed files and the dependencies import with nothing else, under 3.13."""
    python = RUNTIME / "bin/python"
    if not python.exists():
        pytest.skip("there is no .venv-runtime: no Python 3.13 was found")
    for name in contents.app_files(ROOT):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    installed = (RUNTIME / "lib/python3.13/site-packages").resolve()
    (tmp_path / contents.SITE_PACKAGES).parent.mkdir(parents=True)
    (tmp_path / contents.SITE_PACKAGES).symlink_to(installed)

    done = subprocess.run(
        [python, "-I", "-S", probe.__file__, tmp_path],
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["python"].startswith("3.13.")
    assert {"ingest_alerts", "respond", "tick", "health"} < {*found["functions"]}
    # Dependencies are where the link leads; nothing else is.
    outside = {name.partition(".")[0] for name in found["outside"]}
    assert outside & {"cli", "devhost", "tests", "shared", "responders"} == set()


def test_an_import_that_only_fails_later_fails_now(tmp_path: Path) -> None:
    """What a function imports when it is called is imported by the probe as well."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "responders").mkdir()
    (tmp_path / "function_app.py").write_text(
        "class app:\n    get_functions = staticmethod(lambda: [])\n"
    )
    (tmp_path / "shared/late.py").write_text("def late():\n    import not_packed\n")

    done = subprocess.run(
        [sys.executable, "-I", "-S", probe.__file__, tmp_path],
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "No module named 'not_packed'" in done.stderr


@pytest.mark.soak
def test_make_package_makes_the_same_package_twice(tmp_path: Path) -> None:
    """The whole way, with pip: small enough, imported by 3.13, and the same each time."""
    python = next(
        (
            path
            for path in [
                *Path.home().glob(".pyenv/versions/3.13.*/bin/python3.13"),
                *Path("/usr").glob("*bin/python3.13"),
            ]
        ),
        None,
    )
    if python is None:
        pytest.skip("there is no Python 3.13 here")

    made = [build(ROOT, python, tmp_path / f"{turn}.zip") for turn in (1, 2)]

    assert made[0].sha256 == made[1].sha256
    assert made[0].size < archive.MOST_BYTES
    assert made[0].functions
    assert made[0].functions > 20
