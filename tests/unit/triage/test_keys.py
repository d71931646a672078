"""What ties an alert to others."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest

from shared.model.correlation import Correlation, NeverGroup
from shared.sources import terms
from shared.triage import entity_keys
from shared.triage.families import FAMILIES, families
from shared.triage.fingerprint import Strategy, digest, fingerprint
from shared.triage.keys import MOST_KEYS, keys
from tests.alerts import read_alert, vm
from tests.benchmarks.alerts import body
from tests.benchmarks.keys import MOST, alerts_of, average

ALICE: dict[str, Any] = {"Type": "account", "Name": "alice", "UPNSuffix": "contoso.com"}
ALICE_ID = "5f0d2c5a-9c1e-4b8e-8f4d-0d6f1b1c2a3b"
SID = "S-1-5-21-1004336348-1177238915-682003330-1001"
ADDRESS: dict[str, Any] = {"Type": "ip", "Address": "52.174.10.20"}
DIGEST = f"{7:064x}"
FILE: dict[str, Any] = {"Type": "filehash", "Algorithm": "SHA256", "Value": DIGEST}
DEVICE = "0123456789abcdef0123456789abcdef01234567"


def texts(
    *entities: dict[str, Any],
    never: NeverGroup | None = None,
    **changes: Any,  # noqa: ANN401
) -> list[str]:
    """What the entities of an alert are as keys."""
    alert = read_alert(Entities=list(entities), ExtendedProperties={}, **changes)
    named = (Strategy.FINGERPRINT, Strategy.RESOURCE)
    return [
        k.text for k in keys(alert, never or NeverGroup()) if k.strategy not in named
    ]


def shared(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What two alerts share."""
    mine, theirs = keys(read_alert(**one)), keys(read_alert(**other))
    others = {key.digest for key in theirs}
    return [key.strategy.value for key in mine if key.digest in others]


class TestFamilies:
    def test_every_tactic_that_is_known_is_in_a_family(self) -> None:
        """What the sources can name of ATT&CK, the legacy names too, is placed."""
        placed = frozenset().union(*FAMILIES.values())
        legacy = {*terms._LEGACY_TACTICS.values()}

        assert {name.lower() for name in placed} == terms._ATTACK_TACTICS
        assert legacy <= placed

    def test_they_are_few(self) -> None:
        """Each is a row for every resource."""
        assert len(FAMILIES) <= 4

    def test_neighbours_in_the_kill_chain_are_related(self) -> None:
        """No stage is cut off from the one before."""
        chain = [
            "Reconnaissance",
            "ResourceDevelopment",
            "InitialAccess",
            "Execution",
            "Persistence",
            "PrivilegeEscalation",
            "DefenseEvasion",
            "CredentialAccess",
            "Discovery",
            "LateralMovement",
            "Collection",
            "CommandAndControl",
            "Exfiltration",
            "Impact",
        ]

        for one, other in itertools.pairwise(chain):
            assert set(families((one,))) & set(families((other,))), (one, other)

    @pytest.mark.parametrize("tactics", [(), ("Unknown9",), ("execution", "Probing")])
    def test_what_names_no_known_tactic_is_related_to_all(
        self, tactics: tuple[str, ...]
    ) -> None:
        """Unknown words do not narrow, and case does not matter."""
        known = [name for name in tactics if name == "execution"]

        assert families(tactics) == (("inside",) if known else tuple(FAMILIES))

    def test_what_knocks_is_not_one_with_what_happens_inside(self) -> None:
        """Unless something got in: that is related to both."""
        knock = {"Intent": "Probing", "AlertType": "a"}
        enter = {"Intent": "Exploitation", "AlertType": "b"}
        inside = {"Intent": "Exfiltration", "AlertType": "c"}

        assert shared(knock, inside) == []
        assert shared(knock, enter) == shared(enter, inside) == ["same resource"]


class TestEntities:
    def test_strong_ones_tie_and_weak_ones_do_not(self) -> None:
        """Names, private addresses, digests of nothing and resolvers are no keys."""
        weak = [
            {"Type": "account", "Name": "administrator"},
            {"Type": "account", "Name": "SYSTEM", "Sid": "S-1-5-18"},
            {"Type": "ip", "Address": "10.0.0.4"},
            {"Type": "ip", "Address": "168.63.129.16"},
            {"Type": "ip", "Address": "8.8.8.8"},
            {"Type": "host", "HostName": "vm-b"},
            {
                "Type": "filehash",
                "Algorithm": "MD5",
                "Value": "d41d8cd98f00b204e9800998ecf8427e",
            },
        ]

        assert texts(*weak) == []
        assert texts(ALICE, ADDRESS, FILE) == [
            "account alice@contoso.com",
            "address 52.174.10.20",
            f"file sha256 {DIGEST}",
        ]

    def test_an_account_is_known_by_each_of_its_names(self) -> None:
        """One product gives the UPN, another the object id, a third both."""
        both = ALICE | {"AadUserId": ALICE_ID}
        by_id = {"Type": "account", "AadUserId": ALICE_ID.upper()}
        changes: list[dict[str, Any]] = [
            {"AzureResourceId": vm(f"vm-{n}"), "Entities": [each]}
            for n, each in enumerate((ALICE, both, by_id))
        ]

        assert shared(changes[0], changes[1]) == ["same account"]
        assert shared(changes[1], changes[2]) == ["same account"]
        assert shared(changes[0], changes[2]) == []

    def test_the_own_machine_adds_no_key(self) -> None:
        """Another machine ties as what happens on it would; a device by its id."""
        own = {"Type": "host", "HostName": "vm-web-01", "AzureID": vm()}
        other = {"Type": "host", "HostName": "vm-b", "AzureID": vm("vm-b")}
        device = {"Type": "host", "HostName": "laptop", "MdatpDeviceId": DEVICE}

        assert texts(own) == []
        assert texts(other, Intent="Execution") == ["resource vm-b, inside"]
        assert texts(device) in ([], ["host laptop"])
        assert shared(
            {"Entities": [other]}, {"AzureResourceId": vm("vm-b"), "Entities": []}
        ) == ["same host"]

    def test_where_it_stands_does_not_matter(self) -> None:
        """What only the extended properties name ties too; it groups, no more."""
        one = read_alert(Entities=[], ExtendedProperties={"Client IP": "52.174.10.20"})

        assert [k.text for k in keys(one)][-1] == "address 52.174.10.20"

    def test_the_strongest_digest_of_a_file_is_enough(self) -> None:
        """Three digests of one file are one row."""
        md5 = {"Type": "filehash", "Algorithm": "MD5", "Value": "0" * 31 + "1"}

        assert texts(md5, FILE) == [f"file sha256 {DIGEST}"]
        assert len(texts(md5)) == 1

    def test_programs_of_the_system_tie_nothing(self) -> None:
        """Their digests are the same on every machine."""
        place = "C:\\Windows\\System32"
        system = {"Type": "file", "Name": "cmd.exe", "Directory": place}
        temp = {"Type": "file", "Name": "a.exe", "Directory": "C:\\Windows\\Temp"}
        hashes = {"FileHashes": [FILE]}

        assert texts(system | hashes) == []
        assert texts(temp | hashes) == [f"file sha256 {DIGEST}"]

    def test_a_flood_of_entities_is_no_flood_of_rows(self) -> None:
        """At most eight, the same ones in any order, and each kind has its turn."""
        flood = [{"Type": "ip", "Address": f"52.174.{n}.1"} for n in range(200)]

        found = texts(*flood, ALICE, FILE)

        assert len(found) == entity_keys.MOST
        assert found == texts(FILE, *reversed(flood), ALICE)
        assert found[0] == "account alice@contoso.com"
        assert found[-1] == f"file sha256 {DIGEST}"
        assert len(keys(read_alert(Entities=flood))) <= MOST_KEYS

    def test_they_tie_within_one_subscription_only(self) -> None:
        """Two may lie in one partition, and have other owners."""
        elsewhere = vm("vm-b", "7c2b3f1e-93d2-4f6c-9f0c-2f6a6a3b0d11")
        host = {"Type": "host", "HostName": "vm-b", "AzureID": elsewhere}

        assert (
            shared(
                {"Entities": [ALICE, ADDRESS, host]},
                {"AzureResourceId": elsewhere, "Entities": [ALICE, ADDRESS, host]},
            )
            == []
        )


class TestNeverGroup:
    @pytest.mark.parametrize(
        ("never", "entity"),
        [
            (NeverGroup(accounts=("ALICE@contoso.COM",)), ALICE),
            (
                NeverGroup(accounts=("alice@contoso.com",)),
                ALICE | {"AadUserId": ALICE_ID},
            ),
            (
                NeverGroup(accounts=(ALICE_ID.upper(),)),
                ALICE | {"AadUserId": ALICE_ID},
            ),
            (
                NeverGroup(accounts=(SID.lower(),)),
                {"Type": "account", "Name": "svc", "Sid": SID},
            ),
            (NeverGroup(addresses=("52.174.10.20",)), ADDRESS),
            (NeverGroup(addresses=("2001:db8::/32", "52.174.0.0/16")), ADDRESS),
            (
                NeverGroup(hosts=(vm("vm-b").lower(),)),
                {"Type": "host", "HostName": "b", "AzureID": vm("vm-b")},
            ),
            (NeverGroup(hashes=(DIGEST.upper(),)), FILE),
        ],
    )
    def test_what_half_the_estate_shares_ties_nothing(
        self, never: NeverGroup, entity: dict[str, Any]
    ) -> None:
        """NAT, service accounts, jump hosts: by any identifier, without case."""
        assert texts(entity)
        assert texts(entity, never=never) == []

    def test_the_lists_are_read_once(self) -> None:
        """Networks are not parsed again for each alert."""
        before = entity_keys.excluded.cache_info().misses
        never = NeverGroup(addresses=("198.51.100.0/24",))

        for _ in range(5):
            texts(ADDRESS, never=never)

        assert entity_keys.excluded.cache_info().misses == before + 1

    def test_what_is_no_network_is_a_mistake_in_the_policy(self) -> None:
        """It is named with its place."""
        raw = {"never_group": {"addresses": ["10.0.0.0/8", "10.0.0.0/99"]}}

        with pytest.raises(msgspec.ValidationError, match=r"addresses\[1\]"):
            msgspec.convert(raw, Correlation)


class TestMissingValues:
    """Peers E1."""

    def test_parts_do_not_run_together(self) -> None:
        """("ab", "c") is not ("a", "bc")."""
        assert digest(x="ab", y="c") != digest(x="a", y="bc")
        assert digest(xa="b") != digest(x="ab")

    def test_absent_is_not_empty(self) -> None:
        """Saying nothing is not saying the empty text."""
        assert digest(x="a", y=None) != digest(x="a", y="")

    def test_missing_values_never_pool(self) -> None:
        """Two alerts that name no resource and no entity share nothing."""
        nowhere: dict[str, Any] = {
            "AzureResourceId": "",
            "ResourceIdentifiers": [],
            "Entities": [],
            "ExtendedProperties": {},
        }
        one = read_alert(SystemAlertId="1", **nowhere)
        other = read_alert(SystemAlertId="2", **nowhere)

        assert fingerprint(one) != fingerprint(other)
        assert keys(one) == keys(other) == ()


def test_an_alert_about_a_machine_takes_few_rows() -> None:
    """Storage is paid by the row."""
    found, _ = average(alerts_of([body(number) for number in range(50)]))

    assert found <= MOST
