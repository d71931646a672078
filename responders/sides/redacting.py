"""Takes secrets out of documents before they are kept: by names, and by how they look.

In doubt a text goes: what is left is for people who look into an incident, and more of
them may read it than could read the resource.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

REDACTED = "[redacted]"

# Names without what is no letter or digit. "secrets" names a list, of permissions or of
# places in vaults; what is secret in it has a name of its own.
_SECRET_NAME = re.compile(
    r"pass(?:word|wd|phrase)|^pwd|pwd$|secret(?!s$|uri|url|id$)|token|credential"
    r"|connectionstring|sas(?:uri|url|key)?$|signature"
    r"|(?:account|access|primary|secondary|shared|private|api|function|host|master"
    r"|storage|admin|auth|encryption|signing|instrumentation|workspace)key(?:value)?$"
    r"|^customdata$|^userdata$|^protectedsettings|^commandtoexecute$|^script$|kubeconfig"
)
_SECRET_TEXT = re.compile(
    r"(?:AccountKey|SharedAccessKey|SharedAccessSignature|Password|Pwd|client_secret"
    r"|api[_-]?key|[?&]sig|[?&]code|token)\s*="
    r"|-----BEGIN|\bBearer\s+\S{16}|\beyJ[\w-]{10,}\.[\w-]{10,}|://[^/@\s:]+:[^/@\s]+@",
    re.IGNORECASE,
)


class Redacted(NamedTuple):
    """A document without its secrets, and how many texts were taken out."""

    document: Any
    texts: int


def redacted(document: Any) -> Redacted:  # noqa: ANN401  any JSON
    """The document with each text that is or may be a secret replaced.

    Below a secret's name every text is, and so is the value of each pair of name and
    value: what programs are set by. Numbers, yes and no stay.
    """
    return _of(document, is_secret=False)


def _of(node: Any, *, is_secret: bool) -> Redacted:  # noqa: ANN401
    if isinstance(node, dict):
        is_pair = {"name", "value"} <= node.keys()
        parts = {
            name: _of(
                value,
                is_secret=is_secret
                or _names_secret(str(name))
                or (is_pair and name == "value"),
            )
            for name, value in node.items()
        }
        document = {name: part.document for name, part in parts.items()}
        return Redacted(document, sum(part.texts for part in parts.values()))
    if isinstance(node, list):
        items = [_of(each, is_secret=is_secret) for each in node]
        return Redacted(
            [each.document for each in items], sum(each.texts for each in items)
        )
    if isinstance(node, str) and node and (is_secret or _SECRET_TEXT.search(node)):
        return Redacted(REDACTED, 1)
    return Redacted(node, 0)


def _names_secret(name: str) -> bool:
    bare = re.sub(r"[^a-z0-9]", "", name.lower())
    return _SECRET_NAME.search(bare) is not None
