"""What was before: the file that a change of retention is taken back by."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from shared.log_retention.plan import Line, Plan
from shared.log_retention.table import INHERITED, INTERACTIVE, TOTAL
from shared.model.errors import CommandRefused

if TYPE_CHECKING:
    from pathlib import Path


class Image(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plans that were carried out, or begun, with what was before each line."""

    made_at: datetime
    plans: tuple[Plan, ...]


def write(file: Path, image: Image) -> None:
    """Have it on the disk. Raises OSError, also where the file is there already."""
    kept = [
        msgspec.structs.replace(plan, lines=tuple(plan.changes))
        for plan in image.plans
        if plan.changes
    ]
    text = msgspec.json.encode(msgspec.structs.replace(image, plans=tuple(kept)))
    with file.open("xb") as out:
        out.write(msgspec.json.format(text, indent=2) + b"\n")
        out.flush()
        os.fsync(out.fileno())


def read(file: Path) -> Image:
    """The image of a file. Raises OSError, and CommandRefused for what is none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Image)
    except msgspec.MsgspecError as error:
        raise CommandRefused(
            f"{file}: not what `firewatch retention apply` wrote: {error}"
        ) from None


def back(line: Line) -> dict[str, int]:
    """What puts a line back to what was, and touches nothing else."""
    was = line.before
    days = {
        INTERACTIVE: INHERITED if was.of_workspace else was.interactive,
        TOTAL: INHERITED if was.as_interactive else was.total,
    }
    return {name: value for name, value in days.items() if name in line.properties}
