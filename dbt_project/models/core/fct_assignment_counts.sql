{{ config(
    materialized='touched',
    touched='int_assignments_changed',
    touched_key=['assignment_key']
) }}
-- What is known of each assignment: results, those handed in and those graded; and of the students who were in the section on the due date how many there
-- were, from how many a result is expected and there, and how many are excused. A result that says nothing (an empty cell) is not there, and still expected.
with assignments as (
    select assignments.assignment_key, assignments.section_key, assignments.due_date
    from {{ ref('dim_assignments') }} as assignments
    {% if is_touched_build() %}
        inner join {{ ref('int_assignments_changed') }} as changed on assignments.assignment_key = changed.assignment_key
    {% endif %}
),

-- a student's enrollments in a section, without the days that one before has already
seats as (
    select
        section_key,
        student_key,
        greatest(begin_date, coalesce(ended_before, begin_date)) as begin_date,
        end_date
    from (
        select
            section_key,
            student_key,
            begin_date,
            end_date,
            max(end_date) over (
                partition by section_key, student_key order by begin_date, end_date rows between unbounded preceding and 1 preceding
            ) as ended_before
        from {{ ref('int_section_enrollments_combined') }}
        where begin_date < end_date and section_key in (select section_key from assignments)
    ) as enrollments
    where end_date > coalesce(ended_before, begin_date)
),

steps as (
    select section_key, on_date, sum(step) as step
    from (
        select section_key, begin_date as on_date, 1 as step from seats
        union all
        select section_key, end_date as on_date, -1 as step from seats
    ) as moves
    group by section_key, on_date
),

sizes as (
    select
        section_key,
        on_date as from_date,
        lead(on_date) over (partition by section_key order by on_date) as to_date,
        cast(sum(step) over (partition by section_key order by on_date) as bigint) as n_enrolled
    from steps
),

known as (
    select
        results.assignment_key,
        count(*) as n_results,
        {{ sum_bigint('case when results.is_submitted then 1 else 0 end') }} as n_submitted,
        {{ sum_bigint('case when results.is_graded then 1 else 0 end') }} as n_graded,
        {{ sum_bigint('case when seats.student_key is not null and results.is_expected then 1 else 0 end') }} as n_known,
        {{ sum_bigint('case when seats.student_key is not null and results.is_excused then 1 else 0 end') }} as n_excused
    from {{ ref('fct_assignment_results') }} as results
    inner join assignments on results.assignment_key = assignments.assignment_key
    left join seats
        on
            results.section_key = seats.section_key
            and results.student_key = seats.student_key
            and results.due_date >= seats.begin_date
            and results.due_date < seats.end_date
    group by results.assignment_key
)

select
    assignments.assignment_key,
    coalesce(known.n_results, 0) as n_results,
    coalesce(known.n_submitted, 0) as n_submitted,
    coalesce(known.n_graded, 0) as n_graded,
    coalesce(sizes.n_enrolled, 0) as n_enrolled,
    coalesce(known.n_known, 0) as n_known,
    coalesce(known.n_excused, 0) as n_excused
from assignments
left join known on assignments.assignment_key = known.assignment_key
left join sizes
    on
        assignments.section_key = sizes.section_key
        and assignments.due_date >= sizes.from_date
        and (sizes.to_date is null or assignments.due_date < sizes.to_date)
