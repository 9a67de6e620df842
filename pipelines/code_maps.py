"""What a district's code maps are called and which columns they have.

Belongs here: names, columns and what a cell may hold. Their rows are the district's own, read by `district.py`; a new map is a line here and in the docs.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

# The code maps a district keeps as CSV under its codes folder: file stem -> columns.
CODE_MAPS: dict[str, tuple[str, ...]] = {
    "attendance_codes": ("code", "absent_share", "is_excused", "is_tardy"),
    "calendar_codes": ("code", "is_instructional"),
    "program_codes": ("code", "group_family", "group_value"),
    "discipline_codes": ("code", "is_suspension", "is_in_school", "is_expulsion"),
    "grade_levels": ("code", "grade_level"),
    "sex_codes": ("code", "sex"),
    "race_codes": ("code", "race"),
    "exit_codes": ("code", "exit_type", "is_no_show"),
    "mark_scale": ("letter", "points", "is_in_gpa", "is_d_or_f"),
    "performance_levels": ("assessment_id", "performance_level", "level_number", "is_proficient"),
    "assessment_kinds": ("assessment_id", "subject", "learning_area", "kind"),
    "learning_levels": ("assessment_id", "subject", "grade_level", "start_level", "end_level"),
    "assessment_windows": ("assessment_id", "first_day", "last_day"),
    "course_codes": ("course_id", "subject"),
    "course_weights": ("course_id", "extra_points"),
    "standards_graded": ("school_id", "course_id"),
    "metadata_programs": ("file", "column_name", "value", "group_family", "group_value"),
    "work_categories": ("category", "is_expected"),
    "priority_rules": ("indicator_id", "profile_id", "will_do"),
    "index_measures": ("index_id", "domain", "indicator_id", "profile_id", "weight"),
    "index_cut_points": ("indicator_id", "profile_id", "level", "bound"),
    "assignment_due_dates": ("source_id", "assignment_id", "due_date"),
    "edfi_descriptors": ("field", "descriptor", "code"),
    "lms_sections": ("source_id", "section_id", "class_id"),
    "classroom_students": ("email", "student_id"),
    "survey_items": ("survey_id", "item_title", "item_id", "construct", "scale_id", "is_reversed"),
    "survey_scales": ("scale_id", "answer", "value", "minimum", "maximum", "favorable_from"),
}
# Columns that a code map may have besides, with what is meant where it has not: file stem -> column -> default.
# An attendance code's `modality` is what a row of it says where the file has no modality (a mark of virtual participation).
# An item's `kind` is single, multi (several choices in one cell) or text; its `also_in` names other constructs that it counts in, with blanks between.
# A measure's `domain_weight` is what its domain weighs in the index: blank, as much as its measures that are there. `least_n` is how few a level
# stands on: blank, 20, or more where suppression asks for more.
# A cut point is `bound` over `out_of`.
# A scale's `recode` is what a numeric export writes for the answer.
OPTIONAL_COLUMNS: dict[str, dict[str, str]] = {
    "attendance_codes": {"modality": ""},
    "index_measures": {"domain_weight": "", "least_n": ""},
    "index_cut_points": {"out_of": "1"},
    "survey_items": {"import_id": "", "occurrence": "1", "kind": "single", "also_in": ""},
    "survey_scales": {"recode": ""},
}
_LEARNING_MEASURES = Path(__file__).resolve().parents[1] / "dbt_project/seeds/learning_measures.csv"
_VOCABULARIES = Path(__file__).with_name("sources") / "standards/oneroster_vocabularies.csv"


@cache
def _words_of(path: Path, column: str, vocabulary: str = "") -> tuple[str, ...]:
    """What `column` of a list of the project says, each once: of all rows, or of those of one vocabulary."""
    with path.open(newline="", encoding="utf-8") as f:
        return tuple(dict.fromkeys(row[column] for row in csv.DictReader(f) if not vocabulary or row["vocabulary"] == vocabulary))


# Columns that hold one of a few words, in any case: file stem -> column -> the words. An assessment of an area that no measure is of has a blank one.
WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "work_categories": {"is_expected": ("true", "false")},
    "performance_levels": {"is_proficient": ("true", "false", "")},
    "assessment_kinds": {"learning_area": (*_words_of(_LEARNING_MEASURES, "learning_area"), ""), "kind": ("formative", "interim", "summative")},
}
# Columns that hold a grade level as the figures have it, a CEDS entry grade level, whatever the files call it.
GRADES: dict[str, str] = {"learning_levels": "grade_level"}
# Columns that hold plain numbers with three decimals at most, and the columns of which each row of a map differs from all others.
NUMBERS: dict[str, tuple[str, ...]] = {"attendance_codes": ("absent_share",), "learning_levels": ("start_level", "end_level"),
                                      "course_weights": ("extra_points",), "index_measures": ("weight",)}  # fmt: skip
KEYS: dict[str, tuple[str, ...]] = {
    "performance_levels": ("assessment_id", "performance_level"), "assessment_kinds": ("assessment_id", "subject"),
    "learning_levels": ("assessment_id", "subject", "grade_level"), "assessment_windows": ("assessment_id", "first_day"),
    "index_measures": ("index_id", "indicator_id", "profile_id"), "index_cut_points": ("indicator_id", "profile_id", "level"),
    "course_weights": ("course_id",), "standards_graded": ("school_id", "course_id"),
}  # fmt: skip
# Columns in which a blank could be read as any or as none.
FILLED: dict[str, tuple[str, ...]] = {"standards_graded": ("school_id", "course_id")}
# Columns that hold the first and the last day of something, in this order.
SPANS: dict[str, tuple[str, str]] = {"assessment_windows": ("first_day", "last_day")}
_NUMBER = re.compile(r"[0-9]{1,6}([.][0-9]{1,3})?")


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def code_columns(name: str) -> tuple[str, ...]:
    """All columns of a code map, those that may be left out included."""
    return (*CODE_MAPS[name], *OPTIONAL_COLUMNS.get(name, {}))


def wrong_cell(name: str, row: Mapping[str, str], seen: set[tuple[str, ...]]) -> str:
    """What is wrong with a row of a code map, with what to do; blank where nothing is. `seen` takes the keys of the rows so far."""
    for column in FILLED.get(name, ()):
        if not row[column]:
            return f"{column} is blank; write * for any"
    for column, words in WORDS.get(name, {}).items():
        if row[column].lower() not in words:
            return f"{column} is {row[column]!r}; write {' or '.join(word or 'leave it blank' for word in words)}"
    if name in GRADES and row[GRADES[name]] not in (grades := _words_of(_VOCABULARIES, "token", "grade")):
        return f"{GRADES[name]} is {row[GRADES[name]]!r}; write a grade as codes/grade_levels.csv translates to, one of {', '.join(grades)}"
    for column in NUMBERS.get(name, ()):
        if not _NUMBER.fullmatch(row[column]):
            return f"{column} is {row[column]!r}; write a plain number with at most three decimals"
    for column in SPANS.get(name, ()):
        if not _is_date(row[column]):
            return f"{column} is {row[column]!r}; write a date as 2025-09-30"
    if name in SPANS and (last := row[SPANS[name][1]]) < (first := row[SPANS[name][0]]):
        return f"{SPANS[name][1]} is {last}, before {SPANS[name][0]}, {first}; write the later of the two days last"
    key = tuple(row[column] for column in KEYS.get(name, ()))
    if key and key in seen:
        return f"{', '.join(KEYS[name])} are those of a row before; leave one of the two out"
    seen.add(key)
    return ""
