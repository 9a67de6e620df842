"""The synthetic district's own settings: `district.toml`, its code maps, and `truth.json`, which tells tests what was put into the data."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.synth import assessments, surveys
from pipelines.synth.calendar import DAY_TYPES, SchoolYear
from pipelines.synth.habits import PROGRAMS, STRATEGY_ODDS
from pipelines.synth.people import GRADES, LEVEL_NAMES
from pipelines.synth.world import World

_TOML = """\
# A synthetic district: every person, school and mark in it is made up.

[district]
id = "synthetic"
name = "Synthetic Unified School District"
timezone = "America/New_York"

[[school_years]]
year = {year}
start = {first_day}
end = {last_day}
terms = [
  {{ id = "{year}-s1", name = "Semester 1", start = {opens}, end = {half} }},
  {{ id = "{year}-s2", name = "Semester 2", start = {after_half}, end = {last_day} }},
]

# The first file of the week is the whole roster (oneroster.zip) with the week's first marks beside it (gradebook.zip); other nights bring changes.
[[sources]]
id = "oneroster"
format = "oneroster"
path = "oneroster/*/*.zip"
date = '(?P<date>\\d{{4}}-\\d{{2}}-\\d{{2}})/[a-z]+(?:_(?P<sequence>\\d+))?\\.zip$'

[[sources]]
id = "calendar"
format = "extract"
table = "calendar"
path = "calendar/calendar_*.csv"
columns = {{ school_id = "School Number", calendar_date = "Date", day_type = "Day Type" }}

[[sources]]
id = "programs"
format = "extract"
table = "programs"
path = "programs/programs_*.csv"
columns = {{ student_id = "Student Number", program_code = "Program", begin_date = "Begin Date", end_date = "End Date" }}
date_formats = {{ begin_date = "%m/%d/%Y", end_date = "%m/%d/%Y" }}

[[sources]]
id = "staff"
format = "extract"
table = "staff"
path = "staff/staff_*.csv"
columns = {{ staff_id = "Staff Number", years_experience = "Years Experience" }}

[[sources]]
id = "attendance"
format = "extract"
table = "attendance"
path = "attendance/attendance_*.csv"
date = 'attendance_(?P<date>\\d{{4}}-\\d{{2}}-\\d{{2}})(?:_(?P<sequence>\\d+))?\\.csv$'
{attendance}

# Notes that come late: rows for earlier days. After the daily file, so that of one night the correction counts.
[[sources]]
id = "attendance_corrections"
format = "extract"
table = "attendance"
path = "attendance/corrections_*.csv"
mode = "delta"
{attendance}

# What the vendors of assessments export: the day's results, and scores of earlier days that are sent again.
[[sources]]
id = "assessments"
format = "extract"
table = "assessments"
path = "assessments/assessments_*.csv"
mode = "delta"
date_formats = {{ administered_on = "%m/%d/%Y" }}
columns.student_id = "Student Number"
columns.assessment_id = "Test"
columns.subject = "Subject"
columns.administered_on = "Date"
columns.scale_score = "Score"
columns.performance_level = "Placement"
columns.level_number = "Level"

{surveys}[attendance]
reporting = "positive"

[suppression]
min_n = 10
"""
_ATTENDANCE = """\
date_formats = { attendance_date = "%m/%d/%Y" }
columns.student_id = "Student Number"
columns.school_id = "School Number"
columns.attendance_date = "Date"
columns.attendance_code = "Code"
columns.modality = "Modality\""""
_SURVEY = """\
[[sources]]
id = "pulse_{wave}"
format = "google_forms"
path = "survey/pulse_{wave}_*.csv"
date_formats = {{ answered_on = "%m/%d/%Y %H:%M:%S" }}

[sources.survey]
survey_id = "{survey}"
wave_id = "{wave}"
role = "student"
school_column = "School Number"
grade_column = "Grade"
{named}
"""
_NAMED = """\
respondent = "linked"
respondent_column = "Student Number"
consent_basis = "opt_out"
consent_text = "{consent}"
opens = {opens}
eligible = {{ grades = [{grades}] }}
"""
_CODES: dict[str, list[list[str]]] = {
    "attendance_codes": [
        ["code", "absent_share", "is_excused", "is_tardy"],
        ["P", "0", "false", "false"], ["A", "1", "false", "false"], ["E", "1", "true", "false"],
        ["T", "0", "false", "true"], ["H", "0.5", "false", "false"],
    ],
    "calendar_codes": [["code", "is_instructional"], *([code, str(on).lower()] for code, on in DAY_TYPES.items())],
    "program_codes": [
        ["code", "group_family", "group_value"],
        ["EL", "english_learner", "yes"], ["IEP", "disability", "yes"], ["FRL", "economic_disadvantage", "yes"],
        ["HML", "homeless", "yes"], ["FST", "foster", "yes"],
    ],
    "survey_items": [
        ["survey_id", "item_title", "item_id", "construct", "scale_id", "is_reversed", "also_in"],
        *([surveys.SURVEY_ID, i.title, i.item_id, i.construct, "agree5", str(i.is_reversed).lower(), i.also_in] for i in surveys.ITEMS),
    ],
    "survey_scales": [
        ["scale_id", "answer", "value", "minimum", "maximum", "favorable_from"],
        *(["agree5", answer, str(k), "1", "5", "4"] for k, answer in enumerate(surveys.SCALE, start=1)),
        ["agree5", surveys.NOT_SURE, "", "1", "5", "4"],
    ],
}  # fmt: skip


def write_settings(world: World, out: Path) -> None:
    """`district.toml` and `codes/` under `out`."""
    year = world.year
    text = _TOML.format(
        year=year.year, first_day=year.first_day, last_day=year.last_day, opens=year.start, half=year.semester_end,
        after_half=year.semester_end + timedelta(days=1), attendance=_ATTENDANCE,
        surveys="".join(_SURVEY.format(wave=wave, survey=surveys.SURVEY_ID, named=_named(year, wave, on)) for wave, on in surveys.waves(year).items()),
    )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    (out / "district.toml").write_text(text, encoding="utf-8")
    (out / "codes").mkdir(exist_ok=True)
    for name, rows in {**_CODES, **assessments.code_maps(year)}.items():
        with (out / "codes" / f"{name}.csv").open("w", newline="", encoding="utf-8") as f:
            csv.writer(f, lineterminator="\n").writerows(rows)


def _named(year: SchoolYear, wave: str, on: date) -> str:
    """What is said of a wave that asks who answers, and whom it asked."""
    if not surveys.is_named(wave):
        return ""
    grades = ", ".join(f'"{grade}"' for grade in GRADES[surveys.FIRST_GRADE :])
    return _NAMED.format(consent=surveys.CONSENT, opens=surveys.answered_on(year, on)[0].isoformat(), grades=grades)


def truth(world: World, days: int) -> dict[str, Any]:
    """What was put into the data, for tests to find again. Dates are ISO."""
    year, schools, habits = world.year, world.people.schools, world.habits
    size = np.bincount(world.people.students.school, minlength=len(schools))
    return {
        "seed": world.streams.seed,
        "students": len(world.people.students),
        "school_days": days,
        "last_date": year.sessions["A"][days - 1].isoformat(),
        "schools": [
            {
                "id": schools.ids[s], "name": schools.names[s], "level": LEVEL_NAMES[schools.level[s]], "calendar": schools.calendar(s),
                "students_at_first": int(size[s]), "strategy": bool(habits.strategy_schools[s]),
            }
            for s in range(len(schools))
        ],
        "strategy": {
            "name": "completion conferences", "start": habits.strategy_start.isoformat(),
            "schools": [schools.ids[s] for s in np.flatnonzero(habits.strategy_schools)],
            "effect": "odds of a missing assignment multiplied", "missing_odds_ratio": STRATEGY_ODDS,
        },
        "levels_below_others": {area: {PROGRAMS[code]: less for code, less in by.items()} for area, by in assessments.BELOW.items()},
        "waves": {wave: day.isoformat() for wave, day in surveys.waves(year).items()},
        "survey_reach": {wave: surveys.reach(world, wave, day) for wave, day in surveys.waves(year).items() if day <= year.sessions["A"][days - 1]},
        "calendar_changes": [
            {"announced": c.announced.isoformat(), "calendar": c.calendar, "date": c.day.isoformat(), "day_type": c.day_type} for c in year.changes
        ],
        "conventions": {
            "end of a role or enrollment": "exclusive", "end of a program": "inclusive", "lines in defects.json": "physical, the header is line 1",
        },
        "sessions": {name: [d.isoformat() for d in days] for name, days in year.sessions.items()},
    }  # fmt: skip


def write_json(path: Path, value: Any) -> None:
    """One JSON file, readable by people."""
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
