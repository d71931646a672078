"""Real storage for contract tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devhost.storage import Azurite

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One Azurite for the whole run; tests keep apart by the names they use."""
    with Azurite.start() as storage:
        yield storage
