"""Who and what is known, whichever source says it: the views of schema `known` that arrival rules ask.

Belongs here: one view a thing, a branch a source, over `present` (what is held, and tonight's candidates). What a student's enrollment is follows the
precedence of `int_stints_combined`: roles, the enrollment extract, Ed-Fi, classes. Dates are ISO text, an end is the first day no longer true.
"""

from __future__ import annotations

import duckdb

_DAY_AFTER_EXIT = """case when (select exit_is_inclusive from settings.district)
    then coalesce(strftime(try_cast(x.exit_date as date) + 1, '%Y-%m-%d'), x.exit_date) else x.exit_date end"""

VIEWS: dict[str, str] = {
    "students": """
        select sourced_id as student_id from present.oneroster__users
        union all select student_id from present.extract__students
        union all select student_unique_id from present.edfi__students""",
    # an address as its SHA-256, as sources that know people by it have it; the district's map comes before the roster
    "emails": """
        select sha256(lower(trim(email))) as email_digest, student_id from settings.classroom_students where email is not null and student_id is not null
        union all
        select sha256(lower(trim(u.email))), u.sourced_id from present.oneroster__users u
        where u.email is not null and not exists (select 1 from settings.classroom_students m where lower(trim(m.email)) = lower(trim(u.email)))""",
    "schools": """
        select sourced_id as school_id from present.oneroster__orgs
        union all select school_id from present.extract__schools
        union all select school_id from present.edfi__schools""",
    "staff": """
        select staff_id from present.extract__staff
        union all select staff_unique_id from present.edfi__staff""",
    "sections": """
        select sourced_id as section_id, school_sourced_id as school_id from present.oneroster__classes
        union all select section_id, school_id from present.extract__sections""",
    "enrollments": f"""
        select user_sourced_id as student_id, org_sourced_id as school_id, coalesce(begin_date, '0000') as begin_date,
            coalesce(end_date, '9999') as end_date, 'roles' as said_by
        from present.oneroster__roles where role = 'student'
        union all
        select x.student_id, x.school_id, x.entry_date, coalesce({_DAY_AFTER_EXIT}, '9999'), 'extract'
        from present.extract__enrollments x
        where not exists (select 1 from present.oneroster__roles o where o.user_sourced_id = x.student_id)
            and not exists (select 1 from settings.exit_codes k where k.code = x.exit_code and k.is_no_show = 'true')
        union all
        select x.student_unique_id, x.school_id, x.entry_date, coalesce({_DAY_AFTER_EXIT}, '9999'), 'edfi'
        from present.edfi__student_school_associations x
        where not exists (select 1 from present.oneroster__roles o where o.user_sourced_id = x.student_unique_id)
            and not exists (select 1 from present.extract__enrollments o where o.student_id = x.student_unique_id)
        union all
        select x.user_sourced_id, x.school_sourced_id, coalesce(x.begin_date, '0000'), coalesce(x.end_date, '9999'), 'classes'
        from present.oneroster__enrollments x
        where not exists (select 1 from present.oneroster__roles o where o.user_sourced_id = x.user_sourced_id)
            and not exists (select 1 from present.extract__enrollments o where o.student_id = x.user_sourced_id)
            and not exists (select 1 from present.edfi__student_school_associations o where o.student_unique_id = x.user_sourced_id)""",
}


def write_views(db: duckdb.DuckDBPyConnection) -> None:
    """Replace every view of `known`; expects `settings` and a `present` view of every table."""
    db.execute("create schema if not exists known")
    for name, sql in VIEWS.items():
        db.execute(f"create or replace view known.{name} as {sql}")
