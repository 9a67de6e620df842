-- Who was in the roster when a wave opened, as the first night on or after that day knew it; what was entered or corrected later changes nothing here.
select
    survey_id,
    wave_id,
    opened_on,
    student_key,
    school_key,
    grade_level
from {{ source('held', 'survey_rosters') }}
