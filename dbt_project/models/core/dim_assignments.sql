select
    assignments.assignment_key,
    assignments.section_key,
    assignments.school_key,
    assignments.due_date,
    assignments.points_possible,
    assignments.is_counted,
    assignments.is_by_standards,
    dates.piece_start,
    dates.school_year,
    dates.term_id
from {{ ref('int_assignments_combined') }} as assignments
inner join {{ ref('dim_dates') }} as dates on assignments.due_date = dates.calendar_date
