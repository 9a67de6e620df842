-- A student's grade level in a school year, as that year's files said it.
select
    student_id,
    school_year,
    grade_level,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'student_grades') }}
where table_name = 'extract__students'
