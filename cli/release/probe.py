"""Import an unpacked package as Azure's worker would, and say what was found.

A program of its own, for Python 3.13 without site-packages (`python -I -S probe.py
FOLDER`): it imports nothing but the standard library and what is in the folder.
Standard output gets one JSON object; an import that fails ends it with a traceback.
"""

from __future__ import annotations

import ast
import importlib
import json
import sys
import sysconfig
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = ("responders", "shared")


def main(folder: Path) -> dict[str, object]:
    """Import the app, each of its modules, and all that any of them ever imports."""
    dependencies = folder / ".python_packages/lib/site-packages"
    # Dependencies first, the app last (platform.md 2).
    sys.path[:] = [str(dependencies), *sys.path[1:], str(folder)]
    began = time.perf_counter()
    app = importlib.import_module("function_app")
    took = time.perf_counter() - began
    functions = sorted(each.get_function_name() for each in app.app.get_functions())
    for name in sorted({*_modules(folder), *_imported(folder)}):
        importlib.import_module(name)
    return {
        "python": sys.version.split()[0],
        "functions": functions,
        "import_s": round(took, 3),
        "outside": sorted(_outside(folder)),
    }


def _modules(folder: Path) -> Iterator[str]:
    for top in FOLDERS:
        for path in (folder / top).rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(folder: Path) -> Iterator[str]:
    """What the app imports inside functions too, and so not before they are called."""
    for path in [folder / "function_app.py", *folder.glob("[rs]*/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module


def _outside(folder: Path) -> Iterator[str]:
    """Modules that came neither from the package nor with Python."""
    homes = (folder, *map(Path, {*_of_python()}), Path(__file__).resolve())
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and not any(Path(file).resolve().is_relative_to(h) for h in homes):
            yield name


def _of_python() -> Iterator[Path]:
    for name in ("stdlib", "platstdlib"):
        yield Path(sysconfig.get_path(name)).resolve()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    json.dump(main(Path(sys.argv[1]).resolve()), sys.stdout)
