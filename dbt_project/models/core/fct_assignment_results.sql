{{ config(
    materialized='touched',
    touched='int_results_changed',
    touched_key=['assignment_key', 'student_key'],
    keeps_difference=true
) }}
-- A student's work on an assignment, once: of several results (sent again under another id, several attempts) the one that came last. Of extra credit,
-- ungraded and dropped work none is expected. At the schools where the settings say that a zero is missing work, expected work with a score of zero (of points
-- that could be had) is missing and was not handed in. What the source marks missing is not graded, whatever score came with it: systems enter zeros by
-- themselves.
{#- What a night reads again is little and looked up once. Of a whole build it is everything, which DuckDB as one common table would hold at once. -#}
{% set read_again_sql -%}
        select
            results.assignment_key, results.result_id, results.student_key, assignments.section_key, assignments.school_key, assignments.due_date,
            assignments.piece_start, assignments.school_year, assignments.term_id, results.points_earned, assignments.points_possible,
            results.is_expected and assignments.is_counted as is_expected,
            results.is_excused,
            results.is_missing or zeros.school_id is not null as is_missing,
            results.is_submitted and zeros.school_id is null as is_submitted,
            results.is_late, results.is_graded and not results.is_missing as is_graded,
            results.delivery_id, results.line_number, results.known_on, results.handed_in, results.precedence
        from {{ ref('int_results_combined') }} as results
        inner join {{ ref('dim_assignments') }} as assignments on results.assignment_key = assignments.assignment_key
        left join {{ source('settings', 'zero_is_missing') }} as zeros
            on
                assignments.school_key = zeros.school_id
                and results.is_expected
                and assignments.is_counted
                and results.points_earned = 0
                and coalesce(assignments.points_possible > 0, true)
        inner join {{ source('settings', 'school_years') }} as years on assignments.school_year = years.school_year
        {% if is_touched_build() %}
            inner join {{ ref('int_results_changed') }} as changed
                on
                    results.assignment_id = changed.assignment_id
                    and results.assignment_key = changed.assignment_key
                    and results.student_key = changed.student_key
        {% endif %}
        where results.withdrawn_on is null or results.withdrawn_on > years.end_date
{%- endset %}
{% set read_again = 'tonight' if is_touched_build() else '(' ~ read_again_sql ~ ')' %}
{% set columns = [
    'assignment_key', 'result_id', 'student_key', 'section_key', 'school_key', 'due_date', 'piece_start', 'school_year', 'term_id', 'points_earned',
    'points_possible', 'is_expected', 'is_excused', 'is_missing', 'is_submitted', 'is_late', 'is_graded', 'delivery_id', 'line_number'
] %}
with
{% if is_touched_build() %}
    tonight as (
        {{ read_again_sql }}
    ),
{% endif %}

-- only where there are several is anything to be put in order
several as (
    select read_again.assignment_key, read_again.student_key
    from {{ read_again }} as read_again
    group by read_again.assignment_key, read_again.student_key
    having count(*) > 1
),

ranked as (
    select
        read_again.*,
        row_number() over (
            partition by read_again.assignment_key, read_again.student_key
            order by read_again.known_on desc, read_again.handed_in desc nulls last, read_again.precedence desc, read_again.result_id desc
        ) as recency
    from {{ read_again }} as read_again
    inner join several on read_again.assignment_key = several.assignment_key and read_again.student_key = several.student_key
)

select read_again.{{ columns | join(', read_again.') }}
from {{ read_again }} as read_again
left join several on read_again.assignment_key = several.assignment_key and read_again.student_key = several.student_key
where several.student_key is null
union all
select {{ columns | join(', ') }}
from ranked
where recency = 1
