-- A stint: a student at a school from the entry date up to, not including, the exit date. Roles (OneRoster 1.2) say it outright;
-- where a student has none, the span of the student's class enrollments in a school year stands in. Ed-Fi says it in
-- studentSchoolAssociations; a no-show, who left on or before the day of entry, has no stint.
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

from_edfi as (
    -- an exit date is the first day after enrollment, or by the district's setting the last day of it
    select
        associations.student_id as student_key,
        associations.school_id as school_key,
        associations.entry_date,
        case
            when associations.exit_date is null then cast('9999-12-31' as date)
            when district.exit_day_counts then {{ add_days('associations.exit_date', 1) }}
            else associations.exit_date
        end as exit_date
    from {{ ref('stg_edfi__student_school_associations') }} as associations
    cross join {{ source('settings', 'district') }} as district
),

all_sources as (
    select student_key, school_key, entry_date, exit_date from from_roles
    union all
    select student_key, school_key, entry_date, exit_date from from_classes
    union all
    select student_key, school_key, entry_date, exit_date from from_edfi
)

select
    student_key,
    school_key,
    entry_date,
    max(exit_date) as exit_date
from all_sources
where exit_date > entry_date
group by student_key, school_key, entry_date
