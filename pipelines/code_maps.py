"""What a district's code maps are called and which columns they have.

Belongs here: names and columns alone. Their rows are the district's own, read by `district.py`; a new map is a line here and a line in the docs.
"""

from __future__ import annotations

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
    "course_codes": ("course_id", "subject"),
    "metadata_programs": ("file", "column_name", "value", "group_family", "group_value"),
    "work_categories": ("category", "is_expected"),
    "priority_rules": ("indicator_id", "profile_id", "will_do"),
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
# A scale's `recode` is what a numeric export writes for the answer.
OPTIONAL_COLUMNS: dict[str, dict[str, str]] = {
    "attendance_codes": {"modality": ""},
    "survey_items": {"import_id": "", "occurrence": "1", "kind": "single", "also_in": ""},
    "survey_scales": {"recode": ""},
}
# Columns that hold one of a few words, in any case: file stem -> column -> the words.
WORDS: dict[str, dict[str, tuple[str, ...]]] = {"work_categories": {"is_expected": ("true", "false")}}


def code_columns(name: str) -> tuple[str, ...]:
    """All columns of a code map, those that may be left out included."""
    return (*CODE_MAPS[name], *OPTIONAL_COLUMNS.get(name, {}))
