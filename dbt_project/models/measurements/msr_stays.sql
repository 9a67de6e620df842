-- A student's stays at schools, on the first day of each in a school year, and those that were left, on the first day without the student, where school went
-- on there: by the two a profile leaves out who has left (leaver_rules.csv). Whose stay ends with the year, or after its last day of school, has not left.
with left_ones as (
    select stints.student_key, stints.school_key, dates.calendar_date, dates.piece_start
    from {{ ref('int_touched_pieces') }} as touched
    inner join {{ ref('dim_stints') }} as stints on touched.subject_key = stints.student_key
    inner join {{ source('settings', 'school_years') }} as years
        on touched.school_year = years.school_year and stints.entry_date <= years.end_date and stints.exit_date > years.start_date
    inner join {{ ref('dim_dates') }} as dates on stints.exit_date = dates.calendar_date and touched.piece_start = dates.piece_start
    left join {{ last_school_days() }} as last_days on stints.calendar_key = last_days.calendar_key and years.school_year = last_days.school_year
    where touched.subject_type = 'student' and stints.exit_date <= coalesce(last_days.last_day, years.end_date)
),

counted as (
    select stays.student_key, stays.school_key, stays.calendar_date, stays.piece_start, 'stays_begun' as measure_id
    from {{ stays_begun() }} as stays
    union all
    select student_key, school_key, calendar_date, piece_start, 'stays_left' as measure_id
    from left_ones
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
inner join {{ source('settings', 'night') }} as night on counted.calendar_date <= night.as_of
inner join {{ ref('dim_student_versions') }} as versions
    on
        counted.student_key = versions.student_key
        and counted.calendar_date >= versions.valid_from
        and counted.calendar_date < versions.valid_to
group by counted.student_key, counted.school_key, versions.signature, counted.piece_start, counted.measure_id
