"""Payloads to read: what was given with the project, in place, and the project's own.

What was given is no part of it: a test that needs it is skipped where it is absent.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).parents[2] / "shared" / "samples"
GIVEN = Path(os.environ.get("FIREWATCH_GIVEN", _BESIDE))


def given(kind: str, pattern: str = "*") -> dict[str, bytes]:
    """The bodies of one kind by file name; skips the test where there are none."""
    if not (GIVEN / "INDEX.md").is_file():
        pytest.skip(f"{GIVEN} holds no samples; FIREWATCH_GIVEN says where they are")
    return {
        path.name: path.read_bytes() for path in sorted((GIVEN / kind).glob(pattern))
    }


def sample(kind: str, quirk: str) -> bytes:
    """A body of our own, written for one quirk of one format."""
    return (Path(__file__).parent / "samples" / kind / quirk).read_bytes()
