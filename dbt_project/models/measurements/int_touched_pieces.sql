-- depends_on: {{ ref('dim_students') }}
-- depends_on: {{ ref('fct_survey_answers') }}
{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Which subjects to measure again, in which week pieces, and why. A full build touches everything; a night touches what its files changed and what the
-- new date makes due. What decides a student's groups, schools or classes touches all of the student's pieces so far.
with night as (
    select
        as_of,
        coalesce(previous_as_of, cast('1900-01-01' as date)) as previous_as_of
    from {{ source('settings', 'night') }}
),

pieces as (
    select pieces.piece_start, pieces.school_year, pieces.term_id
    from {{ ref('dim_week_pieces') }} as pieces
    cross join night
    where pieces.piece_start <= night.as_of
),

{% if execute and flags.FULL_REFRESH %}
    students as (
        select distinct student_key, 'everything' as cause from {{ ref('dim_students') }}
    ),

    student_pieces as (
        select cast(null as {{ dbt.type_string() }}) as student_key, cast(null as date) as piece_start, 'none' as cause
        where 1 = 0
    ),

    responses as (
        select distinct response_key, piece_start, 'everything' as cause from {{ ref('fct_survey_answers') }}
    ),
{% else %}
    students as (
        select user_sourced_id as student_key, 'enrollment' as cause from {{ source('changes', 'oneroster__roles') }}
        union
        select user_sourced_id as student_key, 'enrollment' as cause from {{ source('changes', 'oneroster__enrollments') }}
        union
        select sourced_id as student_key, 'student' as cause from {{ source('changes', 'oneroster__users') }}
        union
        select sourced_id as student_key, 'demographics' as cause from {{ source('changes', 'oneroster__demographics') }}
        union
        select student_id as student_key, 'programs' as cause from {{ source('changes', 'extract__programs') }}
        union
        select sis_user_identifier as student_key, 'student' as cause from {{ source('changes', 'lms__users') }}
        union
        select users.student_id as student_key, 'enrollment' as cause
        from {{ source('changes', 'lms__section_associations') }} as associations
        inner join {{ ref('stg_lms__users') }} as users
            on
                associations.source_system = users.source_system
                and associations.lms_user_source_system_identifier = users.lms_user_id
    ),

    results_touched as (
        select distinct results.student_key, results.piece_start
        from {{ ref('fct_assignment_results') }} as results
        inner join {{ ref('int_results_changed') }} as changed
            on results.assignment_key = changed.assignment_key and results.result_id = changed.result_id
        union
        -- where a result was before: its old assignment's piece, by the changed row that is no longer held
        select changed.student_sourced_id as student_key, assignments.piece_start
        from {{ source('changes', 'oneroster__results') }} as changed
        inner join {{ ref('dim_assignments') }} as assignments
            on assignments.assignment_key = {{ concat_key(["'oneroster'", "changed.line_item_sourced_id"]) }}
        union
        select users.student_id as student_key, assignments.piece_start
        from {{ source('changes', 'lms__submissions') }} as changed
        inner join {{ ref('stg_lms__users') }} as users
            on changed.source_system = users.source_system and changed.lms_user_source_system_identifier = users.lms_user_id
        inner join {{ ref('dim_assignments') }} as assignments
            on assignments.assignment_key
                = {{ concat_key(["'lms'", "changed.source_system", "changed.assignment_source_system_identifier"]) }}
        union
        -- where an assignment was before: everyone in its class, in the piece of its old date
        select enrolled.student_key, dates.piece_start
        from {{ source('changes', 'oneroster__line_items') }} as changed
        inner join {{ ref('int_section_enrollments_combined') }} as enrolled
            on enrolled.section_key = {{ concat_key(["'oneroster'", "changed.class_sourced_id"]) }}
        inner join {{ ref('dim_dates') }} as dates on dates.calendar_date = {{ try_cast_date('changed.due_date') }}
        where
            changed.sourced_id in (
                select sourced_id from {{ source('changes', 'oneroster__line_items') }}
                group by sourced_id
                having count(*) > 1 or not {{ bool_any('_is_open') }}
            )
        union
        select results.student_key, results.piece_start
        from {{ ref('fct_assignment_results') }} as results
        inner join night on results.due_date > night.previous_as_of and results.due_date <= night.as_of
    ),

    student_pieces as (
        select changed.student_key, dates.piece_start, 'attendance' as cause
        from {{ ref('int_attendance_changed') }} as changed
        inner join {{ ref('dim_dates') }} as dates on changed.attendance_date = dates.calendar_date
        union
        -- marks run on: a changed result changes the student's marks to the end of the term so far
        select touched.student_key, later.piece_start, 'results' as cause
        from results_touched as touched
        inner join {{ ref('dim_week_pieces') }} as piece on touched.piece_start = piece.piece_start
        inner join pieces as later
            on
                piece.school_year = later.school_year
                and coalesce(piece.term_id, '') = coalesce(later.term_id, '')
                and later.piece_start >= piece.piece_start
        union
        select stints.student_key, dates.piece_start, 'calendar' as cause
        from {{ source('changes', 'extract__calendar') }} as changed
        inner join {{ ref('dim_dates') }} as dates on dates.calendar_date = {{ try_cast_date('changed.calendar_date') }}
        inner join {{ ref('dim_stints') }} as stints
            on
                changed.school_id = stints.school_key
                and dates.calendar_date >= stints.entry_date
                and dates.calendar_date < stints.exit_date
        inner join night on dates.calendar_date <= night.as_of
        union
        select stints.student_key, dates.piece_start, 'new day' as cause
        from {{ ref('dim_school_days') }} as days
        inner join night on days.calendar_date > night.previous_as_of and days.calendar_date <= night.as_of
        inner join {{ ref('dim_dates') }} as dates on days.calendar_date = dates.calendar_date
        inner join {{ ref('dim_stints') }} as stints
            on
                days.school_key = stints.school_key
                and days.calendar_date >= stints.entry_date
                and days.calendar_date < stints.exit_date
        where days.is_instructional
    ),

    responses as (
        select
            {{ concat_key(["changed.survey_id", "changed.wave_id", "changed.response_id"]) }} as response_key,
            dates.piece_start,
            'survey' as cause
        from {{ source('changes', 'survey__answers') }} as changed
        inner join {{ ref('dim_dates') }} as dates on dates.calendar_date = {{ try_cast_date('changed.answered_on') }}
        group by 1, 2
    ),
{% endif %}

all_causes as (
    select 'student' as subject_type, students.student_key as subject_key, pieces.piece_start, students.cause
    from students
    cross join pieces
    where students.student_key is not null
    union all
    select 'student' as subject_type, student_pieces.student_key as subject_key, student_pieces.piece_start, student_pieces.cause
    from student_pieces
    where student_pieces.student_key is not null
    union all
    select 'response' as subject_type, responses.response_key as subject_key, responses.piece_start, responses.cause
    from responses
)

select
    touched.subject_type,
    touched.subject_key,
    touched.piece_start,
    min(pieces.school_year) as school_year,
    min(pieces.term_id) as term_id,
    min(pieces.week_start) as week_start,
    min(pieces.month_start) as month_start,
    min(touched.cause) as cause
from all_causes as touched
inner join {{ ref('dim_week_pieces') }} as pieces on touched.piece_start = pieces.piece_start
group by touched.subject_type, touched.subject_key, touched.piece_start
