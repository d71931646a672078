"""Microsoft's parser, where it is installed."""

from __future__ import annotations

import pytest

from devhost.kql_parser import PACKAGE
from devhost.storage import StorageError, find_node


def _why_not() -> str:
    if not PACKAGE.is_dir():
        return "the parser of KQL is not installed: `make setup` does it"
    try:
        find_node()
    except StorageError as error:
        return str(error)
    return ""


needs_parser = pytest.mark.skipif(bool(_why_not()), reason=_why_not() or "it is there")
