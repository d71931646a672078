"""Approvals as they are kept: signed, for one plan, by one person, for a time.

Whoever can write rows cannot approve by that: the key is not in the store (review F14).
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shared.model.deed import Approval
from shared.model.text import instant

if TYPE_CHECKING:
    from datetime import datetime

    from shared.answers.keys import Keys
    from shared.model.deed import DeedRow

# What the signature is for; a link's is another.
PURPOSE = "approval"


class Approving:
    """Signs approvals and proves them; without keys it does neither."""

    def __init__(self, keys: Keys | None) -> None:
        self._keys = keys

    @property
    def is_possible(self) -> bool:
        """Whether an approval can be given at all."""
        return self._keys is not None

    def signed(
        self, row: DeedRow, by: str, at: datetime, until: datetime
    ) -> Approval | None:
        """That somebody lets the plan of the row pass; None where nothing can be signed."""
        if self._keys is None:
            return None
        given = Approval(by=by, at=at, plan=row.deed.digest, until=until, mac="")
        mac = self._keys.current(PURPOSE).mac(_message(row, given))
        return replace(given, mac=mac)

    def holds(self, row: DeedRow, now: datetime) -> bool:
        """Whether somebody let pass exactly what the row plans, and it still counts."""
        given = row.approval
        if given is None or self._keys is None:
            return False
        if given.plan != row.deed.digest or not given.at <= now < given.until:
            return False
        message = _message(row, given)
        return any(
            hmac.compare_digest(key.mac(message), given.mac)
            for key in self._keys.active(PURPOSE)
        )


def _message(row: DeedRow, given: Approval) -> str:
    parts = (row.key, given.plan, given.by, instant(given.at), instant(given.until))
    return "".join(f"{len(part)}:{part}" for part in parts)
