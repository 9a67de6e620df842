select
    {{ concat_key(["student_key", "school_key", "entry_date"]) }} as stint_key,
    student_key,
    school_key,
    entry_date,
    exit_date
from {{ ref('int_stints_combined') }}
