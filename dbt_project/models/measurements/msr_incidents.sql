-- Incidents of discipline by student, and whom they could have befallen: a student's stay at a school counts once a school year, on its first day of that
-- year (cumulative enrollment). In a district of which no source says incidents nothing is measured: silence is no sign that there was none. Of Ed-Fi both
-- its incidents and whose behaviors they are must be read, since either alone makes no row.
with reported as (
    select
        max(case when table_name = 'extract__discipline' then 1 else 0 end) as by_extract,
        count(distinct case when table_name in ('edfi__discipline_behaviors', 'edfi__discipline_incidents') then table_name end) as n_of_edfi
    from {{ source('settings', 'fed_tables') }}
),

counted as (
    select stays.student_key, stays.school_key, stays.calendar_date, stays.piece_start, 'stays_incidents_known' as measure_id
    from {{ stays_begun() }} as stays
    union all
    select
        incidents.student_key,
        coalesce(incidents.school_key, '') as school_key,
        incidents.incident_date as calendar_date,
        incidents.piece_start,
        'incidents' as measure_id
    from {{ ref('int_touched_pieces') }} as touched
    inner join {{ ref('fct_discipline_incidents') }} as incidents
        on touched.subject_key = incidents.student_key and touched.piece_start = incidents.piece_start
    where touched.subject_type = 'student'
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
inner join reported on reported.by_extract = 1 or reported.n_of_edfi = 2
inner join {{ ref('dim_student_versions') }} as versions
    on
        counted.student_key = versions.student_key
        and counted.calendar_date >= versions.valid_from
        and counted.calendar_date < versions.valid_to
group by counted.student_key, counted.school_key, versions.signature, counted.piece_start, counted.measure_id
