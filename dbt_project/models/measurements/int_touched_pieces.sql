-- depends_on: {{ ref('dim_students') }}
-- depends_on: {{ ref('fct_survey_answers') }}
-- depends_on: {{ ref('fct_assignment_reviews') }}
{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Which subjects to measure again, in which week pieces, and why. A full build touches everything; a night touches what its files changed and what the
-- new date makes due. What decides a student's groups, schools or classes touches all of the student's pieces so far.
{% set cause_models = ['int_touched_by_roster', 'int_touched_by_lms', 'int_touched_by_extract', 'int_touched_by_edfi'] %}
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

    reviews as (
        select review_id, piece_start, 'everything' as cause from {{ ref('fct_assignment_reviews') }}
    ),
{% else %}
    caused as (
        {% for model in cause_models -%}
            select student_key, piece_start, cause
            from {{ ref(model) }}
            {{ 'union all' if not loop.last }}
        {% endfor %}
    ),

    students as (
        select student_key, cause from caused
        where piece_start is null
        union
        select stints.student_key, 'school' as cause
        from {{ ref('int_schools_changed') }} as changed
        inner join {{ ref('dim_stints') }} as stints on changed.school_key = stints.school_key
        union
        select student_key, 'discipline' as cause from {{ ref('int_discipline_changed') }}
        union
        -- who has a class there, or a mark from there, and is enrolled elsewhere
        select results.student_key, 'school' as cause
        from {{ ref('int_schools_changed') }} as changed
        inner join {{ ref('fct_assignment_results') }} as results on changed.school_key = results.school_key
        union
        select marks.student_key, 'school' as cause
        from {{ ref('int_schools_changed') }} as changed
        inner join {{ ref('fct_marks') }} as marks on changed.school_key = marks.school_key
    ),

    results_touched as (
        select student_key, piece_start from {{ touched_written(ref('fct_assignment_results')) }}
        {% set replaced_results = touched_replaced(ref('fct_assignment_results')) %}
        {% if replaced_results %}
            union
            -- where the work was before, also of a date that no file says
            select student_key, piece_start from {{ replaced_results }}
        {% endif %}
        union
        select results.student_key, results.piece_start
        from {{ ref('fct_assignment_results') }} as results
        inner join night on results.due_date > night.previous_as_of and results.due_date <= night.as_of
    ),

    marks_of_ended_terms as (
        select marks.student_key, marks.school_year, marks.piece_start
        from {{ ref('fct_marks') }} as marks
        inner join {{ source('settings', 'terms') }} as terms on marks.school_year = terms.school_year and marks.term_id = terms.term_id
        inner join night on terms.end_date > night.previous_as_of and terms.end_date <= night.as_of
        where marks.piece_start is not null
    ),

    student_pieces as (
        select changed.student_key, dates.piece_start, 'attendance' as cause
        from {{ ref('int_attendance_changed') }} as changed
        inner join {{ ref('dim_dates') }} as dates on changed.attendance_date = dates.calendar_date
        union
        -- absences in a row run on: a day that changed may make or end a run that comes to its number in a later piece
        select changed.student_key, reach.piece_start, 'attendance' as cause
        from {{ ref('int_attendance_changed') }} as changed
        inner join {{ ref('dim_dates') }} as dates on changed.attendance_date = dates.calendar_date
        inner join {{ ref('dim_stints') }} as stints on changed.student_key = stints.student_key and changed.school_key = stints.school_key
        inner join {{ ref('int_pieces_in_reach') }} as reach
            on stints.calendar_key = reach.calendar_key and dates.piece_start = reach.earlier_piece_start
        inner join pieces on reach.piece_start = pieces.piece_start
        union
        -- and a day that is a school day now, or none any more, moves the days after it together or apart
        select caused.student_key, later.piece_start, caused.cause
        from caused
        inner join {{ ref('dim_week_pieces') }} as piece on caused.piece_start = piece.piece_start
        inner join pieces as later on piece.school_year = later.school_year and later.piece_start > piece.piece_start
        where caused.cause = 'calendar'
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
        -- a final mark that was given, corrected or taken back, in the piece in which it stands and in which it stood
        select student_key, piece_start, 'marks' as cause
        from {{ touched_difference(ref('fct_marks'), ['student_key', 'piece_start'], where='piece_start is not null') }} as marks
        union
        -- and at the start of the terms of its year, where it is said how much of the year marks cover
        select marks.student_key, dates.piece_start, 'marks' as cause
        from (
            select student_key, school_year
            from {{ touched_difference(ref('fct_marks'), ['student_key', 'school_year'], where='piece_start is not null') }} as changed
            union
            select changed.student_key, changed.school_year
            from {{ ref('fct_marks') }} as changed
            inner join night on changed.final_on > night.previous_as_of and changed.final_on <= night.as_of
            union
            -- and when one of its terms has ended now
            select student_key, school_year from marks_of_ended_terms
        ) as marks
        inner join (
            select school_year, min(start_date) as year_start
            from {{ source('settings', 'terms') }}
            group by school_year
        ) as terms on marks.school_year = terms.school_year
        inner join {{ ref('dim_dates') }} as dates on terms.year_start = dates.calendar_date
        union
        -- a mark of a term that has ended now: from then on its credits are on pace or not
        select student_key, piece_start, 'marks' as cause from marks_of_ended_terms
        union
        -- a mark in a section whose subject may be another one now
        select marks.student_key, marks.piece_start, 'marks' as cause
        from {{ ref('int_sections_changed') }} as changed
        inner join {{ ref('fct_marks') }} as marks on changed.section_key = marks.section_key
        where marks.piece_start is not null
        union
        -- a result of an assessment that was given, corrected or taken back, where it stands and stood; and all results of its year, since what was gained
        -- runs from the first of them
        select student_key, piece_start, 'assessments' as cause
        from {{ touched_difference(ref('fct_assessment_results'), ['student_key', 'piece_start']) }} as given
        union
        select results.student_key, results.piece_start, 'assessments' as cause
        from {{ touched_difference(ref('fct_assessment_results'), ['student_key', 'school_year']) }} as changed
        inner join {{ ref('fct_assessment_results') }} as results
            on changed.student_key = results.student_key and changed.school_year = results.school_year
        union
        -- a pair of results that came, went or moved to another piece, and all pairs that are compared with one that did
        select student_key, piece_start, 'assessments' as cause
        from {{ touched_difference(ref('int_growth_pairs'), ['student_key', 'piece_start']) }} as pairs
        union
        select pairs.student_key, pairs.piece_start, 'assessments' as cause
        from {{ ref('int_growth_lines_changed') }} as changed
        inner join {{ ref('int_growth_pairs') }} as pairs
            on
                changed.assessment_id = pairs.assessment_id
                and changed.subject = pairs.subject
                and changed.school_year = pairs.school_year
                and changed.grade_level = pairs.grade_level
                and changed.earlier_start = pairs.earlier_start
                and changed.window_start = pairs.window_start
        union
        -- and a result of a day that has come now, or since which there has been nothing new for as long as the district says, as of a stay without any
        select results.student_key, results.piece_start, 'assessments' as cause
        from {{ ref('fct_assessment_results') }} as results
        cross join {{ source('settings', 'learning') }} as learning
        inner join night
            on
                results.administered_on > night.previous_as_of and results.administered_on <= night.as_of
                or {{ add_days('results.administered_on', 'learning.evidence_days') }} > night.previous_as_of
                and {{ add_days('results.administered_on', 'learning.evidence_days') }} <= night.as_of
        union
        select stints.student_key, dates.piece_start, 'assessments' as cause
        from {{ ref('dim_stints') }} as stints
        inner join {{ source('settings', 'school_years') }} as years on stints.entry_date <= years.end_date and stints.exit_date > years.start_date
        inner join {{ ref('dim_dates') }} as dates on dates.calendar_date = greatest(stints.entry_date, years.start_date)
        cross join {{ source('settings', 'learning') }} as learning
        inner join night
            on
                {{ add_days('dates.calendar_date', 'learning.evidence_days') }} > night.previous_as_of
                and {{ add_days('dates.calendar_date', 'learning.evidence_days') }} <= night.as_of
        union
        select student_key, piece_start, cause
        from caused
        where piece_start is not null
        union
        select stints.student_key, dates.piece_start, 'new day' as cause
        from {{ ref('dim_school_days') }} as days
        inner join night on days.calendar_date > night.previous_as_of and days.calendar_date <= night.as_of
        inner join {{ ref('dim_dates') }} as dates on days.calendar_date = dates.calendar_date
        inner join {{ ref('dim_stints') }} as stints
            on
                days.calendar_key = stints.calendar_key
                and days.calendar_date >= stints.entry_date
                and days.calendar_date < stints.exit_date
        where days.is_instructional
        union
        -- a stay that begins and a suspension that is given on a day that has come now, in session or not; a stay begins anew with each school year
        select stints.student_key, dates.piece_start, 'enrollment' as cause
        from {{ ref('dim_stints') }} as stints
        inner join {{ source('settings', 'school_years') }} as years on stints.entry_date <= years.end_date and stints.exit_date > years.start_date
        inner join {{ ref('dim_dates') }} as dates on dates.calendar_date = greatest(stints.entry_date, years.start_date)
        inner join night on dates.calendar_date > night.previous_as_of and dates.calendar_date <= night.as_of
        union
        -- whom a wave asked that has opened by now, or whose answers changed: the first of them makes known who has not answered
        select asked.student_key, dates.piece_start, 'survey' as cause
        from {{ ref('fct_survey_asked') }} as asked
        inner join night on asked.opened_on > night.previous_as_of and asked.opened_on <= night.as_of
        inner join {{ ref('dim_dates') }} as dates on asked.opened_on = dates.calendar_date
        where asked.respondent_kind = 'linked'
        union
        select asked.student_key, dates.piece_start, 'survey' as cause
        from (select distinct survey_id, wave_id from {{ source('changes', 'survey__answers') }}) as changed
        inner join {{ ref('fct_survey_asked') }} as asked on changed.survey_id = asked.survey_id and changed.wave_id = asked.wave_id
        inner join {{ ref('dim_dates') }} as dates on asked.opened_on = dates.calendar_date
        where asked.respondent_kind = 'linked'
        union
        -- a stay that has been left by now
        select stints.student_key, dates.piece_start, 'enrollment' as cause
        from {{ ref('dim_stints') }} as stints
        inner join night on stints.exit_date > night.previous_as_of and stints.exit_date <= night.as_of
        inner join {{ ref('dim_dates') }} as dates on stints.exit_date = dates.calendar_date
        union
        select actions.student_key, actions.piece_start, 'discipline' as cause
        from {{ ref('fct_discipline_actions') }} as actions
        inner join night on actions.incident_date > night.previous_as_of and actions.incident_date <= night.as_of
        union
        -- an incident in the piece in which it stands and in which it stood, and one of a day that has come now
        select student_key, piece_start, 'discipline' as cause
        from {{ touched_difference(ref('fct_discipline_incidents'), ['student_key', 'piece_start']) }} as incidents
        union
        select incidents.student_key, incidents.piece_start, 'discipline' as cause
        from {{ ref('fct_discipline_incidents') }} as incidents
        inner join night on incidents.incident_date > night.previous_as_of and incidents.incident_date <= night.as_of
        union
        -- a final mark of a day that has come now
        select marks.student_key, marks.piece_start, 'marks' as cause
        from {{ ref('fct_marks') }} as marks
        inner join night on marks.final_on > night.previous_as_of and marks.final_on <= night.as_of
        union
        -- a program that begins or ends on a day that has come now, also of someone who is not at school on it: the year's figures go by the last day
        select spans.student_key, dates.piece_start, 'programs' as cause
        from {{ ref('dim_student_versions') }} as spans
        inner join night on spans.valid_from > night.previous_as_of and spans.valid_from <= night.as_of
        inner join {{ ref('dim_dates') }} as dates on spans.valid_from = dates.calendar_date
    ),

    responses as (
        select
            {{ concat_key(["changed.survey_id", "changed.wave_id", "changed.response_id"]) }} as response_key,
            dates.piece_start,
            'survey' as cause
        from {{ source('changes', 'survey__answers') }} as changed
        inner join {{ ref('dim_dates') }} as dates on dates.calendar_date = {{ try_cast_date('changed.answered_on') }}
        group by 1, 2
        union
        select response_key, piece_start, 'survey' as cause from {{ ref('int_touched_responses_by_edfi') }}
        union
        select answers.response_key, answers.piece_start, 'school' as cause
        from {{ ref('int_schools_changed') }} as changed
        inner join {{ ref('fct_survey_answers') }} as answers on changed.school_key = answers.school_key
    ),

    reviews as (
        -- in the piece in which it stands and in which it stood
        select review_id, piece_start, 'review' as cause
        from {{ touched_difference(ref('fct_assignment_reviews'), ['review_id', 'piece_start']) }} as changed
        union
        select reviews.review_id, reviews.piece_start, 'review' as cause
        from {{ ref('fct_assignment_reviews') }} as reviews
        inner join night on reviews.reviewed_on > night.previous_as_of and reviews.reviewed_on <= night.as_of
        union
        select reviews.review_id, reviews.piece_start, 'school' as cause
        from {{ ref('int_schools_changed') }} as changed
        inner join {{ ref('fct_assignment_reviews') }} as reviews on changed.school_key = reviews.school_key
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
    union all
    select 'review' as subject_type, reviews.review_id as subject_key, reviews.piece_start, reviews.cause
    from reviews
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
