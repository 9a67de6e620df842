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
