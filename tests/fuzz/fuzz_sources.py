"""The readers of all formats under a coverage-guided fuzzer: `make fuzz MINUTES=10`.

atheris is no dependency of the project and in no lock file; `make fuzz` installs it.
The arguments are libFuzzer's: a folder for what is found, folders of samples, options.
"""

from __future__ import annotations

import importlib
import random
import sys
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[1] / "samples"

# Of three changes, one is left to the fuzzer, which knows what it has compared.
ITS_OWN = 3


def main() -> None:
    """Fuzz until libFuzzer has had enough; a law that is broken ends it."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["shared"]):
        laws = importlib.import_module("tests.fuzz.laws")
    mutations = importlib.import_module("tests.fuzz.mutations")
    files = (path for path in sorted(SAMPLES.rglob("*")) if path.is_file())
    mutator = mutations.Mutator([path.read_bytes() for path in files])

    def changed(body: bytes, most: int, seed: int) -> bytes:
        pick = random.Random(seed)
        if pick.randrange(ITS_OWN) == 0:
            return bytes(atheris.Mutate(body, most))
        return bytes(mutator(body, pick)[:most])

    atheris.Setup(sys.argv, laws.hold, custom_mutator=changed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
