-- A stint: a student at a school from the entry date up to, not including, the exit date, and what the enrollment says of those days: its share of a whole
-- enrollment in thousandths (null: the source does not speak of shares), whether it is the primary one, and which calendar it follows.
-- One source speaks for a student: roles (OneRoster 1.2) say it outright; else the district's enrollment extract; else Ed-Fi's school associations (a
-- no-show, who left on or before the day of entry, has no stint); else the span of the student's class enrollments in a school year stands in.
with from_roles as (
    select
        user_id as student_key,
        org_id as school_key,
        coalesce(begin_date, cast('1900-01-01' as date)) as entry_date,
        coalesce(end_date, cast('9999-12-31' as date)) as exit_date,
        cast(null as {{ dbt.type_string() }}) as grade_level,
        cast(null as {{ dbt.type_string() }}) as track,
        cast(null as {{ dbt.type_string() }}) as calendar_code,
        cast(null as bigint) as share_thousandths,
        coalesce(role_type = 'primary', false) as is_primary
    from {{ ref('stg_oneroster__roles') }}
    where user_role = 'student'
),

listed as (
    select
        enrollments.student_id as student_key,
        enrollments.school_id as school_key,
        enrollments.entry_date,
        coalesce(
            case when district.exit_is_inclusive then {{ add_days('enrollments.exit_date', 1) }} else enrollments.exit_date end,
            cast('9999-12-31' as date)
        ) as exit_date,
        enrollments.withdrawn_on,
        coalesce(grades.grade_level, enrollments.grade_level) as grade_level,
        enrollments.track,
        enrollments.calendar_code,
        cast(coalesce(enrollments.share, 1) * 1000 as bigint) as share_thousandths,
        enrollments.is_primary,
        coalesce(entered.school_year, 0) as entry_year,
        coalesce(district.gone_is, 'ended') = 'never_was' and enrollments.withdrawn_on between entered.start_date and entered.end_date as never_was
    from {{ ref('stg_extract__enrollments') }} as enrollments
    cross join {{ source('settings', 'district') }} as district
    left join {{ source('settings', 'school_years') }} as entered on enrollments.entry_date between entered.start_date and entered.end_date
    left join {{ source('settings', 'grade_levels') }} as grades on enrollments.grade_level = grades.code
    left join {{ source('settings', 'exit_codes') }} as exits on enrollments.exit_code = exits.code
    where
        coalesce(exits.is_no_show, 'false') <> 'true'
        and not exists (select 1 from from_roles where from_roles.student_key = enrollments.student_id)
),

-- What the newest file no longer lists ended with that file, unless another enrollment of the same days and school has taken its place (a corrected entry;
-- the entry into another school year is none), or unless by `gone_is` it never was: where files list leavers with their exit, a row that a file of the same
-- school year lacks was deleted.
from_extract as (
    select
        listed.student_key,
        listed.school_key,
        listed.entry_date,
        {{ least_ignoring_null('listed.exit_date', 'listed.withdrawn_on') }} as exit_date,
        listed.grade_level,
        listed.track,
        listed.calendar_code,
        listed.share_thousandths,
        listed.is_primary
    from listed
    where
        listed.withdrawn_on is null
        or not listed.never_was
        and not exists (
            select 1
            from listed as current_one
            where
                current_one.withdrawn_on is null
                and current_one.student_key = listed.student_key
                and current_one.school_key = listed.school_key
                and current_one.entry_year = listed.entry_year
                and current_one.entry_date < listed.exit_date
                and current_one.exit_date > listed.entry_date
        )
),

from_edfi as (
    select
        associations.student_id as student_key,
        associations.school_id as school_key,
        associations.entry_date,
        coalesce(
            case when district.exit_is_inclusive then {{ add_days('associations.exit_date', 1) }} else associations.exit_date end,
            cast('9999-12-31' as date)
        ) as exit_date,
        grades.code as grade_level,
        cast(null as {{ dbt.type_string() }}) as track,
        associations.calendar_code,
        cast(null as bigint) as share_thousandths,
        false as is_primary
    from {{ newest_records(ref('stg_edfi__student_school_associations')) }} as associations
    cross join {{ source('settings', 'district') }} as district
    left join {{ source('settings', 'edfi_descriptors') }} as grades
        on grades.field = 'grade_level' and associations.grade_level_descriptor = grades.descriptor
    where
        not exists (select 1 from from_roles where from_roles.student_key = associations.student_id)
        and not exists (select 1 from {{ ref('stg_extract__enrollments') }} as extracts where extracts.student_id = associations.student_id)
),

from_classes as (
    select
        enrollments.user_id as student_key,
        enrollments.school_id as school_key,
        min(coalesce(enrollments.begin_date, years.start_date)) as entry_date,
        max(coalesce(enrollments.end_date, {{ add_days('years.end_date', 1) }})) as exit_date,
        cast(null as {{ dbt.type_string() }}) as grade_level,
        cast(null as {{ dbt.type_string() }}) as track,
        cast(null as {{ dbt.type_string() }}) as calendar_code,
        cast(null as bigint) as share_thousandths,
        false as is_primary
    from {{ ref('stg_oneroster__enrollments') }} as enrollments
    inner join {{ source('settings', 'school_years') }} as years
        on
            coalesce(enrollments.begin_date, years.start_date) <= years.end_date
            and coalesce(enrollments.end_date, years.end_date) >= years.start_date
    where
        enrollments.user_role = 'student'
        and not exists (select 1 from from_roles where from_roles.student_key = enrollments.user_id)
        and not exists (select 1 from {{ ref('stg_extract__enrollments') }} as extracts where extracts.student_id = enrollments.user_id)
        and not exists (select 1 from {{ ref('stg_edfi__student_school_associations') }} as others where others.student_id = enrollments.user_id)
    group by enrollments.user_id, enrollments.school_id, years.school_year
),

all_sources as (
    select * from from_roles
    union all
    select * from from_extract
    union all
    select * from from_edfi
    union all
    select * from from_classes
)

select
    student_key,
    school_key,
    entry_date,
    max(exit_date) as exit_date,
    max(grade_level) as grade_level,
    max(track) as track,
    max(calendar_code) as calendar_code,
    max(share_thousandths) as share_thousandths,
    {{ bool_any('is_primary') }} as is_primary
from all_sources
where exit_date > entry_date
group by student_key, school_key, entry_date
