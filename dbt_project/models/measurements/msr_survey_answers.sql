-- Valid and favorable answers of each anonymous response. The subject is the response: it is never linked to a student, and has no groups but its own.
select
    'response' as subject_type,
    answers.response_key as subject_key,
    coalesce(answers.school_key, '') as school_key,
    coalesce(answers.grade_level, 'unknown') as grade_level,
    cast(null as {{ dbt.type_string() }}) as signature,
    cast(null as {{ dbt.type_string() }}) as modality,
    answers.piece_start,
    measures.measure_id,
    {{ sum_bigint(
        "case when answers.is_valid and (measures.measure_id = 'answers_valid' or answers.is_favorable) then 1 else 0 end"
    ) }} as quantity
from {{ ref('fct_survey_answers') }} as answers
inner join {{ ref('int_touched_pieces') }} as touched
    on touched.subject_type = 'response' and answers.response_key = touched.subject_key and answers.piece_start = touched.piece_start
cross join {{ ref('measures') }} as measures
where measures.model = 'msr_survey_answers'
group by answers.response_key, answers.school_key, answers.grade_level, answers.piece_start, measures.measure_id
