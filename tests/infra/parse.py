"""Whether a pycep reads every file; run by that of checkov, which passes what it cannot."""

from __future__ import annotations

import sys
from pathlib import Path

from pycep import BicepParser


def main(folder: Path) -> int:
    """How many files it does not read; it says which, and where."""
    parser, wrong = BicepParser(), 0
    for path in sorted(folder.rglob("*.bicep")):
        try:
            parser.parse(file_path=path)
        except Exception as error:  # noqa: BLE001  whatever it raises, it does not read it
            wrong += 1
            print(f"{path}: {error}", file=sys.stderr)
    return wrong


if __name__ == "__main__":
    sys.exit(bool(main(Path(sys.argv[1]))))
