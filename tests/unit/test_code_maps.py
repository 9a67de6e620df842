"""What a district's code map is refused for."""

from pathlib import Path

import pytest

from pipelines.district import SettingsError, load_district


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
     ("growth,,04,-1,5", "start_level is '-1'"), ("growth,,03,3,5", "assessment_id, subject, grade_level are those of a row before")],
)  # fmt: skip
def test_a_level_that_cannot_be_read_is_refused(tmp_path: Path, row: str, said: str) -> None:
    district = load_district(maps(tmp_path, learning_levels=f"{LEVELS}growth,,03,3,4\n{row}\n"))
    with pytest.raises(SettingsError, match=rf"learning_levels\.csv, line 3: {said}"):
        district.code_map("learning_levels")


def test_a_kind_of_assessment_is_one_of_three(tmp_path: Path) -> None:
    district = load_district(maps(tmp_path, assessment_kinds="assessment_id,subject,learning_area,kind\nquick,Math,mathematics,weekly\n"))
    with pytest.raises(SettingsError, match="kind is 'weekly'; write formative or interim or summative"):
        district.code_map("assessment_kinds")
