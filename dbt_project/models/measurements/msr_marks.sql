{{ config(materialized='ephemeral') }}
-- A student's marks as they stand at the end of a week piece: for each class section with graded work in the term so far, points earned over points
-- possible, and the same of all of them together. Rows stand in the pieces in which the student had work due; the latest of a period is the period's value.
-- A section that is graded by standards has no such mark: it is counted by itself, with or without scores.
{#- A whole build stands on every piece with graded work. A night stands on few, and what was graded before goes to the first of them that comes after. -#}
{% set is_whole = execute and flags.FULL_REFRESH %}
{% set pieces = 'touched' if is_whole else 'standing_on' %}
{% set has_points = 'results.points_earned is not null and results.points_possible > 0' %}
{% set is_graded = 'results.is_expected and (' ~ has_points ~ ' or standards.section_key is not null) and results.due_date <= night.as_of' %}
with touched as (
    select touched.subject_key as student_key, touched.piece_start, touched.school_year, coalesce(touched.term_id, '') as term_id
    from {{ ref('int_touched_pieces') }} as touched
    where touched.subject_type = 'student'
),

standards as (
    select distinct section_key
    from {{ ref('dim_assignments') }}
    where is_by_standards
),

{% if not is_whole %}
    standing_on as (
        select
            standing.*,
            lag(standing.piece_start) over (
                partition by standing.student_key, standing.school_year, standing.term_id order by standing.piece_start
            ) as piece_before
        from (
            select distinct touched.student_key, touched.piece_start, touched.school_year, touched.term_id
            from touched
            inner join {{ ref('fct_assignment_results') }} as results
                on touched.student_key = results.student_key and touched.piece_start = results.piece_start
            cross join {{ source('settings', 'night') }} as night
            left join standards on results.section_key = standards.section_key
            where {{ is_graded }}
        ) as standing
    ),
{% endif %}

graded as (
    select
        results.student_key, results.section_key, coalesce(results.school_key, '') as school_key,
        pieces.piece_start, pieces.school_year, pieces.term_id,
        max(standards.section_key) is not null as is_by_standards,
        sum(results.points_earned) as points_earned,
        sum(results.points_possible) as points_possible
    from {{ ref('fct_assignment_results') }} as results
    cross join {{ source('settings', 'night') }} as night
    left join standards on results.section_key = standards.section_key
    inner join {{ pieces }} as pieces
        on
            results.student_key = pieces.student_key
            {% if is_whole %}
                and results.piece_start = pieces.piece_start
            {% else %}
                and results.school_year = pieces.school_year
                and coalesce(results.term_id, '') = pieces.term_id
                and results.piece_start <= pieces.piece_start
                and (pieces.piece_before is null or results.piece_start > pieces.piece_before)
            {% endif %}
    where {{ is_graded }}
    group by results.student_key, results.section_key, coalesce(results.school_key, ''), pieces.piece_start, pieces.school_year, pieces.term_id
),

{% if is_whole %}
    standing_on as (
        select distinct student_key, piece_start, school_year, term_id
        from graded
    ),
{% endif %}

-- what a section's work adds up to from a piece on, until the next piece in which it has graded work
running as (
    select
        student_key,
        section_key,
        school_key,
        piece_start,
        school_year,
        term_id,
        is_by_standards,
        sum(points_earned) over (partition by student_key, section_key, school_key, school_year, term_id order by piece_start) as points_earned,
        sum(points_possible) over (partition by student_key, section_key, school_key, school_year, term_id order by piece_start) as points_possible,
        lead(piece_start) over (partition by student_key, section_key, school_key, school_year, term_id order by piece_start) as next_piece
    from graded
),

to_date as (
    select
        standing_on.student_key,
        standing_on.piece_start,
        running.school_key,
        running.section_key,
        running.is_by_standards,
        running.points_earned,
        running.points_possible
    from standing_on
    inner join running
        on
            standing_on.student_key = running.student_key
            and standing_on.school_year = running.school_year
            and standing_on.term_id = running.term_id
            and standing_on.piece_start >= running.piece_start
            and (running.next_piece is null or standing_on.piece_start < running.next_piece)
),

passing as (
    select min(min_percent) as min_percent from {{ ref('grade_scale') }} where not is_d_or_f
),

summed as (
    select
        to_date.student_key,
        to_date.school_key,
        to_date.piece_start,
        {{ sum_bigint('case when to_date.is_by_standards then 0 else 1 end') }} as marks,
        {{ sum_bigint(
            'case when not to_date.is_by_standards and to_date.points_earned * 100 < passing.min_percent * to_date.points_possible then 1 else 0 end'
        ) }} as marks_d_f,
        {{ sum_bigint('case when to_date.is_by_standards then 1 else 0 end') }} as sections_by_standards,
        sum(case when not to_date.is_by_standards then greatest(to_date.points_earned, 0) end) as points_earned,
        sum(case when not to_date.is_by_standards then to_date.points_possible end) as points_possible
    from to_date
    cross join passing
    group by to_date.student_key, to_date.school_key, to_date.piece_start
)

select
    'student' as subject_type,
    summed.student_key as subject_key,
    summed.school_key,
    cast(null as {{ dbt.type_string() }}) as grade_level,
    versions.signature,
    cast(null as {{ dbt.type_string() }}) as modality,
    summed.piece_start,
    measures.measure_id,
    case measures.measure_id
        when 'marks' then summed.marks
        when 'marks_d_f' then summed.marks_d_f
        when 'sections_by_standards' then summed.sections_by_standards
        when 'points_earned_so_far' then cast(round(coalesce(summed.points_earned, 0) * measures.scale) as bigint)
        when 'points_graded_so_far' then cast(round(coalesce(summed.points_possible, 0) * measures.scale) as bigint)
    end as quantity
from summed
inner join {{ ref('dim_student_versions') }} as versions
    on summed.student_key = versions.student_key and summed.piece_start >= versions.valid_from and summed.piece_start < versions.valid_to
cross join {{ ref('measures') }} as measures
where
    measures.model = 'msr_marks'
    and (measures.measure_id <> 'sections_by_standards' or summed.sections_by_standards > 0)
