"""What a district says of its gradebooks: that a school's zeros are missing work, and which categories of work are not expected. The figures equal the files
worked out again, and those of nights are those of a build from nothing.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from pipelines.lineage.ledger import Ledger
from pipelines.lineage.trace import find_figure, trace
from tests.districts import STANDING, START
from tests.integration.test_figures import assert_equal, built
from tests.nights import Night, make
from tests.oracle import CELL, Oracle

SCHOOL = "110"
WORK = ["assignment_completion", "missing_work", "weighted_missing_work", "on_time_work", "late_work", "d_f_rate"]


def plant_zeros(landing: Path) -> int:
    """Every seventh score in the files becomes a zero, of whatever status; gives how many."""
    n = 0
    for path in sorted(landing.glob("oneroster/*/*.zip")):
        with zipfile.ZipFile(path) as package:
            files = {name: package.read(name) for name in package.namelist()}
        if "results.csv" not in files:
            continue
        reader = csv.DictReader(io.StringIO(files["results.csv"].decode("utf-8")))
        rows = list(reader)
        for row in rows:
            if row["score"] and sum(row["sourcedId"].encode()) % 7 == 0:
                row["score"] = "0"
                n += 1
        text = io.StringIO()
        writer = csv.DictWriter(text, reader.fieldnames or [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        files["results.csv"] = text.getvalue().encode()
        with zipfile.ZipFile(path, "w") as package:
            for name, data in files.items():
                package.writestr(name, data)
    return n


class WithoutHomework(Oracle):
    """As if nobody had been given any homework."""

    def roster(self, file: str) -> pd.DataFrame:
        rows = super().roster(file)
        return rows[rows["categorySourcedId"] != "cat-homework"] if file == "lineItems" else rows


def figures(night: Night, reads: type[Oracle] = Oracle) -> tuple[pd.DataFrame, pd.DataFrame]:
    values = built(night, "agg_indicator_values", CELL)
    for column in ("numerator", "denominator"):
        values[column] = values[column].astype(float)
    expected = reads(night.folder, night.last_date.isoformat()).values()
    return values[values["indicator_id"].isin(WORK)], expected[expected["indicator_id"].isin(WORK)]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    night = make(tmp_path_factory.mktemp("zeros") / "district", 150, 12, seed=5)
    assert plant_zeros(night.landing) > 50
    assert night.run(night.last_date, START).exit_status == 0
    return night


def missing(values: pd.DataFrame, school: str) -> float:
    one = values[(values["indicator_id"] == "missing_work") & (values["school_id"] == school) & (values["grade_level"] == "")
                 & (values["group_family"] == "all") & (values["period_type"] == "year_to_date")]  # fmt: skip
    return float(one["numerator"].sum())


def test_without_the_setting_a_zero_is_a_score(night: Night) -> None:
    values, expected = figures(night)
    assert_equal(values, expected, CELL, ["numerator", "denominator", "n_subjects"])


def test_the_setting_builds_anew_and_a_zero_of_the_school_is_missing(night: Night, tmp_path: Path) -> None:
    before, _ = figures(night)
    schools = set(before["school_id"]) - {"", SCHOOL}
    shutil.copytree(night.folder, tmp_path / "d", symlinks=True)
    there = Night(tmp_path / "d")
    with (there.folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write(f"\n[gradebook]\nzero_is_missing = {json.dumps([SCHOOL])}\n")
    there.run(date.fromisoformat(night.last_date.isoformat()))
    made, is_whole = there.built()
    assert is_whole, "a changed setting makes every table anew"
    assert "fct_measurements" in made
    assert not STANDING & made, "and no view and no seed"
    values, expected = figures(there)
    assert_equal(values, expected, CELL, ["numerator", "denominator", "n_subjects"])
    assert missing(values, SCHOOL) > missing(before, SCHOOL)
    assert all(missing(values, s) == missing(before, s) for s in schools)
    assert anew(there, tmp_path / "fresh").hashes() == there.hashes()


@pytest.mark.prove
def test_work_is_by_modality_where_the_district_says_that_attendance_tells_it(night: Night, tmp_path: Path) -> None:
    """By the modality of the day on which it fell due, unknown where no attendance came; all figures but those of modality stay as they are."""
    before, _ = figures(night)
    assert not (before["group_family"] == "modality").any()
    there = Night(tmp_path / "d")
    shutil.copytree(night.folder, there.folder, ignore=shutil.ignore_patterns("data"))
    with (there.folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write('\n[gradebook]\nwork_modality = "attendance"\n')
    (there.landing / f"attendance/attendance_{START + timedelta(days=3)}.csv").unlink()
    there.run(there.last_date - timedelta(days=4), START)
    there.run(there.last_date, there.last_date - timedelta(days=3))
    values, expected = figures(there)
    assert_equal(values, expected, CELL, ["numerator", "denominator", "n_subjects"])
    by_modality = values["group_family"] == "modality"
    assert {"in_person", "remote", "unknown"} <= set(values.loc[by_modality, "group_value"])
    same = [*CELL, "numerator", "denominator", "n_subjects"]
    assert_equal(values.loc[~by_modality, same], before[same], CELL, ["numerator", "denominator", "n_subjects"])
    assert anew(there, tmp_path / "fresh").hashes() == there.hashes()
    with duckdb.connect(str(there.build), read_only=True) as db, closing(Ledger(there.folder / "data" / "ledger.sqlite")) as ledger:
        where = "indicator_id = 'missing_work' and group_family = 'modality' and period_type = 'year_to_date'"
        for (key,) in db.execute(f"select value_key from marts.agg_indicator_values where {where}").fetchall():
            assert trace(db, ledger, find_figure(db, {"value_key": key}), limit=2).agrees, key


def anew(night: Night, folder: Path) -> Night:
    """The same files and settings, built from nothing."""
    shutil.copytree(night.folder, folder, ignore=shutil.ignore_patterns("data"))
    fresh = Night(folder)
    fresh.run(night.last_date, START)
    return fresh


def send_categories(landing: Path, day: date, lines: list[str], mode: str = "delta") -> None:
    """A package of categories and nothing else: of changes alone, or of all there are."""
    with zipfile.ZipFile(landing / "oneroster" / str(START) / "oneroster.zip") as package:
        manifest = [line.split(",") for line in package.read("manifest.csv").decode().splitlines()]
    told = [[name, {"file.categories": mode}.get(name, "absent") if name.startswith("file.") else value] for name, value in manifest]
    folder = landing / "oneroster" / str(day)
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"roster{mode}.zip", "w") as package:
        package.writestr("manifest.csv", "".join(f"{','.join(line)}\n" for line in told))
        package.writestr("categories.csv", "sourcedId,status,dateLastModified,title,weight\n" + "".join(f"{line}\n" for line in lines))


def without_homework(landing: Path) -> list[str]:
    """The lines of the first package's categories but homework, which its last bulk file of them no longer has."""
    with zipfile.ZipFile(landing / "oneroster" / str(START) / "oneroster.zip") as package:
        lines = package.read("categories.csv").decode().splitlines()[1:]
    kept = [line for line in lines if not line.startswith("cat-homework,")]
    assert len(lines) > len(kept) > 0
    return kept


@pytest.mark.prove
def test_work_of_a_category_that_the_map_leaves_out_is_not_expected_until_it_is_called_something_else(night: Night, tmp_path: Path) -> None:
    shutil.copytree(night.folder, tmp_path / "d", symlinks=True)
    there = Night(tmp_path / "d")
    (there.folder / "codes/work_categories.csv").write_text("category,is_expected\nHOMEWORK,False\nQuiz,TRUE\n", encoding="utf-8")
    there.run(night.last_date)
    values, expected = figures(there, WithoutHomework)
    assert_equal(values, expected, CELL, ["numerator", "denominator", "n_subjects"])
    assert anew(there, tmp_path / "fresh").hashes()[0] == there.hashes()[0]
    books = "select sum(denominator)::bigint, sum(n_assignments_due)::bigint from marts.rpt_gradebook_health"
    ((less, due),), ((all_of_it, all_due),) = there.query(books), night.query(books)
    assert (less < all_of_it, due) == (True, all_due)
    # a category that is no longer listed is still what its work was of
    send_categories(there.landing, night.last_date, without_homework(there.landing), "bulk")
    there.run(night.last_date)
    values, expected = figures(there, WithoutHomework)
    assert_equal(values, expected, CELL, ["numerator", "denominator", "n_subjects"])
    assert there.query("select count(*) from held.oneroster__categories where sourced_id = 'cat-homework' and _withdrawn_on is not null") == [(1,)]
    send_categories(there.landing, night.last_date, [f"cat-homework,active,{night.last_date}T23:00:00.000Z,Practice,"])
    there.run(night.last_date)
    values, expected = figures(there)
    assert_equal(values, expected, CELL, ["numerator", "denominator", "n_subjects"])
    assert there.query(books) == night.query(books)
    assert anew(there, tmp_path / "again").hashes()[0] == there.hashes()[0]
