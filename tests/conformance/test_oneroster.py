"""`throughline check-oneroster`: faultless packages of both versions, and one for each rule with that rule broken once."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.cli import cli
from pipelines.intake.unpack import Unreadable
from pipelines.quality.conformance import check
from pipelines.quality.conformance_sql import load_rules
from tests import packages

Files = dict[str, list[str]]
Found = tuple[str, str, str, tuple[int, ...]]  # rule, file, column, lines


def found(path: Path, version: str = "") -> list[Found]:
    return [(f.rule, f.file, f.column, f.lines) for f in check(path, version).findings]


def cell(file: str, line: int, old: str, new: str) -> Callable[[Files], None]:
    """Put `new` for the first `old` in one line (counted from 1 with the header)."""

    def change(files: Files) -> None:
        assert old in files[file][line - 1], f"{file} line {line} has no {old!r}"
        files[file][line - 1] = files[file][line - 1].replace(old, new, 1)

    return change


def add(file: str, line: str) -> Callable[[Files], None]:
    return lambda files: files[file].append(line)


def both(*changes: Callable[[Files], None]) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        for c in changes:
            c(files)

    return change


def without(file: str) -> Callable[[Files], None]:
    return lambda files: files.pop(file) and None


def line_break(files: Files) -> None:
    files["categories"][1] = 'g1,,,"Home\nwork",40'


# name, version, mode, what is broken, and the one finding that must come of it
BROKEN: list[tuple[str, str, Callable[[Files], None], Found]] = [
    ("1.2", "bulk", cell("manifest", 1, "propertyName,value", "PropertyName,Value"), ("manifest_header", "manifest.csv", "", (1,))),
    ("1.2", "bulk", add("manifest", "manifest.version,1.0"), ("manifest_duplicate", "manifest.csv", "manifest.version", (27,))),
    ("1.1", "bulk", cell("manifest", 2, "1.0", "1"), ("manifest_version_wrong", "manifest.csv", "manifest.version", (2,))),
    ("1.2", "bulk", cell("manifest", 3, "1.2", "1.2.1"), ("oneroster_version", "manifest.csv", "oneroster.version", (3,))),
    ("1.2", "bulk", both(lambda f: f["manifest"].remove("file.userResources,bulk"), without("userResources")),
     ("manifest_incomplete", "manifest.csv", "file.userResources", (1,))),
    ("1.1", "bulk", add("manifest", "file.roles,absent"), ("manifest_unknown_property", "manifest.csv", "file.roles", (19,))),
    ("1.2", "bulk", cell("manifest", 24, "bulk", "full"), ("manifest_mode", "manifest.csv", "file.userResources", (24,))),
    ("1.2", "bulk", without("userResources"), ("file_missing", "manifest.csv", "file.userResources", (24,))),
    ("1.2", "bulk", cell("manifest", 24, "bulk", "absent"), ("file_not_declared", "manifest.csv", "file.userResources", (24,))),
    ("1.1", "bulk", lambda f: f.update(extra=["a"]), ("unknown_file", "extra.csv", "", ())),
    ("1.2", "bulk", cell("orgs", 1, "name", "Name"), ("header_case", "orgs.csv", "Name", (1,))),
    ("1.1", "bulk", cell("courses", 1, "grades", "grade"), ("legacy_column", "courses.csv", "grade", (1,))),
    ("1.2", "bulk", both(cell("categories", 1, "weight", "weight,colour"), cell("categories", 2, "40", "40,red")),
     ("unknown_column", "categories.csv", "colour", (1,))),
    ("1.2", "bulk", both(cell("categories", 1, "title,weight", "metadata.a,title,weight"), cell("categories", 2, "Homework,40", "x,Homework,40")),
     ("extension_order", "categories.csv", "metadata.a", (1,))),
    ("1.2", "bulk", both(cell("categories", 1, "title,weight", "weight,title"), cell("categories", 2, "Homework,40", "40,Homework")),
     ("header_order", "categories.csv", "", (1,))),
    ("1.2", "bulk", both(cell("categories", 1, ",weight", ""), cell("categories", 2, ",40", "")), ("missing_column", "categories.csv", "weight", (1,))),
    ("1.2", "bulk", cell("categories", 1, "weight", "title"), ("file_is_readable", "categories.csv", "", (1,))),
    ("1.2", "bulk", lambda f: f["demographics"].pop(0) and None, ("no_header", "demographics.csv", "", (1,))),
    ("1.2", "bulk", cell("enrollments", 3, "true,,", "true,,,,"), ("line_is_well_formed", "enrollments.csv", "", (3,))),
    ("1.2", "bulk", line_break, ("no_line_break", "categories.csv", "title", (2,))),
    ("1.2", "bulk", cell("orgs", 4, "Birch School", ""), ("required_value", "orgs.csv", "name", (4,))),
    ("1.2", "bulk", cell("scoreScales", 2, "s1,c1,k1", "s1,,k1"), ("required_value", "scoreScales.csv", "courseSourcedId", (2,))),
    ("1.2", "bulk", cell("orgs", 2, "d1,,,", "d1,active,,"), ("blank_in_bulk", "orgs.csv", "status", (2,))),
    ("1.1", "bulk", cell("orgs", 2, "d1,,,", "d1,,2025-09-20T01:02:03.000Z,"), ("blank_in_bulk", "orgs.csv", "dateLastModified", (2,))),
    ("1.2", "delta", cell("orgs", 2, "active", ""), ("required_in_delta", "orgs.csv", "status", (2,))),
    ("1.2", "delta", cell("orgs", 2, "2025-09-20T01:02:03.000Z", ""), ("required_in_delta", "orgs.csv", "dateLastModified", (2,))),
    ("1.2", "bulk", add("categories", "g1,,,Tests,60"), ("sourced_id_is_unique", "categories.csv", "sourcedId", (3,))),
    ("1.2", "bulk", cell("orgs", 4, "d1", "d9"), ("reference_is_in_the_package", "orgs.csv", "parentSourcedId", (4,))),
    ("1.1", "bulk", cell("users", 2, "s1,s2", "s1,s9"), ("reference_is_in_the_package", "users.csv", "orgSourcedIds", (2,))),
    ("1.2", "bulk", cell("demographics", 2, "u1", "u9"), ("reference_is_in_the_package", "demographics.csv", "sourcedId", (2,))),
    ("1.2", "bulk", cell("orgs", 4, "school", "School"), ("vocabulary", "orgs.csv", "type", (4,))),
    ("1.2", "bulk", cell("roles", 2, "primary", "ext:main"), ("vocabulary", "roles.csv", "roleType", (2,))),
    ("1.1", "bulk", cell("demographics", 2, "female", "other"), ("vocabulary", "demographics.csv", "sex", (2,))),
    ("1.2", "bulk", cell("resources", 2, "student,teacher", "student,pupil"), ("vocabulary", "resources.csv", "roles", (2,))),
    ("1.2", "bulk", cell("courses", 2, "09,10", "09,Ten"), ("grade_is_known", "courses.csv", "grades", (2,))),
    ("1.2", "delta", cell("orgs", 2, "active", "inactive"), ("legacy_word", "orgs.csv", "status", (2,))),
    ("1.2", "bulk", cell("results", 3, "not submitted", "late"), ("legacy_word", "results.csv", "scoreStatus", (3,))),
    ("1.2", "bulk", cell("userResources", 2, "ub1", "ub 1"), ("guid", "userResources.csv", "sourcedId", (2,))),
    ("1.2", "bulk", cell("classes", 2, "sy26,t1", "sy26,,t1"), ("guid_list", "classes.csv", "termSourcedIds", (2,))),
    ("1.2", "bulk", cell("demographics", 2, "2011-02-28", "2011-02-29"), ("date", "demographics.csv", "birthDate", (2,))),
    ("1.2", "bulk", cell("lineItems", 2, "2025-09-01", "9/1/2025"), ("date", "lineItems.csv", "assignDate", (2,))),
    ("1.2", "delta", cell("orgs", 2, "03.000Z", "03Z"), ("date_time", "orgs.csv", "dateLastModified", (2,))),
    ("1.2", "bulk", cell("academicSessions", 3, "sy26,2026", "sy26,2025-26"), ("year", "academicSessions.csv", "schoolYear", (3,))),
    ("1.2", "bulk", cell("users", 4, "true", "TRUE"), ("boolean", "users.csv", "enabledUser", (4,))),
    ("1.2", "bulk", cell("resultLearningObjectiveIds", 2, "3.5", "3%"), ("float", "resultLearningObjectiveIds.csv", "score", (2,))),
    ("1.2", "bulk", cell("categories", 2, "40", "40.5"), ("integer", "categories.csv", "weight", (2,))),
    ("1.2", "bulk", cell("classes", 2, '"1,2"', '"1,"'), ("list", "classes.csv", "periods", (2,))),
    ("1.2", "bulk", cell("users", 2, "{sis:1},{local:2}", "sis:1"), ("user_ids", "users.csv", "userIds", (2,))),
    ("1.2", "bulk", cell("scoreScales", 2, "{A:90-100},", "A=90,"), ("scale_pairs", "scoreScales.csv", "scoreScaleValue", (2,))),
    ("1.2", "bulk", cell("courses", 2, "sy26", "t1"), ("school_year_is_a_school_year", "courses.csv", "schoolYearSourcedId", (2,))),
    ("1.2", "bulk", cell("enrollments", 4, "s1", "d1"), ("school_is_a_school", "enrollments.csv", "schoolSourcedId", (4,))),
    ("1.1", "bulk", cell("classes", 3, "s1", "d1"), ("school_is_a_school", "classes.csv", "schoolSourcedId", (3,))),
    ("1.2", "bulk", cell("lineItems", 3, ",s1", ",d1"), ("school_is_a_school", "lineItems.csv", "schoolSourcedId", (3,))),
    ("1.2", "bulk", cell("lineItems", 3, "t1", "sy26"), ("session_is_within_a_year", "lineItems.csv", "academicSessionSourcedId", (3,))),
    ("1.1", "bulk", cell("lineItems", 2, "t1", "sy26"), ("session_is_within_a_year", "lineItems.csv", "gradingPeriodSourcedId", (2,))),
    ("1.2", "bulk", cell("roles", 5, "2026-06-01", "2025-08-01"), ("ends_after_it_begins", "roles.csv", "endDate", (5,))),
    ("1.2", "bulk", add("roles", "r5,,,u1,primary,student,2025-10-01,,s1,"), ("one_primary_role", "roles.csv", "roleType", (2, 6))),
    ("1.2", "bulk", add("roles", "r5,,,u1,secondary,student,2025-10-01,,s2,"), ("a_primary_role", "roles.csv", "roleType", (6,))),
    ("1.2", "bulk", cell("users", 4, ",s1,", ",s2,"), ("primary_org_has_a_role", "users.csv", "primaryOrgSourcedId", (4,))),
    ("1.2", "bulk", cell("roles", 2, "p1", "p2"), ("profile_is_the_users_own", "roles.csv", "userProfileSourcedId", (2,))),
    ("1.2", "bulk", cell("results", 2, "18.5", "20.5"), ("score_is_possible", "results.csv", "score", (2,))),
    ("1.1", "bulk", cell("results", 2, "18.5", "-1"), ("score_is_possible", "results.csv", "score", (2,))),
    ("1.2", "bulk", cell("results", 2, "k1", "k2"), ("class_is_the_assignments", "results.csv", "classSourcedId", (2,))),
    ("1.2", "bulk", cell("results", 3, "u1", "u4"), ("student_is_in_the_class", "results.csv", "studentSourcedId", (3,))),
    ("1.2", "bulk", add("enrollments", "e4,,,k1,s1,u2,teacher,true,,"), ("one_primary_teacher", "enrollments.csv", "primary", (3, 5))),
    ("1.2", "bulk", cell("courses", 2, "02052,02001", "02052"), ("subjects_have_their_codes", "courses.csv", "subjectCodes", (2,))),
]  # fmt: skip


@pytest.mark.parametrize("mode", ["bulk", "delta"])
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_package_to_the_standard_with_every_file_has_no_findings(tmp_path: Path, version: str, mode: str) -> None:
    report = check(packages.write(tmp_path / "p", packages.package(version, mode)))
    assert report.findings == ()
    assert report.is_conformant
    assert (report.version, len(report.files), {f.mode for f in report.files}) == (version, {"1.1": 13, "1.2": 21}[version], {mode})
    assert {f.file: f.n_rows for f in report.files} == {f: len(lines) - 1 for f, lines in packages.PACKAGES[version].items()}


@pytest.mark.parametrize(("version", "mode", "spoil", "expected"), BROKEN, ids=[f"{b[3][0]}-{b[3][1]}-{b[3][2]}-{b[0]}" for b in BROKEN])
def test_each_rule_broken_once_is_found_there_and_nothing_else(
    tmp_path: Path, version: str, mode: str, spoil: Callable[[Files], None], expected: Found
) -> None:
    files = packages.package(version, mode)
    spoil(files)
    assert found(packages.write(tmp_path / "p", files)) == [expected]


def test_every_rule_is_broken_by_some_test() -> None:
    assert set(load_rules()) == {expected[0] for *_, expected in BROKEN} | {"not_at_root"}


def test_a_zip_is_read_like_its_folder_and_should_hold_files_at_its_root(tmp_path: Path) -> None:
    folder = packages.write(tmp_path / "p", packages.package("1.2"))
    for prefix, expected in (("", []), ("export/", [("not_at_root", "p.zip", "", ())])):
        with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
            for path in folder.iterdir():
                archive.write(path, prefix + path.name)
        assert found(tmp_path / "p.zip") == expected


def test_a_delta_may_name_what_the_receiver_holds_but_not_what_a_whole_file_lacks(tmp_path: Path) -> None:
    files = packages.package("1.2", "delta")
    files = {"manifest": packages.manifest("1.2", {"enrollments": "delta", "orgs": "bulk"}), "enrollments": files["enrollments"], "orgs": []}
    files["orgs"] = packages.V12["orgs"][:-1]
    assert found(packages.write(tmp_path / "p", files)) == []
    files["enrollments"][1] = files["enrollments"][1].replace("s1", "s2")
    assert found(packages.write(tmp_path / "q", files)) == [("reference_is_in_the_package", "enrollments.csv", "schoolSourcedId", (2,))]


def test_the_version_asked_for_overrules_the_manifest(tmp_path: Path) -> None:
    files = packages.package("1.1")
    files["manifest"][2] = "oneroster.version,2"
    folder = packages.write(tmp_path / "p", files)
    with pytest.raises(Unreadable, match=r"oneroster.version is '2'"):
        check(folder)
    assert found(folder, "1.1") == [("oneroster_version", "manifest.csv", "oneroster.version", (3,))]


def test_the_command_prints_no_value_and_ends_with_the_right_status(tmp_path: Path) -> None:
    good = packages.write(tmp_path / "good", packages.package("1.2"))
    files = packages.package("1.2")
    cell("users", 2, "true,ada", "TRUE,ada")(files)
    cell("demographics", 2, "2011-02-28", "28 February")(files)
    bad = packages.write(tmp_path / "bad", files)
    files["users"].pop(0)
    headless = packages.write(tmp_path / "headless", files)
    run = CliRunner()
    assert run.invoke(cli, ["check-oneroster", str(good)]).exit_code == 0
    told = run.invoke(cli, ["check-oneroster", str(bad)])
    said = run.invoke(cli, ["check-oneroster", str(bad), "--json"])
    assert (told.exit_code, said.exit_code) == (3, 3)
    third = run.invoke(cli, ["check-oneroster", str(headless), "--json"])
    assert third.exit_code == 3
    for text in (told.stdout, said.stdout, third.stdout):
        assert not [secret for secret in ("ada", "Ada", "TRUE", "28 February", "u1") if secret in text]
    report = json.loads(said.stdout)
    assert [(f["rule"], f["file"], f["column"], f["count"], f["lines"], f["severity"]) for f in report["findings"]] == [
        ("date", "demographics.csv", "birthDate", 1, [2], "critical"),
        ("boolean", "users.csv", "enabledUser", 1, [2], "critical"),
    ]
    assert all(f["place"] and f["remedy"] and f["message"] for f in report["findings"])
    for nothing in (tmp_path / "none.zip", tmp_path):
        failed = run.invoke(cli, ["check-oneroster", str(nothing)])
        assert failed.exit_code == 1
        assert nothing.name in failed.stderr


def test_many_breaches_are_counted_and_the_first_lines_named(tmp_path: Path) -> None:
    files = packages.package("1.2")
    files["categories"] += [f"h{n},,,Extra,1.5" for n in range(1000)]
    (finding,) = check(packages.write(tmp_path / "p", files)).findings
    assert (finding.rule, finding.count, finding.lines) == ("integer", 1000, (3, 4, 5, 6, 7))


def test_a_package_that_somebody_else_made(shared_data: Path) -> None:
    folder = shared_data / "grand-bend/oneroster-1.1"
    with (folder / "users.csv").open(newline="", encoding="utf-8-sig") as f:
        header, *rows = csv.reader(f)
    ragged = tuple(n for n, row in enumerate(rows, start=2) if len(row) != len(header))
    manifest = (folder / "manifest.csv").read_text(encoding="utf-8-sig").splitlines()
    wrong = manifest.index("manifest.version,1") + 1
    assert found(folder) == [
        ("line_is_well_formed", "users.csv", "", ragged),
        ("manifest_version_wrong", "manifest.csv", "manifest.version", (wrong,)),
    ]
    assert (ragged, wrong) == ((10, 11), 2), "the files are not those that this test was written for"
