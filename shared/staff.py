"""The responders of the policy, built with what each of them needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from shared.model.errors import SettingsError
from shared.triage import policy as policies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from responders.base import Responder
    from shared.clouds.http import HttpClient
    from shared.model.secret import Secret, SecretRef
    from shared.settings import Settings
    from shared.triage.policy import Policy


class Staff(NamedTuple):
    """Every responder of the policy by name; ``problems`` of those that cannot work."""

    responders: dict[str, Responder]
    problems: tuple[str, ...]


def staffed(
    policy: Policy,
    settings: Settings,
    http: HttpClient,
    clock: Callable[[], datetime],
    token: Callable[[str], Awaitable[str]],
) -> Staff:
    """Build each responder; one with wrong settings keeps no other from paging.

    It is there all the same, and its notices wait until its settings are mended
    (law 6: notices fail open).
    """
    # Ingest does without importing them.
    from responders import RESPONDERS  # noqa: PLC0415
    from responders.base import Ports, Unusable  # noqa: PLC0415
    from shared.clouds.remotes import remotes  # noqa: PLC0415

    def secret(ref: SecretRef) -> Secret:
        found = settings.secret(ref)
        if found is None:
            raise SettingsError([f"app setting {ref.setting} has no value"])
        return found

    azure = remotes(settings, http=http, token=token)
    ports = Ports(secret, http, clock, token, azure)
    built: dict[str, Responder] = {}
    problems: list[str] = []
    for name, given in policy.responders.items():
        path = f"responders.{name}"
        use, config = given.get("use"), {k: v for k, v in given.items() if k != "use"}
        kind = RESPONDERS.get(str(use))
        if kind is None:
            problems.append(f"{path}.use: expected one of {', '.join(RESPONDERS)}")
            built[name] = Unusable(name, problems[-1])
            continue
        try:
            settled = _settled(config, kind.Config, path)
            built[name] = kind(name, settled, ports)
        except SettingsError as error:
            said = [p if p.startswith(path) else f"{path}: {p}" for p in error.problems]
            problems += said
            built[name] = Unusable(name, said[0], kind.kind)
    return Staff(built, tuple(problems))


def _settled(config: object, kind: type, path: str) -> Any:  # noqa: ANN401
    """Any kind's own settings; which, only the table knows."""
    settled, problems = policies.convert(config, cast("type[Any]", kind), path)
    if problems:
        raise SettingsError([str(problem) for problem in problems])
    return settled
