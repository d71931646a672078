from __future__ import annotations

import csv
import subprocess
import sys

import pytest

from shared.model.alert import Severity
from shared.sources import terms
from shared.triage import catalogue
from shared.triage.catalogue import AlertType, Catalogue

TYPES = catalogue.load().types
BY_NAME = {each.name: each for each in TYPES}


def make_type(identifier: str = "", title: str = "A title") -> AlertType:
    """A type of which only its names matter."""
    return AlertType(
        identifier=identifier,
        title=title,
        severities=(Severity.LOW,),
        tactics=(),
        plan="Defender for Servers",
        is_deprecated=False,
    )


def found(alert_type: str, title: str = "") -> str | None:
    """The name of what the packaged catalogue finds."""
    hit = catalogue.load().find(alert_type, title)
    return hit.name if hit else None


class TestByIdentifier:
    @pytest.mark.parametrize(
        "alert_type",
        [
            "K8S.NODE_Webshell",
            "k8s.node_webshell",
            "SIMULATED_K8S.NODE_Webshell",
            "simulated_K8S.NODE_WEBSHELL",
            " K8S.NODE_Webshell ",
        ],
    )
    def test_case_and_sample_prefix_do_not_matter(self, alert_type: str) -> None:
        """Hub and REST spell one identifier differently, samples put a word in front."""
        assert found(alert_type) == "K8S.NODE_Webshell"

    def test_a_documented_variant_is_a_type_of_its_own(self) -> None:
        """A variant that the list has is not taken for the type it is a variant of."""
        general = "Storage.Blob_DataExfiltration.AmountOfDataAnomaly"

        assert found(general) == general
        assert found(f"{general}.Sensitive") == f"{general}.Sensitive"
        assert (
            found("arm_anomalousserviceoperation.credentialaccess")
            == "ARM_AnomalousServiceOperation.CredentialAccess"
        )

    def test_an_undocumented_variant_is_what_it_is_a_variant_of(self) -> None:
        """Variants are added without notice; tactics and severity of the kind stay."""
        name = "Storage.Blob_DeletionAnomaly"

        assert found(f"{name}.Sensitive") == name
        assert found(f"SIMULATED_{name}.Sensitive.New") == name

    @pytest.mark.parametrize(
        "alert_type",
        [
            "",
            "SIMULATED_",
            "ARM",
            "K8S.NODE",
            "K8S.NODE_",
            "K8S.NODE_NobodyKnows",
            "ARM_AnomalousServiceOperation.NobodyKnows",
            "." * 256,
        ],
    )
    def test_what_is_not_documented_is_not_found(self, alert_type: str) -> None:
        """The source in front of the underscore alone is no type."""
        assert found(alert_type) is None

    def test_the_identifier_outranks_the_title(self) -> None:
        """A title that another type has alone does not lead away from the identifier."""
        kinds = Catalogue([make_type("VM_One"), make_type(title="Shared")])

        assert kinds.find("VM_One", "Shared") == kinds.types[0]


class TestByTitle:
    @pytest.mark.parametrize(
        ("alert_type", "title"),
        [
            ("VM_Undocumented", "Suspicious SVCHOST process executed"),
            ("VM_Undocumented", "suspicious svchost  process executed"),
            ("VM_Undocumented", "[SAMPLE ALERT] Suspicious SVCHOST process executed"),
            ("VM_Undocumented", "(Preview) Suspicious SVCHOST process executed"),
            ("VM_Undocumented", "PREVIEW - Suspicious SVCHOST process executed"),
            ("VM_Undocumented", "Suspicious SVCHOST process executed (Preview)"),
            (
                "VM_Undocumented",
                "Suspicious SVCHOST process executed [seen multiple times]",
            ),
            ("Suspicious SVCHOST process executed", ""),
            ("Suspicious SVCHOST process executed", "Whatever"),
        ],
    )
    def test_a_type_without_identifier_is_found(
        self, alert_type: str, title: str
    ) -> None:
        """Marks around the title come and go; old alerts have the title as their type."""
        assert found(alert_type, title) == "Suspicious SVCHOST process executed"

    def test_twins_are_told_apart_where_both_are_documented(self) -> None:
        """What was seen many times is a row of its own for some types."""
        title = "Process associated with digital currency mining detected"

        assert found("VM_X", title) == title
        assert (
            found("VM_X", f"{title} [seen multiple times]")
            == f"{title} [seen multiple times]"
        )

    def test_the_single_twin_is_found_where_only_the_other_is_documented(self) -> None:
        """One that is listed as seen many times is the same detection when seen once."""
        assert found("VM_X", "Shellcode detected") == (
            "Shellcode detected [seen multiple times]"
        )

    def test_titles_of_types_with_an_identifier_lead_nowhere(self) -> None:
        """Ten identifiers may share a title, so it says too little."""
        kinds = Catalogue([make_type("VM_One", "Only here")])

        assert kinds.find("VM_Other", "Only here") is None

    def test_no_title_is_nobodys(self) -> None:
        """An alert without either name finds nothing."""
        assert found("", "") is None
        assert found("", "(Preview)") is None


class TestDefaults:
    def test_the_worst_documented_severity_is_the_default(self) -> None:
        """Where the level depends on the case, the cautious one is taken."""
        malware = BY_NAME["Storage.Blob_MalwareDownload"]

        assert malware.severities == (Severity.HIGH, Severity.LOW)
        assert malware.severity is Severity.HIGH

    def test_a_type_may_have_no_severity(self) -> None:
        """A dash or nothing in the documentation is no level."""
        assert BY_NAME["AzureDNS_ProtocolAnomaly"].severity is None

    def test_plan_and_deprecation_are_known(self) -> None:
        """One plan each; what Microsoft withdrew is still found, and marked."""
        assert BY_NAME["KV_AppAnomaly"].plan == "Defender for Key Vault"
        assert not BY_NAME["KV_AppAnomaly"].is_deprecated
        assert BY_NAME["VM_EICAR"].is_deprecated


class TestTheFile:
    def test_it_holds_what_it_is_said_to_hold(self) -> None:
        """The counts that docs/catalogue.md states."""
        live = [each for each in TYPES if not each.is_deprecated]

        assert (len(TYPES), len(live)) == (676, 473)
        assert sum(not each.identifier for each in TYPES) == 84
        assert len({each.plan for each in TYPES}) == 14

    def test_it_is_sorted_and_free_of_duplicates(self) -> None:
        """By identifier, then what has none by title; without regard to case."""
        keys = [
            (not each.identifier, each.identifier.lower(), each.title.lower())
            for each in TYPES
        ]
        names = [each.name.casefold() for each in TYPES]

        assert keys == sorted(keys)
        assert len(names) == len(set(names))

    def test_every_type_is_found_by_its_own_name(self) -> None:
        """No type hides another."""
        loaded = catalogue.load()

        assert [t.name for t in TYPES if loaded.find(t.identifier, t.title) != t] == []

    def test_severities_stand_with_the_worst_first(self) -> None:
        """Each level once."""
        wrong = [
            each.name
            for each in TYPES
            if list(each.severities)
            != sorted(set(each.severities), key=lambda s: -s.rank)
        ]

        assert wrong == []

    def test_tactics_are_in_the_words_of_the_sources(self) -> None:
        """A default is the same text that an alert's own tactic would have become."""
        wrong = [
            each.name
            for each in TYPES
            if terms.tactics(list(each.tactics)) != each.tactics
        ]

        assert wrong == []

    def test_cells_are_clean(self) -> None:
        """Nothing around a value, no byte order mark, line ends of one byte."""
        raw = catalogue.FILE.read_bytes()
        rows = list(csv.reader(raw.decode("utf-8").splitlines()))

        assert b"\r" not in raw
        assert rows[0][0] == "alert_type"
        assert {len(row) for row in rows} == {6}
        assert [cell for row in rows for cell in row if cell != cell.strip()] == []
        assert {row[5] for row in rows[1:]} == {"yes", "no"}


def test_it_is_read_once_and_at_first_use() -> None:
    """Importing the module reads nothing, and two callers share one catalogue."""
    code = (
        "from shared.triage import catalogue as c; n = c.load.cache_info().currsize;"
        " same = c.load() is c.load(); print(n, same, c.load.cache_info().currsize)"
    )

    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=catalogue.FILE.parents[2],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert said.split() == ["0", "True", "1"]
