-- depends_on: {{ ref('int_touched_subject_periods') }}
{{ config(
    materialized='touched',
    touched='int_touched_subject_periods',
    touched_key=['student_key', 'school_year', 'period_type', 'period_start']
) }}
-- The flags that `pace_exceptions` names, as the student's own rows have them: nothing is judged here. Words of the registry go before the flag's own.
with evidence as (
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
{% if is_touched_build() %}
    inner join {{ ref('int_touched_subject_periods') }} as touched
        on
            students.student_key = touched.student_key
            and students.school_year = touched.school_year
            and students.period_type = touched.period_type
            and students.period_start = touched.period_start
{% endif %}
where students.flag and students.period_type = 'year_to_date'
