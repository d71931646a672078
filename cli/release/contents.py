"""What is in the package: the app's own files, and what is left of its dependencies."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# A list of what goes in: whatever else lies in the tree stays at home.
FILES = ("function_app.py", "host.json", "policy.yaml", "requirements.txt")
FOLDERS = ("responders", "shared")
SUFFIXES = (".csv", ".kql", ".py")

# Where Azure's Python worker looks for dependencies (platform.md 2).
SITE_PACKAGES = PurePosixPath(".python_packages/lib/site-packages")

# Of dependencies: what compilers, type checkers and their own tests read.
_NOT_RUN = (".c", ".h", ".pxd", ".pxi", ".pyi", ".pyx", ".typed")
_TESTS = ("test", "tests")

# What pip notes about its own work. RECORD would name files that were left out.
_OF_PIP = ("INSTALLER", "RECORD", "REQUESTED")

# Scripts for a shell, with the builder's own paths in their first lines.
_SCRIPTS = "bin"


def app_files(root: Path) -> list[PurePosixPath]:
    """The app's own files in the tree, from its root."""
    inside = [
        path.relative_to(root)
        for folder in FOLDERS
        for path in (root / folder).rglob("*")
        if path.suffix in SUFFIXES and path.is_file()
    ]
    return sorted(PurePosixPath(path) for path in (*map(Path, FILES), *inside))


def is_run(path: PurePosixPath) -> bool:
    """Whether a file of a dependency is there to be run, by its place in the folder."""
    *folders, name = path.parts
    if folders and folders[0] == _SCRIPTS:
        return False
    if folders and folders[0].endswith(".dist-info"):
        return name not in _OF_PIP
    return not (path.suffix in _NOT_RUN or {*folders} & {*_TESTS})


def trim(site_packages: Path) -> None:
    """Take out of installed dependencies whatever is not run."""
    for path in list(_files(site_packages)):
        if not is_run(PurePosixPath(path.relative_to(site_packages))):
            path.unlink()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
