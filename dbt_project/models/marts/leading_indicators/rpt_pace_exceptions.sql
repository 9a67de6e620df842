-- depends_on: {{ ref('int_touched_subject_periods') }}
{{ config(
    materialized='touched',
    touched='int_touched_subject_periods',
    touched_key=['student_key', 'school_year', 'period_type', 'period_start']
) }}
-- The flags that `pace_exceptions` names, as the student's own rows have them: nothing is judged here. Words of the registry go before the flag's own. The day
-- of the finish is that on which the level expected at the end of the school year is reached, if it goes on as from the first result to the last on one
-- assessment, of results as far apart as a pace asks for; none where the level does not rise.
with since_first as (
    select
        levels.*,
        first_value(levels.administered_on) over (
            partition by levels.student_key, levels.school_year, levels.learning_area, levels.assessment_id, levels.subject order by levels.administered_on
        ) as first_on,
        first_value(levels.level) over (
            partition by levels.student_key, levels.school_year, levels.learning_area, levels.assessment_id, levels.subject order by levels.administered_on
        ) as first_level
    from {{ ref('int_learning_levels') }} as levels
    {% if is_touched_build() %}
        inner join (select distinct student_key, school_year from {{ ref('int_touched_subject_periods') }}) as touched
            on levels.student_key = touched.student_key and levels.school_year = touched.school_year
    {% endif %}
),

paced as (
    select
        since_first.*,
        {{ day_diff('since_first.first_on', 'since_first.administered_on') }} as n_days_apart,
        row_number() over (
            partition by since_first.student_key, since_first.school_year, since_first.learning_area
            order by
                since_first.administered_on desc, since_first.first_on asc, since_first.level - since_first.first_level desc, since_first.assessment_id asc,
                since_first.subject asc
        ) as recency
    from since_first
    inner join {{ ref('learning_measures') }} as learning
        on
            since_first.learning_area = learning.learning_area
            and learning.counted = 'pace_known'
            and {{ day_diff('since_first.first_on', 'since_first.administered_on') }} >= cast(learning.least as bigint)
),

finishes as (
    select
        student_key,
        school_year,
        learning_area,
        case
            when level >= end_level then administered_on
            when level > first_level
                then {{ add_days('administered_on', 'ceil((end_level - level) * n_days_apart / (level - first_level))') }}
        end as projected_finish_date
    from paced
    where recency = 1
),

evidence as (
    select results.student_key, results.school_year, results.learning_area, max(results.administered_on) as last_result_date
    from {{ ref('int_learning_evidence') }} as results
    {% if is_touched_build() %}
        inner join (select distinct student_key, school_year from {{ ref('int_touched_subject_periods') }}) as touched
            on results.student_key = touched.student_key and results.school_year = touched.school_year
    {% endif %}
    group by results.student_key, results.school_year, results.learning_area
)

select
    students.student_indicator_key as pace_exception_key,
    students.student_key,
    students.school_id,
    students.school_year,
    students.period_type,
    students.period_start,
    students.period_end,
    students.indicator_id,
    students.profile_id,
    students.profile_version,
    exceptions.pace_exception,
    exceptions.learning_area,
    evidence.last_result_date,
    students.numerator,
    finishes.projected_finish_date,
    case
        when exceptions.reason_words is null then students.flag_reason
        when evidence.last_result_date is null then exceptions.reason_words_without_result
        else replace(exceptions.reason_words, '{since}', cast(evidence.last_result_date as {{ dbt.type_string() }}))
    end as reason
from {{ ref('fct_student_indicators') }} as students
inner join {{ ref('pace_exceptions') }} as exceptions
    on students.indicator_id = exceptions.indicator_id and students.profile_id = exceptions.profile_id
left join evidence
    on
        students.student_key = evidence.student_key
        and students.school_year = evidence.school_year
        and exceptions.learning_area = evidence.learning_area
left join finishes
    on
        students.student_key = finishes.student_key
        and students.school_year = finishes.school_year
        and exceptions.learning_area = finishes.learning_area
{% if is_touched_build() %}
    inner join {{ ref('int_touched_subject_periods') }} as touched
        on
            students.student_key = touched.student_key
            and students.school_year = touched.school_year
            and students.period_type = touched.period_type
            and students.period_start = touched.period_start
{% endif %}
where students.flag and students.period_type = 'year_to_date'
