-- A student's stays at schools, on the first day of each in a school year, and those that were left, on the first day without the student, where school went
-- on there: by the two a profile leaves out who has left (leaver_rules.csv). Whose stay ends with the year, or after its last day of school, has not left.
with last_days as (
    select school_days.calendar_key, dates.school_year, max(school_days.calendar_date) as last_day
    from {{ ref('dim_school_days') }} as school_days
    inner join {{ ref('dim_dates') }} as dates on school_days.calendar_date = dates.calendar_date
    where school_days.is_instructional
    group by school_days.calendar_key, dates.school_year
),

stays as (
    select
        stints.student_key,
        stints.school_key,
        touched.piece_start,
        greatest(stints.entry_date, years.start_date) as begins,
        case when stints.exit_date > years.start_date and stints.exit_date <= coalesce(last_days.last_day, years.end_date) then stints.exit_date end as left_on
    from {{ ref('int_touched_pieces') }} as touched
    inner join {{ ref('dim_stints') }} as stints on touched.subject_key = stints.student_key
    inner join {{ source('settings', 'school_years') }} as years
        on touched.school_year = years.school_year and stints.entry_date <= years.end_date and stints.exit_date > years.start_date
    left join last_days on stints.calendar_key = last_days.calendar_key and years.school_year = last_days.school_year
    where touched.subject_type = 'student'
),

counted as (
    select student_key, school_key, piece_start, begins as calendar_date, 'stays_begun' as measure_id
    from stays
    union all
    select student_key, school_key, piece_start, left_on as calendar_date, 'stays_left' as measure_id
    from stays
    where left_on is not null
)

select
    'student' as subject_type,
    counted.student_key as subject_key,
    counted.school_key,
    cast(null as {{ dbt.type_string() }}) as grade_level,
    versions.signature,
    cast(null as {{ dbt.type_string() }}) as modality,
    counted.piece_start,
    counted.measure_id,
    count(*) as quantity
from counted
inner join {{ ref('dim_dates') }} as dates on counted.calendar_date = dates.calendar_date and counted.piece_start = dates.piece_start
inner join {{ source('settings', 'night') }} as night on counted.calendar_date <= night.as_of
inner join {{ ref('dim_student_versions') }} as versions
    on
        counted.student_key = versions.student_key
        and counted.calendar_date >= versions.valid_from
        and counted.calendar_date < versions.valid_to
group by counted.student_key, counted.school_key, versions.signature, counted.piece_start, counted.measure_id
