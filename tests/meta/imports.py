"""What the table of imports makes of a module."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from tests.meta.source_tree import OURS, ROOT, is_below

if TYPE_CHECKING:
    from tests.meta.source_tree import Module

TABLE = ROOT / "tests" / "meta" / "imports.toml"

# The one module that sees every responder.
RESPONDER_TABLE = "responders"


class Library(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may import a library, and who only for a type checker's sake."""

    users: tuple[str, ...]
    typing: tuple[str, ...] = ()


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules, as imports.toml says them; ``groups`` are what rooms name as @name."""

    pure: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]
    rooms: dict[str, tuple[str, ...]]
    libraries: dict[str, Library]
    reaches: dict[str, tuple[str, ...]]

    def allowed(self, module: str) -> tuple[str, ...] | None:
        """What of ours a module may import; None where no line names it."""
        rooms = [room for room in self.rooms if is_below(module, room)]
        room = max(rooms, key=len, default=None)
        # A package's line speaks for what is inside it, save for those that hold rooms.
        if room is None or (room in {"shared", "shared.store"} and module != room):
            return None
        return tuple(
            name
            for each in self.rooms[room]
            for name in (self.groups[each[1:]] if each.startswith("@") else (each,))
        )

    def lines(self) -> set[str]:
        """Every module and package that a line names."""
        return {
            *self.pure,
            *self.rooms,
            *(name for group in self.groups.values() for name in group),
            *(
                name
                for rooms in self.rooms.values()
                for name in rooms
                if not name.startswith("@")
            ),
            *(
                user
                for library in self.libraries.values()
                for user in (*library.users, *library.typing)
            ),
            *(user for users in self.reaches.values() for user in users),
        }


@cache
def table() -> Table:
    """The rules of the tree."""
    return msgspec.toml.decode(TABLE.read_bytes(), type=Table)


def strangers(module: Module) -> list[str]:
    """The imports of ours that the table does not allow."""
    rooms = table().allowed(module.name)
    if rooms is None:
        return [f"{module.path}: no room of imports.toml speaks for {module.name}"]
    return [
        f"{module.where(found.line)}: {module.name} imports {found.module}"
        for found in module.imports()
        if any(is_below(found.module, top) for top in OURS)
        and not any(is_below(found.module, room) for room in rooms)
        and not (
            module.name == RESPONDER_TABLE and is_below(found.module, "responders")
        )
    ]


def wrong_libraries(module: Module) -> list[str]:
    """The imports of libraries that the table does not allow."""
    found = []
    for each in module.imports():
        top = each.module.partition(".")[0]
        if top in sys.stdlib_module_names or top in OURS:
            continue
        name = max(
            (n for n in table().libraries if is_below(each.module, n)), default=None
        )
        users = () if name is None else table().libraries[name].users
        if each.is_typing and name is not None:
            users += table().libraries[name].typing
        if not any(is_below(module.name, user) for user in users):
            where = module.where(each.line)
            found.append(f"{where}: {module.name} imports {each.module}")
    return found


def reaches(module: Module) -> list[str]:
    """Where it takes the time, the environment, chance or the network for itself."""
    found = {
        (line, name)
        for used, line in module.uses()
        for name, users in table().reaches.items()
        if is_below(used, name)
        and not any(is_below(module.name, user) for user in users)
    }
    return [
        f"{module.where(line)}: {module.name} uses {name}"
        for line, name in sorted(found)
    ]
