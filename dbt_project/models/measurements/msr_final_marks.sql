-- What final marks add to a grade point average: points by credits, and credits, of marks that the district's scale counts and gives points for and whose
-- credits are said. A mark of standards, passed or not passed, or of a letter that the scale lacks is no mark of nought: it is left out of both.
with counted as (
    select
        marks.student_key,
        coalesce(marks.school_key, '') as school_key,
        marks.piece_start,
        versions.signature,
        marks.grade_points,
        cast(round(least(marks.credits_attempted, measures.row_maximum) * measures.scale) as bigint) as credits
    from {{ ref('int_touched_pieces') }} as touched
    inner join {{ ref('fct_marks') }} as marks on touched.subject_key = marks.student_key and touched.piece_start = marks.piece_start
    inner join {{ source('settings', 'night') }} as night on marks.final_on <= night.as_of
    inner join {{ ref('dim_student_versions') }} as versions
        on
            marks.student_key = versions.student_key
            and marks.final_on >= versions.valid_from
            and marks.final_on < versions.valid_to
    inner join {{ ref('measures') }} as measures on measures.measure_id = 'gpa_credits'
    where touched.subject_type = 'student' and marks.is_in_gpa and marks.grade_points is not null and marks.credits_attempted > 0
)

select
    'student' as subject_type,
    counted.student_key as subject_key,
    counted.school_key,
    cast(null as {{ dbt.type_string() }}) as grade_level,
    counted.signature,
    cast(null as {{ dbt.type_string() }}) as modality,
    counted.piece_start,
    measures.measure_id,
    {{ sum_bigint(
        "case measures.measure_id when 'gpa_credits' then counted.credits else cast(round(counted.credits * counted.grade_points) as bigint) end"
    ) }} as quantity
from counted
cross join {{ ref('measures') }} as measures
where measures.model = 'msr_final_marks'
group by counted.student_key, counted.school_key, counted.signature, counted.piece_start, measures.measure_id
