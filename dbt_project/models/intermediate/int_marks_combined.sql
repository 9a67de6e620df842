-- One shape for a mark that a student was given in a section for a term. `mark_scale` says what a letter is worth; of other letters it is not known.
select
    marks.student_id as student_key,
    {{ concat_key(["'extract'", "marks.section_id"]) }} as section_key,
    marks.school_id as school_key,
    marks.term_id,
    marks.mark_type,
    marks.letter,
    marks.percent,
    marks.credits_attempted,
    marks.credits_earned,
    marks.is_final,
    {{ try_cast_decimal('scale.points') }} as grade_points,
    scale.is_in_gpa = 'true' as is_in_gpa,
    scale.is_d_or_f = 'true' as is_d_or_f,
    marks.delivery_id,
    marks.line_number
from {{ ref('stg_extract__marks') }} as marks
left join {{ source('settings', 'mark_scale') }} as scale on marks.letter = scale.letter
