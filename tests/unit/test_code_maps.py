"""What a district's code map is refused for."""

import re
from pathlib import Path

import duckdb
import pytest

from pipelines.district import SettingsError, load_district
from pipelines.quality.build import write_settings
from pipelines.quality.expectations import load_suites


def maps(folder: Path, **text: str) -> Path:
    (folder / "codes").mkdir()
    for name, rows in text.items():
        (folder / f"codes/{name}.csv").write_text(rows, encoding="utf-8")
    (folder / "district.toml").write_text('school_years = []\nsources = []\n[district]\nid = "d"\nname = "D"\n', encoding="utf-8")
    return folder


@pytest.mark.parametrize("word", ["true", "TRUE", "False", " false "])
def test_whether_work_is_expected_is_said_in_any_case(tmp_path: Path, word: str) -> None:
    rows = load_district(maps(tmp_path, work_categories=f"category,is_expected\nHomework,{word}\n")).code_map("work_categories")
    assert [r["is_expected"] for r in rows] == [word.strip()]


@pytest.mark.parametrize("word", ["yes", "1", "", "tru"])
def test_another_word_is_refused_with_its_file_line_and_remedy(tmp_path: Path, word: str) -> None:
    district = load_district(maps(tmp_path, work_categories=f"category,is_expected\nQuiz,true\nHomework,{word}\n"))
    with pytest.raises(SettingsError, match=rf"work_categories\.csv, line 3: is_expected is '{word}'; write true or false"):
        district.code_map("work_categories")


LEVELS = "assessment_id,subject,grade_level,start_level,end_level\n"


def test_levels_are_plain_numbers_and_each_is_said_once(tmp_path: Path) -> None:
    rows = load_district(maps(tmp_path, learning_levels=f"{LEVELS}growth,,04,4,4.875\ngrowth,,05,5,6\n")).code_map("learning_levels")
    assert [r["end_level"] for r in rows] == ["4.875", "6"]


@pytest.mark.parametrize(
    ("row", "said"),
    [("growth,,04,,5", "start_level is ''"), ("growth,,04,four,5", "start_level is 'four'"), ("growth,,04,4,4.8755", "end_level is '4.8755'"),
     ("growth,,04,-1,5", "start_level is '-1'"), ("growth,,4,4,5", "grade_level is '4'; write a grade as codes/grade_levels.csv translates to, one of IT"),
     ("growth,,kg,4,5", "grade_level is 'kg'"), ("growth,,,4,5", "grade_level is ''"),
     ("growth,,03,3,5", "assessment_id, subject, grade_level are those of a row before")],
)  # fmt: skip
def test_a_level_that_cannot_be_read_is_refused(tmp_path: Path, row: str, said: str) -> None:
    district = load_district(maps(tmp_path, learning_levels=f"{LEVELS}growth,,03,3,4\n{row}\n"))
    with pytest.raises(SettingsError, match=rf"learning_levels\.csv, line 3: {said}"):
        district.code_map("learning_levels")


@pytest.mark.parametrize(
    ("row", "said"),
    [("growth,2025-9-01,2025-09-30", "first_day is '2025-9-01'; write a date as 2025-09-30"), ("growth,2025-09-01,", "last_day is ''; write a date"),
     ("growth,2025-09-01,2025-09-31", "last_day is '2025-09-31'"), ("growth,20250901,2025-09-30", "first_day is '20250901'"),
     ("growth,2025-09-02,2025-09-01", "last_day is 2025-09-01, before first_day, 2025-09-02; write the later of the two days last"),
     ("growth,2025-12-01,2025-12-02", "assessment_id, first_day are those of a row before")],
)  # fmt: skip
def test_a_window_is_two_days_in_order(tmp_path: Path, row: str, said: str) -> None:
    district = load_district(maps(tmp_path, assessment_windows=f"assessment_id,first_day,last_day\ngrowth,2025-12-01,2025-12-01\n{row}\n"))
    with pytest.raises(SettingsError, match=rf"assessment_windows\.csv, line 3: {said}"):
        district.code_map("assessment_windows")


def test_a_kind_of_assessment_is_one_of_three(tmp_path: Path) -> None:
    district = load_district(maps(tmp_path, assessment_kinds="assessment_id,subject,learning_area,kind\nquick,Math,mathematics,weekly\n"))
    with pytest.raises(SettingsError, match="kind is 'weekly'; write formative or interim or summative"):
        district.code_map("assessment_kinds")


def test_an_area_is_one_that_a_measure_is_of_or_none(tmp_path: Path) -> None:
    header = "assessment_id,subject,learning_area,kind\n"
    district = load_district(maps(tmp_path, assessment_kinds=f"{header}quick,Math,Mathematics,formative\nlab,Science,,Formative\n"))
    assert [r["learning_area"] for r in district.code_map("assessment_kinds")] == ["Mathematics", ""]
    (tmp_path / "codes/assessment_kinds.csv").write_text(f"{header}quick,Math,mathematics,formative\nquick,Rdg,math,formative\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"assessment_kinds\.csv, line 3: learning_area is 'math'; write mathematics or reading or leave it blank"):
        district.code_map("assessment_kinds")


def test_a_performance_level_is_said_once_of_an_assessment(tmp_path: Path) -> None:
    header = "assessment_id,performance_level,level_number,is_proficient\n"
    district = load_district(maps(tmp_path, performance_levels=f"{header}state,Met,3,true\nquick,Met,3,true\nstate,Met,4,true\n"))
    with pytest.raises(SettingsError, match=r"performance_levels\.csv, line 4: assessment_id, performance_level are those of a row before"):
        district.code_map("performance_levels")
    (tmp_path / "codes/performance_levels.csv").write_text(f"{header}state,Met,3,TRUE\nstate,Near,2,\nstate,Not,1,no\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"performance_levels\.csv, line 4: is_proficient is 'no'; write true or false or leave it blank"):
        district.code_map("performance_levels")


def test_an_attendance_code_says_how_much_of_the_day_is_missed(tmp_path: Path) -> None:
    """One of which nobody knows that is no code of the map: its days are unknown then, and told."""
    district = load_district(maps(tmp_path, attendance_codes="code,absent_share,is_excused,is_tardy\nP,0,false,false\nU,,false,false\n"))
    with pytest.raises(SettingsError, match=r"attendance_codes\.csv, line 3: absent_share is ''; write a plain number with at most three decimals"):
        district.code_map("attendance_codes")


@pytest.mark.parametrize(
    ("rows", "unmapped"), [("", []), ("quick,Math,mathematics,formative\nlab,Science,,interim\nstate,,reading,summative\n", ["lab Math", "quick "])]
)
def test_an_assessment_that_the_map_lacks_is_named_where_there_is_a_map(tmp_path: Path, rows: str, unmapped: list[str]) -> None:
    district = load_district(maps(tmp_path, assessment_kinds="assessment_id,subject,learning_area,kind\n" + rows))
    (rule,) = [r for r in load_suites("arrival")["extract__assessments"].rules if r.id == "assessment_is_mapped"]
    assert rule.severity == "warning"
    sent = "('quick', 'Math'), ('quick', null), ('lab', 'Science'), ('lab', 'Math'), ('state', null), ('state', '')"
    with duckdb.connect() as db:
        write_settings(db, district)
        found = db.execute(
            f"select assessment_id || ' ' || coalesce(subject, '') from (values {sent}) as r(assessment_id, subject) where {rule.bad_when} order by 1"
        ).fetchall()
    assert [name for (name,) in found] == unmapped


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ("AP1,one\n", "line 2: extra_points is 'one'; write a plain number with at most three decimals"),
        ("AP1,-1\n", "line 2: extra_points is '-1'"),
        ("AP1,1\nAP1,0.5\n", "line 3: course_id are those of a row before"),
    ],
)
def test_extra_points_of_a_course_are_a_number_and_said_once(tmp_path: Path, rows: str, wrong: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(wrong)):
        load_district(maps(tmp_path, course_weights=f"course_id,extra_points\n{rows}")).code_map("course_weights")


@pytest.mark.parametrize(("row", "column"), [(",MATH1", "school_id"), ("110,", "course_id")])
def test_a_blank_is_no_class_that_is_graded_by_standards(tmp_path: Path, row: str, column: str) -> None:
    """It would be read as any course without a code: all of a school whose source gives none."""
    with pytest.raises(SettingsError, match=rf"standards_graded\.csv, line 2: {column} is blank; write \* for any"):
        load_district(maps(tmp_path, standards_graded=f"school_id,course_id\n{row}\n")).code_map("standards_graded")


def test_work_has_no_modality_where_attendance_is_of_exceptions(tmp_path: Path) -> None:
    """Who was in school has no row there: all work of a modality would be of those who were not, or were late."""
    folder = maps(tmp_path, standards_graded="school_id,course_id\n")
    with (folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write('\n[attendance]\nreporting = "exceptions"\n\n[gradebook]\nwork_modality = "attendance"\n')
    with pytest.raises(SettingsError, match="Take work_modality out"):
        load_district(folder)
