"""A student's grade level by school year, as the files of that year said it.

Belongs here: keeping what later files overwrite in `held`. A grade level is true of a school year: when the next year's roster moves everybody up, last
year's figures by grade stay what they were. Like the merge, this commutes: of each school year the newest file's word is kept, whenever it came.
"""

from __future__ import annotations

import duckdb

# tables that say a student's grade level as it is on the file's date: the student's column and the grade's
SAYS: dict[str, tuple[str, str]] = {"oneroster__users": ("sourced_id", "grades"), "extract__students": ("student_id", "grade_level")}


def _years(days: str) -> str:
    """The school year that a file of each of `days` (a query giving `day`) speaks of; after the last one, of a year that is not in the settings yet."""
    return f"""select d.day, coalesce(min(y.school_year) filter (where y.end_date >= d.day), max(y.school_year) + 1) as school_year
               from ({days}) d cross join settings.school_years y group by 1"""


def ensure_table(db: duckdb.DuckDBPyConnection) -> None:
    """Create `held.student_grades` and `changes.student_grades` where they are not; made beside tables that are held already, it begins with their last word.

    Expects `settings.school_years`.
    """
    there = {(str(s), str(t)) for s, t in db.execute("select table_schema, table_name from information_schema.tables").fetchall()}
    db.execute("create table if not exists held.student_grades (table_name varchar, student_id varchar, school_year integer, grade_level varchar, "
               "_precedence bigint, _delivery_id varchar, _line bigint)")  # fmt: skip
    db.execute("create table if not exists changes.student_grades (student_id varchar, school_year integer)")
    for table, (student, grade) in SAYS.items() if ("held", "student_grades") not in there else ():
        if ("held", table) in there:
            db.execute(f"""
                insert into held.student_grades
                select '{table}', h."{student}", y.school_year, h."{grade}", h._precedence, h._delivery_id, h._line
                from held.{table} h join ({_years(f"select distinct _known_on as day from held.{table}")}) y on y.day = h._known_on
                where h._precedence > 0 and h."{grade}" is not null""")


def note(db: duckdb.DuckDBPyConnection, table_name: str) -> None:
    """Take the grade levels of `judged.<table_name>`, merged before, into `held.student_grades`. Nothing for tables that say none.

    A file speaks of the school year of its business date; between two years of the one to come, after the last one of a year that is not in the settings yet.
    Runs inside the caller's transaction.
    """
    if table_name not in SAYS:
        return
    student, grade = SAYS[table_name]
    db.execute(f"""
        create or replace temp table graded as
        select '{table_name}' as table_name, j."{student}" as student_id, d.school_year, j."{grade}" as grade_level,
            j._precedence, j._delivery_id, j._line
        from judged.{table_name} j join ({_years(f"select distinct _business_date as day from judged.{table_name}")}) d on d.day = j._business_date
        where j._outcome in ('accepted', 'superseded') and not j._is_deleted and j."{grade}" is not null
        qualify row_number() over (partition by j."{student}", d.school_year order by j._precedence desc, j._delivery_id desc, j._line desc) = 1""")
    same = "h.table_name = g.table_name and h.student_id = g.student_id and h.school_year = g.school_year"
    older = "(h._precedence, h._delivery_id, h._line) < (g._precedence, g._delivery_id, g._line)"
    db.execute(f"delete from graded as g using held.student_grades as h where {same} and not {older}")
    db.execute(f"""
        insert into changes.student_grades
        select g.student_id, g.school_year from graded g left join held.student_grades h on {same} where h.grade_level is distinct from g.grade_level""")
    db.execute(f"delete from held.student_grades as h using graded g where {same}")
    db.execute("insert into held.student_grades by name from graded")
