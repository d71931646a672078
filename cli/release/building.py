"""Building the package: what runs, its dependencies for Azure, bytecode, one zip."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cli.release import archive, contents, probe
from cli.release.errors import ReleaseError

if TYPE_CHECKING:
    from collections.abc import Sequence

# What wheels may ask of the C library. The image of Azure Functions for Python 3.13 is
# Debian 12 with glibc 2.36; older ones will do.
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")

_PROBE_S = 120


class Built(NamedTuple):
    """A package that was made. ``import_s`` is None where it could not be tried here."""

    path: Path
    size: int
    sha256: str
    functions: int | None
    import_s: float | None


def build(root: Path, python: Path, package: Path, policy: Path | None = None) -> Built:
    """Make the package of a tree with a Python 3.13.

    ``policy`` is packed as policy.yaml in place of the tree's own. The same tree,
    policy and Python give the same bytes. What is wrong with it keeps it from being
    there: raises ReleaseError.
    """
    _check_version(python)
    with tempfile.TemporaryDirectory(prefix="firewatch-package-") as name:
        folder, made = Path(name) / "app", Path(name) / "package.zip"
        _copy(root, folder, policy)
        _install(python, root / "requirements.txt", folder / contents.SITE_PACKAGES)
        contents.trim(folder / contents.SITE_PACKAGES)
        _compile(python, folder)
        archive.pack(folder, made)
        if found := archive.problems(made):
            raise ReleaseError("; ".join(found))
        tried = _tried(python, made, Path(name) / "unpacked")
        package.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, package)
    return Built(
        package,
        package.stat().st_size,
        hashlib.sha256(package.read_bytes()).hexdigest(),
        len(tried["functions"]) if tried else None,
        tried["import_s"] if tried else None,
    )


def _check_version(python: Path) -> None:
    tag = _run(
        [python, "-c", "import sys; print(sys.implementation.cache_tag)"]
    ).strip()
    if tag != archive.TAG:
        raise ReleaseError(f"{python} is {tag}; Azure runs {archive.TAG}")


def _copy(root: Path, folder: Path, policy: Path | None) -> None:
    for name in contents.app_files(root):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)
    if policy:
        shutil.copyfile(policy, folder / "policy.yaml")


def _install(python: Path, requirements: Path, target: Path) -> None:
    """Have pip put wheels for Azure into a folder; never sources, which would be built.

    It runs in that Python, because pip reads markers by the Python that it runs in.
    """
    platforms = [word for name in _PLATFORMS for word in ("--platform", name)]
    words: tuple[str | Path, ...] = (
        *(sys.executable, "-m", "pip", "--python", python, "install"),
        *("--quiet", "--disable-pip-version-check", "--no-input"),
        *("--target", target, "--no-compile", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--implementation", "cp"),
        *("--python-version", "3.13", *platforms),
        *("-r", requirements),
    )
    _run(words)


def _compile(python: Path, folder: Path) -> None:
    """Write bytecode that is used as it is: a zip keeps no times to compare by."""
    words: tuple[str | Path, ...] = (
        *(python, "-I", "-m", "compileall", "-q", "-f", "-j", "1"),
        *("--invalidation-mode", "unchecked-hash", "-s", folder, folder),
    )
    _run(words)


def _tried(python: Path, package: Path, folder: Path) -> dict[str, Any] | None:
    """What an import with nothing else there found; None on another kind of machine."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return None
    with zipfile.ZipFile(package) as opened:
        opened.extractall(folder)
    text = _run([python, "-I", "-S", probe.__file__, folder], env={})
    found: dict[str, Any] = json.loads(text)
    if found["outside"]:
        raise ReleaseError(f"it needs what is not in it: {', '.join(found['outside'])}")
    return found


def _run(command: Sequence[str | Path], env: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            env=env,
            capture_output=True,
            text=True,
            timeout=None if env is None else _PROBE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReleaseError(f"{command[0]} did not run: {error}") from error
    if done.returncode:
        raise ReleaseError(f"{command[0]} failed: {done.stderr.strip()}")
    return done.stdout
