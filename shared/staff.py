"""The responders of the policy, built with what each of them needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from shared.model.action import Kind
from shared.model.errors import SettingsError
from shared.triage import policy as policies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from responders.base import Doer, Responder
    from shared.clouds.http import HttpClient
    from shared.model.alert import AlertRow
    from shared.model.deed import Deed
    from shared.model.kept import Kept
    from shared.model.outlets import Outlets
    from shared.model.secret import Secret, SecretRef
    from shared.settings import Settings
    from shared.triage.policy import Policy


class Staff(NamedTuple):
    """Every responder of the policy by name; ``problems`` of those that cannot work.

    Those that tell are ``responders``. Those that change something are ``doers``, and
    only where their settings are right (law 6: guards fail closed). ``able`` are by use,
    without settings: they plan nothing, and can take back what was done.
    """

    responders: dict[str, Responder]
    problems: tuple[str, ...]
    doers: dict[str, Doer]
    able: dict[str, Doer]

    def doer(self, deed: Deed) -> Doer | None:
        """Who can do a deed, or take it back; None where nobody here can."""
        known = self.doers.get(deed.responder)
        is_same = known is not None and known.use == deed.use
        return known if is_same else self.able.get(deed.use)


def staffed(
    policy: Policy,
    settings: Settings,
    http: HttpClient,
    clock: Callable[[], datetime],
    token: Callable[[str], Awaitable[str]],
    *,
    outlets: Outlets,
    kept: Kept,
    alerts: Callable[[str], Awaitable[Sequence[AlertRow]]] | None = None,
) -> Staff:
    """Build each responder; one with wrong settings keeps no other from paging.

    One that tells is there all the same, and its notices wait until its settings are
    mended (law 6: notices fail open).
    """
    # Ingest does without importing them.
    from responders import DOERS, RESPONDERS  # noqa: PLC0415
    from responders.base import Ports, Unusable, nobodys  # noqa: PLC0415
    from shared.clouds.remotes import remotes  # noqa: PLC0415

    def secret(ref: SecretRef) -> Secret:
        found = settings.secret(ref)
        if found is None:
            raise SettingsError([f"app setting {ref.setting} has no value"])
        return found

    azure = remotes(settings, http=http, token=token)
    ports = Ports(secret, http, clock, token, azure, outlets, kept)
    ports = ports._replace(alerts=alerts or nobodys)
    built: dict[str, Responder] = {}
    doers: dict[str, Doer] = {}
    problems: list[str] = []
    for name, given in policy.responders.items():
        path = f"responders.{name}"
        use, config = given.get("use"), {k: v for k, v in given.items() if k != "use"}
        tells, does = RESPONDERS.get(str(use)), DOERS.get(str(use))
        try:
            if does is not None:
                doers[name] = does(name, _settled(config, does.Config, path), ports)
                continue
            if tells is not None:
                built[name] = tells(name, _settled(config, tells.Config, path), ports)
                continue
            said = [f"{path}.use: expected one of {', '.join((*RESPONDERS, *DOERS))}"]
        except SettingsError as error:
            said = [p if p.startswith(path) else f"{path}: {p}" for p in error.problems]
        problems += said
        if does is None:
            kind = tells.kind if tells else Kind.NOTIFY
            built[name] = Unusable(name, said[0], kind)
    able: dict[str, Doer] = {use: does(use, None, ports) for use, does in DOERS.items()}
    return Staff(built, tuple(problems), doers, able)


def _settled(config: object, kind: type, path: str) -> Any:  # noqa: ANN401
    """Any kind's own settings; which, only the table knows."""
    settled, problems = policies.convert(config, cast("type[Any]", kind), path)
    if problems:
        raise SettingsError([str(problem) for problem in problems])
    return settled
