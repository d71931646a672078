"""Transactions as they travel: what is posted, and how an answer is read."""

from __future__ import annotations

import email
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.errors import StoreUnavailable
from shared.store.ports import Delete, Put
from shared.store.transactions import Part, answers, request

if TYPE_CHECKING:
    from shared.store.ports import Write

URL = "https://acme.table.core.windows.net/work"
WRITES: list[Write] = [
    Put("a|1", b'{"x":1}'),
    Put("h|1", b"{}", 'W/"7"'),
    Delete("d|1"),
]

# As the service answers (Microsoft Learn, "Performing entity group transactions").
BORDER = "--changesetresponse_1\r\n"
PART = (
    BORDER
    + "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
)
CREATED = PART + (
    "HTTP/1.1 204 No Content\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Preference-Applied: return-no-content\r\n"
    "Location: https://acme.table.core.windows.net/work(PartitionKey='00',RowKey='1')\r\n"
    "ETag: W/\"datetime'2026-11-25T12%3A00%3A00.1Z'\"\r\n\r\n\r\n"
)
DELETED = PART + "HTTP/1.1 204 No Content\r\nDataServiceVersion: 1.0;\r\n\r\n\r\n"
LOST = PART + (
    "HTTP/1.1 412 Precondition Failed\r\n"
    "Content-Type: application/json;odata=minimalmetadata;charset=utf-8\r\n\r\n"
    '{"odata.error":{"code":"UpdateConditionNotSatisfied","message":'
    '{"lang":"en-US","value":"1:The update condition was not satisfied."}}}\r\n'
)


def answer(*parts: str) -> bytes:
    """An answer of parts, as bytes."""
    return (
        "--batchresponse_1\r\nContent-Type: multipart/mixed;"
        " boundary=changesetresponse_1\r\n\r\n"
        + "".join(parts)
        + "--changesetresponse_1--\r\n--batchresponse_1--\r\n"
    ).encode()


def parts_of(headers: dict[str, str], content: bytes) -> list[bytes]:
    """The operations of a request, by somebody else's reading of multipart."""
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    message: Any = email.message_from_bytes(head + content)
    (changes,) = message.get_payload()
    return [part.get_payload(decode=True) for part in changes.get_payload()]


def test_each_write_is_a_part_in_order() -> None:
    """An insert says nothing of versions; a replace and a delete name theirs."""
    asked = request(URL, "0a", WRITES, border="b1")
    insert, replace, delete = parts_of(dict(asked.headers), asked.content)
    assert insert.startswith(b"POST " + URL.encode() + b" HTTP/1.1\r\n")
    assert b"If-Match" not in insert
    assert b"return-no-content" in insert
    assert json.loads(insert.partition(b"\r\n\r\n")[2]) == {
        "PartitionKey": "0a",
        "RowKey": "a|1",
        "v": 1,
        "doc0": '{"x":1}',
    }
    assert b"(PartitionKey='0a',RowKey='h%7C1') HTTP/1.1" in replace
    assert b'\r\nIf-Match: W/"7"\r\n' in replace
    assert delete.startswith(b"DELETE ")
    assert b"\r\nIf-Match: *\r\n" in delete


@given(
    st.text(st.characters(codec="utf-8"), max_size=200),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
)
def test_no_text_gets_out_of_its_part(text: str, key: str) -> None:
    """A document or a key of any text is one value of one row, and nothing else."""
    writes: list[Write] = [Put(key, text.encode()), Put(key + "2", b"{}", '"1"')]
    asked = request(URL, "0a", writes, border="b1")
    insert, replace = parts_of(dict(asked.headers), asked.content)
    entity = json.loads(insert.partition(b"\r\n\r\n")[2])
    assert entity["RowKey"] == key
    assert "".join(v for k, v in entity.items() if k.startswith("doc")) == text
    line = replace.split(b"\r\n")[0].decode("ascii")
    named = unquote(line.partition("RowKey='")[2].rpartition("') HTTP/1.1")[0])
    assert named.replace("''", "'") == key + "2"


def test_every_write_has_its_new_version() -> None:
    """A delete has none."""
    found = answers(answer(CREATED, CREATED, DELETED), WRITES)
    assert [part.status for part in found] == [204, 204, 204]
    assert found[0].etag == "W/\"datetime'2026-11-25T12%3A00%3A00.1Z'\""
    assert found[2].etag == ""


def test_what_failed_is_one_part() -> None:
    """Nothing of the transaction was made."""
    assert answers(answer(LOST), WRITES) == [Part(412, "")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>the gateway is tired</html>",
        answer(CREATED, CREATED),
        answer(CREATED, DELETED, DELETED),
        answer(CREATED, CREATED, DELETED, DELETED),
    ],
    ids=["nothing", "a page", "one short", "no version", "one more"],
)
def test_an_answer_about_something_else_says_nothing(content: bytes) -> None:
    """Whether the rows were written is then not known; the caller reads again."""
    with pytest.raises(StoreUnavailable):
        answers(content, WRITES)
