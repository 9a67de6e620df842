"""Grade levels that are in nobody's words: who stands in one is in none of the figures of a profile that names grades, and would be without a word.

Belongs here: naming those grades with the remedy, as a warning on the indicators that such a profile judges. Translating grades is the models' work.
"""

from __future__ import annotations

from itertools import groupby

import duckdb

from pipelines.lineage.graph import registry
from pipelines.publication.verdicts import Issue

_NAMED = 8  # grades that the message names
_REMEDY = "add them to codes/grade_levels.csv (of Ed-Fi: to codes/edfi_descriptors.csv as field grade_level), or have the source write grades as CEDS has them"


def grade_issues(db: duckdb.DuckDBPyConnection, min_n: int) -> list[Issue]:
    """One warning a school year in which students stand in grades that are no CEDS entry grade level.

    Everybody may read it: a grade that fewer than `min_n` students share is counted and not named, since what stands in such a cell may be anything.
    """
    judged = [p for p in registry("indicator_profiles") if p["grades"]]
    unknown = db.execute("""
        select g.school_year, g.grade_level, count(*) from core.dim_student_grades g
        join settings.school_years y on y.school_year = g.school_year
        where g.grade_level not in (select token from settings.vocabularies where vocabulary = 'grade')
            and exists (select 1 from core.dim_stints s where s.student_key = g.student_key and s.entry_date <= y.end_date and s.exit_date > y.start_date)
        group by all order by school_year, count(*) desc, grade_level""").fetchall()
    issues = []
    for year, rows in groupby(unknown, key=lambda row: int(row[0])):
        grades = [(str(grade), int(n)) for _, grade, n in rows]
        shared = [f"'{grade}' ({n:,} students)" for grade, n in grades if n >= min_n]
        rare = len(grades) - len(shared)
        others = [f"{rare} of fewer than {min_n} students each (core.dim_student_grades has them)"] if rare else []
        named = ", ".join([*shared[:_NAMED], *([f"{len(shared) - _NAMED} more"] if len(shared) > _NAMED else []), *others])
        profiles = ", ".join(sorted({p["profile_id"] for p in judged}))
        why = f"grade levels that no code map translates: {named}; these students are in no figure of a profile that names grades ({profiles}): {_REMEDY}"
        issues.append(Issue(frozenset(p["indicator_id"] for p in judged), "warning", why, year))
    return issues
