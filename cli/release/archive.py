"""The package as one file, and what can be told of it by looking at it."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from cli.release.contents import FILES, FOLDERS, SITE_PACKAGES

# So that it is put in place and loaded fast; the platform takes more.
MOST_BYTES = 40_000_000

# The version of Python in Azure, as its bytecode and its extensions name it.
TAG = "cpython-313"
_ABI = (f".{TAG}-x86_64-linux-gnu.so", ".abi3.so")

# `e_machine` of an ELF header: x86-64, in two bytes, the lower one first.
_MACHINE_AT, _X86_64 = 18, b"\x3e\x00"

# The earliest time that a zip can hold. The same for every file, so that the same
# files are the same package.
_NO_TIME = (1980, 1, 1, 0, 0, 0)

# A plain file that everybody reads; without a mode of Unix the platform mounts files
# that it cannot read.
_UNIX, _PLAIN_FILE = 3, 0o100644


def pack(folder: Path, package: Path) -> None:
    """Zip a folder: sorted, without times, so that the same files give the same bytes."""
    names = sorted(
        PurePosixPath(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file()
    )
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for name in names:
            entry = zipfile.ZipInfo(str(name), _NO_TIME)
            entry.create_system = _UNIX
            entry.external_attr = _PLAIN_FILE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, (folder / name).read_bytes())


def problems(package: Path) -> list[str]:
    """What is wrong with a package by its size and its files; empty where nothing is."""
    size = package.stat().st_size
    found = []
    if size > MOST_BYTES:
        found.append(f"{size / 1e6:.1f} MB are more than {MOST_BYTES / 1e6:.0f}")
    with zipfile.ZipFile(package) as opened:
        names = {PurePosixPath(name) for name in opened.namelist()}
        found += [
            f"{name}: not for x86-64"
            for name in sorted(names)
            if name.suffix == ".so" and not _is_x86(opened, name)
        ]
    found += [
        f"{name}: is missing" for name in FILES if PurePosixPath(name) not in names
    ]
    return found + _strangers(names) + _uncompiled(names)


def _strangers(names: set[PurePosixPath]) -> list[str]:
    """What neither belongs to the app nor is a dependency, or hides a part of the app."""
    known = {*FILES, *FOLDERS, SITE_PACKAGES.parts[0], "__pycache__"}
    ours = {"function_app", *FOLDERS}
    found = [f"{n}: does not belong" for n in sorted(names) if n.parts[0] not in known]
    for name in sorted(names):
        if name.is_relative_to(SITE_PACKAGES):
            inside = name.relative_to(SITE_PACKAGES)
            # The worker looks there first (platform.md 2).
            if inside.parts[0].partition(".")[0] in ours:
                found.append(f"{name}: a dependency hides the app's own")
    return found


def _uncompiled(names: set[PurePosixPath]) -> list[str]:
    """Modules without bytecode of Azure's Python, and extensions for another one."""
    found = []
    for name in sorted(names):
        if name.suffix == ".py":
            compiled = name.parent / "__pycache__" / f"{name.stem}.{TAG}.pyc"
            if compiled not in names:
                found.append(f"{name}: has no bytecode")
        elif name.suffix == ".so" and not name.name.endswith(_ABI):
            found.append(f"{name}: not for {TAG}")
    return found


def _is_x86(opened: zipfile.ZipFile, name: PurePosixPath) -> bool:
    with opened.open(str(name)) as file:
        header = file.read(_MACHINE_AT + len(_X86_64))
    return header.startswith(b"\x7fELF") and header.endswith(_X86_64)
