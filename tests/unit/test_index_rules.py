"""What an index may be made of, and what is said to whoever wrote something else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines import doctor
from pipelines.district import SettingsError, load_district

MEASURES = "index_id,domain,indicator_id,profile_id,weight,domain_weight,least_n\n"
POINTS = "indicator_id,profile_id,level,bound,out_of\n"
RATE = "".join(f"attendance_rate,standard,{level},{88 + level},100\n" for level in range(2, 11))
CHRONIC = "".join(f"chronic_absence,district,{level},{0.32 - level / 50:.2f},\n" for level in (10, 9, 8, 7, 6, 5, 4, 3, 2))
GROWTH = "".join(f"growth_reading,standard,{level},{level / 10 - 0.6:.1f},\n" for level in range(2, 11))
GOOD = "quality,culture,attendance_rate,standard,2,40,25\n"


def district(folder: Path, measures: str | None, points: str | None, settings: str = "") -> Path:
    (folder / "codes").mkdir()
    for name, text in (("index_measures", measures), ("index_cut_points", points)):
        if text is not None:
            (folder / f"codes/{name}.csv").write_text(text, encoding="utf-8")
    (folder / "district.toml").write_text(f'school_years = []\nsources = []\n[district]\nid = "d"\nname = "D"\n{settings}', encoding="utf-8")
    return folder


def test_without_the_lists_there_is_no_index_and_with_them_what_they_say(tmp_path: Path) -> None:
    for name in ("off", "on"):
        (tmp_path / name).mkdir()
    off = load_district(district(tmp_path / "off", None, None))
    assert [off.code_map(m) for m in ("index_measures", "index_cut_points")] == [[], []]
    shorter = "index_id,domain,indicator_id,profile_id,weight\nquality,culture,attendance_rate,standard,2\nquality,growth,growth_reading,standard,0.5\n"
    on = load_district(district(tmp_path / "on", shorter, POINTS + RATE + CHRONIC + GROWTH))
    assert [(r["weight"], r["domain_weight"], r["least_n"]) for r in on.code_map("index_measures")] == [("2", "", "20"), ("0.5", "", "20")]
    assert {r["out_of"] for r in on.code_map("index_cut_points")} == {"100", "1"}
    assert on.code_map("index_cut_points")[18]["bound"] == "-0.4", "a mean of what may fall has cut points below nothing"
    before = on.fingerprint()
    (tmp_path / "on/codes/index_cut_points.csv").write_text(POINTS + RATE.replace("2,90", "2,85") + CHRONIC + GROWTH, encoding="utf-8")
    assert load_district(tmp_path / "on").fingerprint() != before, "another cut point builds everything anew"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("quality,culture,attendence_rate,standard,1,40,", "indicator_id is 'attendence_rate', which is no indicator; did you mean 'attendance_rate'?"),
        ("quality,culture,average_daily_attendance,standard,1,40,", "indicator_id is 'average_daily_attendance', which counts students and so tells how "),
        ("quality,culture,chronic_absence,distric,1,40,", "profile_id is 'distric', and 'chronic_absence' is not judged by such a profile; did you mean "),
        ("quality,culture,attendance_rate,standard,3,40,", "index_id, indicator_id, profile_id are those of a row before"),
        (",culture,chronic_absence,district,1,40,", "index_id is blank; write a short name"),
        ("quality,,chronic_absence,district,1,40,", "domain is blank; write a short name"),
        ("quality,culture,chronic_absence,district,0,40,", "weight is '0'; write a number above 0, at most 1000, with at most three decimals"),
        ("quality,culture,chronic_absence,district,-1,40,", "weight is '-1'; write a plain number"),
        ("quality,culture,chronic_absence,district,1000.001,40,", "weight is '1000.001'; write a number above 0, at most 1000"),
        ("quality,culture,chronic_absence,district,,40,", "weight is ''; write a plain number"),
        ("quality,learning,chronic_absence,district,1,0.0,", "domain_weight is '0.0'; write a number above 0"),
        ("quality,learning,chronic_absence,district,1,,", "domain_weight is '', and that of a row before '40'; write it for all domains or for none"),
        ("quality,culture,chronic_absence,district,1,60,", "domain_weight of 'culture' is 60 here and 40 in a row before; write the same in both"),
        ("quality,Culture,chronic_absence,district,1,60,", "domain is 'Culture', and 'culture' in a row before; write the same in both"),
        ("Quality,learning,chronic_absence,district,1,60,", "index_id is 'Quality', and 'quality' in a row before; write the same in both"),
        ("quality,learning,chronic_absence,district,1,60,9", "least_n is '9'; write a whole number of at least suppression.min_n, 10: "),
        ("quality,learning,chronic_absence,district,1,60,20.5", "least_n is '20.5'; write a whole number"),
        ("quality,learning,chronic_absence,edfacts,1,60,", "'chronic_absence' by profile 'edfacts' has no cut point of level 2, 3, 4, 5, 6, 7, 8, 9, 10; "),
        ("quality,learning,missing_work,standard,1,60,", "'missing_work' by profile 'standard' has no cut point of level 7; write it in index_cut_points.csv"),
    ],
)  # fmt: skip
def test_a_measure_that_cannot_be_used_is_refused_with_its_file_line_and_remedy(tmp_path: Path, row: str, said: str) -> None:
    but_seven = "".join(f"missing_work,standard,{level},{12 - level},100\n" for level in range(2, 11) if level != 7)
    found = load_district(district(tmp_path, f"{MEASURES}{GOOD}{row}\n", POINTS + RATE + CHRONIC + but_seven))
    with pytest.raises(SettingsError, match=rf"index_measures\.csv, line 3: {re.escape(said)}"):
        found.code_map("index_measures")


def test_the_same_measure_may_be_in_two_indexes_of_other_weights(tmp_path: Path) -> None:
    other = "early,learning,attendance_rate,standard,1,,10\nearly,culture,chronic_absence,district,1,,10\n"
    assert len(load_district(district(tmp_path, MEASURES + GOOD + other, POINTS + RATE + CHRONIC)).code_map("index_measures")) == 3


def test_a_column_that_is_misspelt_is_not_passed_over(tmp_path: Path) -> None:
    lists = district(tmp_path, MEASURES.replace("domain_weight", "domain_wieght") + GOOD, POINTS + RATE)
    with pytest.raises(SettingsError, match=r"index_measures\.csv, line 1: column 'domain_wieght' is not read; write domain_weight, or take it out"):
        load_district(lists).code_map("index_measures")
    (lists / "codes/index_measures.csv").write_text(MEASURES.replace("\n", ",why_this\n") + GOOD.replace("\n", ",families asked\n"), encoding="utf-8")
    assert len(load_district(lists).code_map("index_measures")) == 1


def test_a_number_that_nobody_wrote_rises_with_what_is_hidden(tmp_path: Path) -> None:
    found = load_district(district(tmp_path, MEASURES + "quality,culture,attendance_rate,standard,2,40,\n", POINTS + RATE, "[suppression]\nmin_n = 30\n"))
    assert [r["least_n"] for r in found.code_map("index_measures")] == ["30"]


def test_the_least_number_follows_what_is_hidden(tmp_path: Path) -> None:
    found = load_district(district(tmp_path, MEASURES + GOOD, POINTS + RATE, "[suppression]\nmin_n = 26\n"))
    with pytest.raises(SettingsError, match=r"line 2: least_n is '25'; write a whole number of at least suppression\.min_n, 26"):
        found.code_map("index_measures")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("attendance_rat,standard,3,0.9,", "indicator_id is 'attendance_rat', which is no indicator; did you mean 'attendance_rate'?"),
        ("attendance_rate,ours,3,0.9,", "profile_id is 'ours', and 'attendance_rate' is not judged by such a profile; write one of standard"),
        ("attendance_rate,standard,1,0.5,", "level is '1'; write a whole number from 2 to 10: whatever reaches no cut point is at level 1"),
        ("attendance_rate,standard,11,0.99,", "level is '11'; write a whole number from 2 to 10"),
        ("attendance_rate,standard,5,0.99,", "indicator_id, profile_id, level are those of a row before"),
        ("attendance_rate,standard,6,ninety,", "bound is 'ninety'; write a plain number with at most six decimals, or a fraction as bound and out_of"),
        ("attendance_rate,standard,6,95%,", "bound is '95%'; write a plain number"),
        ("attendance_rate,standard,6,0.9512345,", "bound is '0.9512345'; write a plain number with at most six decimals"),
        ("attendance_rate,standard,6,19,0", "out_of is '0'; write a number above 0 by which the bound is divided, or leave it blank for 1"),
        ("attendance_rate,standard,6,95,", "bound is 95 out of 1; 'attendance_rate' is a share from 0 to 1: write percents as 0.95, or with 100 in out_of"),
        ("attendance_rate,standard,6,-0.1,", "bound is -0.1 out of 1; 'attendance_rate' is a share"),
        ("attendance_rate,standard,6,0.90,", "level 6 begins at 9/10 and level 5 at 9/10; of 'attendance_rate' the bound grows from level to level"),
        ("attendance_rate,standard,6,0.89,", "level 6 begins at 89/100 and level 5 at 9/10; of 'attendance_rate' the bound grows"),
        ("attendance_rate,standard,4,0.91,", "level 4 begins at 91/100 and level 5 at 9/10; of 'attendance_rate' the bound grows"),
        ("chronic_absence,district,6,0.21,", "level 6 begins at 21/100 and level 5 at 1/5; of 'chronic_absence' the bound falls from level to level"),
        ("chronic_absence,district,4,0.19,", "level 4 begins at 19/100 and level 5 at 1/5; of 'chronic_absence' the bound falls"),
    ],
)  # fmt: skip
def test_a_cut_point_that_cannot_be_used_is_refused(tmp_path: Path, row: str, said: str) -> None:
    points = f"{POINTS}attendance_rate,standard,5,9,10\nchronic_absence,district,5,0.2,\n{row}\n"
    with pytest.raises(SettingsError, match=rf"index_cut_points\.csv, line 4: {re.escape(said)}"):
        load_district(district(tmp_path, None, points)).code_map("index_cut_points")


def test_cut_points_may_stand_in_any_order(tmp_path: Path) -> None:
    points = "attendance_rate,standard,5,0.9,\nchronic_absence,edfacts,2,0.9,\nattendance_rate,standard,6,0.900001,\nattendance_rate,standard,4,2,3\n"
    assert len(load_district(district(tmp_path, None, POINTS + points)).code_map("index_cut_points")) == 4


def test_the_doctor_reads_lists_that_nothing_needs(tmp_path: Path) -> None:
    folder = district(tmp_path, MEASURES + GOOD.replace("attendance", "attendence"), POINTS + RATE)
    assert any("'attendence_rate', which is no indicator" in f.what and f.weight == "serious" for f in doctor.examine(folder))
