"""The ``senders`` section of the policy, and what can be wrong with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, assert_never
from urllib.parse import urlsplit

import msgspec

from shared.model.secret import Secret, SecretRef

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A shorter one is more likely a word than a secret; docs/webhooks.md makes 32 bytes.
MIN_SECRET_LENGTH = 16

# A reference that App Service could not resolve stays in the setting as its own text
# ("Use Key Vault references", Troubleshooting), and that text can be guessed.
_UNRESOLVED_REFERENCE = "@microsoft."

# Entra writes the tenant of ``iss`` as a lower-case GUID, whatever name was asked for.
_TENANT = r"(?P<tenant>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_V2_HOSTS = (
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
)
_V1_HOST = "sts.windows.net"
_V2_ISSUER = re.compile(
    rf"https://(?P<host>{'|'.join(map(re.escape, _V2_HOSTS))})/{_TENANT}/v2\.0"
)
_V1_ISSUER = re.compile(rf"https://{re.escape(_V1_HOST)}/{_TENANT}/")

_Names = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class KeySender(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="method",
    tag="key",
):
    """Shows its secret in each request: for senders that can do no better.

    ``previous`` is a second secret that passes too, for the time of a rotation.
    """

    secret: SecretRef
    formats: _Names
    previous: SecretRef | None = None


class HmacSender(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="method",
    tag="hmac",
):
    """Signs the time and the raw body with its secret, which it never sends.

    ``previous`` is a second secret that passes too, for the time of a rotation.
    """

    secret: SecretRef
    formats: _Names
    previous: SecretRef | None = None


class EntraSender(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="method",
    tag="entra",
):
    """Brings a token of ``issuer`` for ``audience``, given to one of ``app_ids``.

    ``jwks_url`` may be left out for the issuers of Entra ID, whose form says it.
    """

    issuer: str
    audience: str
    app_ids: _Names
    formats: _Names
    jwks_url: str | None = None

    @property
    def keys_url(self) -> str | None:
        """Where the issuer publishes its signing keys, if that is known."""
        if self.jwks_url is not None:
            return self.jwks_url
        if v2 := _V2_ISSUER.fullmatch(self.issuer):
            return f"https://{v2['host']}/{v2['tenant']}/discovery/v2.0/keys"
        # A v1.0 token is checked against the v1.0 document ("Access tokens in the
        # Microsoft identity platform", v1.0 and v2.0 tokens).
        if v1 := _V1_ISSUER.fullmatch(self.issuer):
            return f"https://{_V2_HOSTS[0]}/{v1['tenant']}/discovery/keys"
        return None


Sender = KeySender | HmacSender | EntraSender


def find_problems(senders: Mapping[str, Sender]) -> list[str]:
    """What is wrong in the section itself, each with the path of the field."""
    return [
        f"senders.{name}{problem}"
        for name, sender in senders.items()
        for problem in _problems_of(sender)
    ]


def read_secrets(
    senders: Mapping[str, Sender], secret: Callable[[SecretRef], Secret | None]
) -> tuple[dict[str, tuple[Secret, ...]], list[str]]:
    """The active secrets of each sender that has any, and what is wrong with them."""
    found: dict[str, tuple[Secret, ...]] = {}
    problems = []
    for name, sender in senders.items():
        if isinstance(sender, EntraSender):
            continue
        active = []
        for field in ("secret", "previous"):
            reference: SecretRef | None = getattr(sender, field)
            if reference is None:
                continue
            value = secret(reference)
            if (weakness := _weakness_of(value)) is not None:
                problems.append(
                    f"senders.{name}.{field}: setting {reference.setting} {weakness}"
                )
            elif value is not None:
                active.append(value)
        found[name] = tuple(active)
    return found, problems


def _problems_of(sender: Sender) -> list[str]:
    match sender:
        case KeySender() | HmacSender():
            own = []
        case EntraSender():
            own = _entra_problems(sender)
        case _:
            assert_never(sender)
    if not _all_named(sender.formats):
        own.append(".formats: name at least one format, and no empty one")
    return own


def _entra_problems(sender: EntraSender) -> list[str]:
    problems = []
    if not _is_https(sender.issuer):
        problems.append(".issuer: must be an https:// address")
    elif _is_misspelt_entra(sender.issuer):
        problems.append(
            ".issuer: never matches a token; write"
            " https://login.microsoftonline.com/<tenant id>/v2.0 or"
            " https://sts.windows.net/<tenant id>/, the id in lower case"
        )
    elif sender.keys_url is None:
        problems.append(".jwks_url: is needed, the issuer is not one of Entra ID's")
    if sender.jwks_url is not None and not _is_https(sender.jwks_url):
        problems.append(".jwks_url: must be an https:// address")
    if not sender.audience.strip():
        problems.append(".audience: must not be empty")
    if not _all_named(sender.app_ids):
        problems.append(".app_ids: name at least one app id, and no empty one")
    return problems


def _is_misspelt_entra(issuer: str) -> bool:
    return urlsplit(issuer).hostname in {*_V2_HOSTS, _V1_HOST} and not (
        _V2_ISSUER.fullmatch(issuer) or _V1_ISSUER.fullmatch(issuer)
    )


def _is_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc


def _all_named(names: tuple[str, ...]) -> bool:
    return bool(names) and all(name.strip() for name in names)


def _weakness_of(value: Secret | None) -> str | None:
    text = "" if value is None else value.reveal()
    if not text:
        return "is missing or empty"
    if text.lower().startswith(_UNRESOLVED_REFERENCE):
        return "holds a Key Vault reference that was not resolved"
    if len(text) < MIN_SECRET_LENGTH:
        return f"is shorter than {MIN_SECRET_LENGTH} characters"
    if not (text.isascii() and text.isprintable()) or text != text.strip():
        return "must be printable ASCII without white space at its ends"
    return None
