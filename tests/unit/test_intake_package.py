from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.lineage.ledger import Delivery
from tests.landing import COURSES, ONEROSTER, ORGS, Desk, manifest, zipped

PACKAGE = "oneroster/2025-08-18/oneroster.zip"
ORG = ORGS + "o1,,,Maple Hollow,district,,\n"
DELTA = ORGS + "o2,active,2025-08-18T00:00:00.000Z,Alder,school,,o1\n"


def _take(tmp_path: Path, files: dict[str, str | bytes]) -> list[Delivery]:
    desk = Desk(tmp_path, [ONEROSTER])
    desk.put(PACKAGE, zipped(files))
    return list(desk.take().taken)


def test_each_file_is_a_delivery_with_the_mode_of_the_manifest(tmp_path: Path) -> None:
    taken = _take(tmp_path, {"manifest.csv": manifest(orgs="delta", courses="bulk"), "orgs.csv": DELTA, "courses.csv": COURSES})
    assert [(d.name, d.table_name, d.mode, d.n_rows, d.status, d.warnings) for d in taken] == [
        (f"{PACKAGE}!courses.csv", "oneroster__courses", "bulk", 0, "raw", ()),
        (f"{PACKAGE}!orgs.csv", "oneroster__orgs", "delta", 1, "raw", ()),
    ]


def test_only_what_changed_in_a_package_is_a_new_delivery(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [ONEROSTER])
    desk.put(PACKAGE, zipped({"manifest.csv": manifest(orgs="bulk", courses="bulk"), "orgs.csv": ORG, "courses.csv": COURSES}))
    assert len(desk.take().taken) == 2
    desk.put(PACKAGE, zipped({"manifest.csv": manifest(orgs="bulk", courses="bulk"), "orgs.csv": ORG + "o2,,,B,school,,\n", "courses.csv": COURSES}))
    assert [(d.table_name, d.sequence) for d in desk.take().taken] == [("oneroster__orgs", 2)]
    desk.put(PACKAGE, zipped({"manifest.csv": manifest(orgs="bulk", courses="delta"), "orgs.csv": ORG + "o2,,,B,school,,\n", "courses.csv": COURSES}))
    assert [(d.table_name, d.mode) for d in desk.take().taken] == [("oneroster__courses", "delta")]


def test_a_folder_is_a_package_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path, [ONEROSTER | {"path": "roster/manifest.csv", "business_date": "2025-08-18"}])
    desk.put("roster/manifest.csv", manifest(orgs="bulk", courses="bulk"))
    desk.put("roster/orgs.csv", ORG)
    first = {d.name: d.status for d in desk.take().taken}
    assert first == {"roster/orgs.csv": "raw", "roster/courses.csv": "blocked"}
    desk.put("roster/courses.csv", COURSES)
    assert [(d.name, d.status, d.sequence) for d in desk.take().taken] == [("roster/courses.csv", "raw", 2)]
    assert desk.take().taken == ()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"orgs.csv": ORG}, "has no manifest.csv;"),
        ({"Manifest.csv": manifest()}, "it has 'Manifest.csv': names are case-sensitive"),
        ({"manifest.csv": "name,value\n"}, "the header is 'name,value'"),
        ({"manifest.csv": manifest(oneroster_version="1.0")}, "oneroster.version is '1.0'; the versions read are 1.1 and 1.2"),
        ({"manifest.csv": manifest() + "file.orgs,bulk\n"}, "file.orgs is given twice, as 'absent' and 'bulk'"),
        ({"manifest.csv": manifest(), "old/manifest.csv": manifest()}, "has 2 manifests"),
        ({"manifest.csv": b"propertyName,value\nsource.systemName,\xe9\n"}, "is not UTF-8"),
    ],
)
def test_a_package_that_cannot_be_understood_is_one_unreadable_delivery(tmp_path: Path, files: dict[str, str | bytes], says: str) -> None:
    (d,) = _take(tmp_path, files)
    assert (d.status, d.table_name, d.raw_path, d.name) == ("unreadable", "", "", PACKAGE)
    assert says in d.why
    assert d.why.startswith(PACKAGE)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"manifest.csv": manifest(orgs="bulk"), "Orgs.csv": ORG}, "does not have it (it has 'Orgs.csv'"),
        ({"manifest.csv": manifest(orgs="full"), "orgs.csv": ORG}, "'full'; it must be absent, bulk or delta"),
        ({"manifest.csv": manifest(), "orgs.csv": ORG}, "file.orgs is absent, but the package has rows of it"),
    ],
)
def test_a_file_that_the_manifest_contradicts_is_blocked_alone(tmp_path: Path, files: dict[str, str | bytes], says: str) -> None:
    (d,) = _take(tmp_path, files)
    assert (d.status, d.table_name) == ("blocked", "oneroster__orgs")
    assert says in d.why


def test_what_can_be_read_all_the_same_is_a_named_warning(tmp_path: Path) -> None:
    wrong = manifest(orgs="bulk", manifest_version="1").replace("file.users,absent\n", "") + "vendor,x\n"
    files: dict[str, str | bytes] = {"manifest.csv": wrong, "orgs.csv": ORG, "extra.csv": "x\n", "courses.csv": COURSES}
    (d,) = _take(tmp_path, {f"export/{name}": content for name, content in files.items()})
    assert d.name == f"{PACKAGE}!export/orgs.csv"
    assert [w.partition(":")[0] for w in d.warnings] == [
        "not_at_root", "manifest_version_wrong", "manifest_incomplete", "manifest_unknown_property", "unknown_file",
    ]  # fmt: skip
    assert "manifest_version_wrong: manifest.version is '1', should be '1.0'" in d.warnings


def test_a_package_without_changes_is_no_delivery(tmp_path: Path) -> None:
    assert _take(tmp_path, {"manifest.csv": manifest()}) == []


def test_passwords_never_reach_raw(tmp_path: Path) -> None:
    header = "sourcedId,status,dateLastModified,enabledUser,username,givenName,familyName,password\n"
    desk = Desk(tmp_path, [ONEROSTER])
    desk.put(PACKAGE, zipped({"manifest.csv": manifest(users="bulk"), "users.csv": header + "u1,,,true,x,Ada,Example,secret\n"}))
    d = desk.one()
    assert "redacted: password not kept" in d.warnings
    assert any(w.startswith("missing_column: no column userIds") for w in d.warnings)
    assert b"secret" not in (tmp_path / "data" / d.raw_path).read_bytes()
    assert "password" not in desk.raw(d)[0]
