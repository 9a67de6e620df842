-- Suspensions and the days they take, and whom they could have befallen: a student's stay at a school counts once a school year, on its first day of that
-- year (cumulative enrollment). In a district of which no source sends discipline nothing is measured, and no days where none is said of any action: no file
-- is no sign that nobody was suspended, and a suspension that does not say its days is none of no days.
with reported as (
    select
        max(case when table_name in ('extract__discipline', 'edfi__discipline_actions') then 1 else 0 end) as says_actions,
        max(case
            when table_name in ('extract__discipline.days', 'edfi__discipline_actions.assigned_days', 'edfi__discipline_actions.actual_days') then 1
            else 0
        end) as says_days
    from {{ source('settings', 'fed_tables') }}
),

stays as (
    select stays.*
    from {{ stays_begun() }} as stays
),

suspensions as (
    select
        actions.student_key,
        coalesce(actions.school_key, '') as school_key,
        actions.incident_date as calendar_date,
        actions.piece_start,
        actions.is_in_school,
        actions.action_days
    from {{ ref('int_touched_pieces') }} as touched
    inner join {{ ref('fct_discipline_actions') }} as actions
        on touched.subject_key = actions.student_key and touched.piece_start = actions.piece_start
    where touched.subject_type = 'student' and actions.is_suspension
),

counted as (
    select student_key, school_key, calendar_date, piece_start, 'stays_enrolled' as measure_id, 1 as quantity
    from stays
    union all
    select stays.student_key, stays.school_key, stays.calendar_date, stays.piece_start, 'stays_days_known' as measure_id, 1 as quantity
    from stays
    inner join reported on reported.says_days = 1
    union all
    select
        student_key, school_key, calendar_date, piece_start,
        case when is_in_school then 'suspensions_in_school' else 'suspensions_out_of_school' end as measure_id,
        1 as quantity
    from suspensions
    union all
    select student_key, school_key, calendar_date, piece_start, 'suspensions' as measure_id, 1 as quantity
    from suspensions
    union all
    select
        suspensions.student_key, suspensions.school_key, suspensions.calendar_date, suspensions.piece_start,
        measures.measure_id,
        cast(round(least(suspensions.action_days, measures.row_maximum) * measures.scale) as bigint) as quantity
    from suspensions
    inner join {{ ref('measures') }} as measures
        on measures.measure_id = case when suspensions.is_in_school then 'days_suspended_in_school' else 'days_suspended_out_of_school' end
    where suspensions.action_days > 0
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
    {{ sum_bigint('counted.quantity') }} as quantity
from counted
inner join {{ source('settings', 'night') }} as night on counted.calendar_date <= night.as_of
inner join reported on reported.says_actions = 1
inner join {{ ref('dim_student_versions') }} as versions
    on
        counted.student_key = versions.student_key
        and counted.calendar_date >= versions.valid_from
        and counted.calendar_date < versions.valid_to
group by counted.student_key, counted.school_key, versions.signature, counted.piece_start, counted.measure_id
