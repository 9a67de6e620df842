-- Assignments expected, completed, missing, submitted, on time and late, and their points, in the week piece of the due date. Expected: the date has come,
-- the work is not excused, and the student was in the class on that date. No result at all is not yet known and is not counted as missing.
-- Where the district says that attendance tells the modality, the work is of the student's modality at the school on the due date, and of an unknown one where
-- there is no attendance of that day; elsewhere no modality is said of work.
-- Points are whole numbers of the measure's scale, and of one assignment no more than the registry allows: a mistyped maximum must not outweigh a school.
with weights as (
    select max(row_maximum) as most, max(scale) as scale
    from {{ ref('measures') }}
    where measure_id = 'points_expected'
),

due as (
    select
        results.assignment_key,
        results.student_key,
        coalesce(results.school_key, '') as school_key,
        results.due_date,
        results.piece_start,
        results.is_missing,
        results.is_submitted,
        results.is_late,
        case when gradebook.work_modality = 'attendance' then coalesce(modalities.modality, 'unknown') end as modality,
        cast(
            floor(least(greatest(coalesce(results.points_possible, 0), 0), coalesce(weights.most, 0)) * coalesce(weights.scale, 1) + 0.5) as bigint
        ) as points
    from {{ ref('int_touched_pieces') }} as touched
    inner join {{ ref('fct_assignment_results') }} as results
        on touched.subject_key = results.student_key and touched.piece_start = results.piece_start
    inner join {{ source('settings', 'night') }} as night on results.due_date <= night.as_of
    cross join weights
    cross join {{ source('settings', 'gradebook') }} as gradebook
    left join {{ ref('int_work_modalities') }} as modalities
        on
            results.student_key = modalities.student_key
            and results.school_key = modalities.school_key
            and results.due_date = modalities.attendance_date
    where
        touched.subject_type = 'student'
        and results.is_expected
        and exists (
            select 1
            from {{ ref('int_section_enrollments_combined') }} as enrolled
            where
                results.student_key = enrolled.student_key
                and results.section_key = enrolled.section_key
                and results.due_date >= enrolled.begin_date
                and results.due_date < enrolled.end_date
        )
),

summed as (
    select
        due.student_key,
        due.school_key,
        versions.signature,
        due.modality,
        due.piece_start,
        count(*) as expected,
        {{ sum_bigint('case when due.is_missing then 0 else 1 end') }} as completed,
        {{ sum_bigint('case when due.is_submitted then 1 else 0 end') }} as submitted,
        {{ sum_bigint('case when due.is_submitted and due.is_late then 1 else 0 end') }} as late,
        {{ sum_bigint('due.points') }} as points,
        {{ sum_bigint('case when due.is_missing then due.points else 0 end') }} as points_missing
    from due
    inner join {{ ref('dim_student_versions') }} as versions
        on due.student_key = versions.student_key and due.due_date >= versions.valid_from and due.due_date < versions.valid_to
    group by due.student_key, due.school_key, versions.signature, due.modality, due.piece_start
),

counted as (
    select
        summed.*,
        measures.measure_id,
        case measures.measure_id
            when 'assignments_expected' then summed.expected
            when 'assignments_completed' then summed.completed
            when 'assignments_missing' then summed.expected - summed.completed
            when 'assignments_submitted' then summed.submitted
            when 'assignments_on_time' then summed.submitted - summed.late
            when 'assignments_late' then summed.late
            when 'points_expected' then summed.points
            when 'points_missing' then summed.points_missing
        end as quantity
    from summed
    cross join {{ ref('measures') }} as measures
    where measures.model = 'msr_assignments'
)

-- a row where something was counted: in most weeks of most students nothing comes late
select
    'student' as subject_type,
    student_key as subject_key,
    school_key,
    cast(null as {{ dbt.type_string() }}) as grade_level,
    signature,
    modality,
    piece_start,
    measure_id,
    quantity
from counted
where quantity <> 0
