-- A stint: a student at a school from the entry date up to, not including, the exit date. Roles (OneRoster 1.2) say it outright;
-- where a student has none, the span of the student's class enrollments in a school year stands in.
with from_roles as (
    select
        user_id as student_key,
        org_id as school_key,
        coalesce(begin_date, cast('1900-01-01' as date)) as entry_date,
        coalesce(end_date, cast('9999-12-31' as date)) as exit_date
    from {{ ref('stg_oneroster__roles') }}
    where user_role = 'student'
),

from_classes as (
    select
        enrollments.user_id as student_key,
        enrollments.school_id as school_key,
        min(coalesce(enrollments.begin_date, years.start_date)) as entry_date,
        max(coalesce(enrollments.end_date, {{ add_days('years.end_date', 1) }})) as exit_date
    from {{ ref('stg_oneroster__enrollments') }} as enrollments
    inner join {{ source('settings', 'school_years') }} as years
        on
            coalesce(enrollments.begin_date, years.start_date) <= years.end_date
            and coalesce(enrollments.end_date, years.end_date) >= years.start_date
    where
        enrollments.user_role = 'student'
        and not exists (select 1 from from_roles where from_roles.student_key = enrollments.user_id)
    group by enrollments.user_id, enrollments.school_id, years.school_year
),

both_sources as (
    select student_key, school_key, entry_date, exit_date from from_roles
    union all
    select student_key, school_key, entry_date, exit_date from from_classes
)

select
    student_key,
    school_key,
    entry_date,
    max(exit_date) as exit_date
from both_sources
where exit_date > entry_date
group by student_key, school_key, entry_date
