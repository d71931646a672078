"""The blob of a policy that reloads, in memory."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from shared.model.errors import StoreUnavailable
from tests.fakes.store import Faults

if TYPE_CHECKING:
    from collections.abc import Callable


class FakePolicyBlob:
    """``live_policy.Fetch``: ``text`` is what it holds, None where there is no blob.

    ``reads`` counts how often it was asked, ``downloads`` how often it answered with
    the text. ``meanwhile`` is called while somebody waits for the answer.
    """

    def __init__(self, text: str | None = None, faults: Faults | None = None) -> None:
        self.text = text
        self.faults = faults or Faults()
        self.reads = 0
        self.downloads = 0
        self.meanwhile: Callable[[], object] = lambda: None

    async def __call__(self, etag: str) -> tuple[str, bytes] | None:
        self.reads += 1
        async with self.faults.call("policy_blob.fetch"):
            self.meanwhile()
            if self.text is None:
                raise StoreUnavailable("there is no such blob")
            data = self.text.encode()
            version = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
            if etag == version:
                return None
            self.downloads += 1
            return version, data
