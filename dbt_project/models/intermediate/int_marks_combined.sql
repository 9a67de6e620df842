-- One shape for a mark that a student was given in a section for a term. `mark_scale` says what a letter is worth; of other letters it is not known. A
-- mark is failed where the scale counts it as D or F and gives no points for it; of a D or F without points that is not known.
select
    marks.student_id as student_key,
    {{ concat_key(["'extract'", "marks.section_id"]) }} as section_key,
    marks.school_id as school_key,
    marks.term_id,
    cast(null as int) as school_year,
    marks.mark_type,
    marks.letter,
    marks.percent,
    marks.credits_attempted,
    marks.credits_earned,
    marks.is_final,
    {{ try_cast_decimal('scale.points') }} as grade_points,
    scale.is_in_gpa = 'true' as is_in_gpa,
    scale.is_d_or_f = 'true' as is_d_or_f,
    case
        when scale.is_d_or_f = 'false' or {{ try_cast_decimal('scale.points') }} > 0 then false
        when scale.is_d_or_f = 'true' and {{ try_cast_decimal('scale.points') }} = 0 then true
    end as is_failed,
    marks.first_seen_on,
    marks.delivery_id,
    marks.line_number
from {{ ref('stg_extract__marks') }} as marks
left join {{ source('settings', 'mark_scale') }} as scale on marks.letter = scale.letter

union all

-- Ed-Fi: the term is the grading period; of two records for one mark the newer counts
select
    grades.student_id as student_key,
    grades.section_key,
    grades.school_id as school_key,
    {{ concat_key(["grades.grading_period_descriptor", "grades.grading_period"]) }} as term_id,
    cast({{ try_cast_decimal('grades.school_year') }} as int) as school_year,
    types.code as mark_type,
    grades.letter_grade as letter,
    grades.numeric_grade as percent,
    {{ as_decimal('null') }} as credits_attempted,
    {{ as_decimal('null') }} as credits_earned,
    types.code = 'final' as is_final,
    {{ try_cast_decimal('scale.points') }} as grade_points,
    scale.is_in_gpa = 'true' as is_in_gpa,
    scale.is_d_or_f = 'true' as is_d_or_f,
    case
        when scale.is_d_or_f = 'false' or {{ try_cast_decimal('scale.points') }} > 0 then false
        when scale.is_d_or_f = 'true' and {{ try_cast_decimal('scale.points') }} = 0 then true
    end as is_failed,
    grades.first_seen_on,
    grades.delivery_id,
    grades.line_number
from (
    select
        *,
        row_number() over (
            partition by student_id, section_key, grading_period_descriptor, grading_period, grade_type_descriptor
            order by known_on desc, record_id desc
        ) as recency
    from {{ ref('stg_edfi__grades') }}
) as grades
inner join {{ source('settings', 'edfi_descriptors') }} as types on types.field = 'grade_type' and grades.grade_type_descriptor = types.descriptor
left join {{ source('settings', 'mark_scale') }} as scale on grades.letter_grade = scale.letter
where grades.recency = 1
