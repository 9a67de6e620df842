select
    source_system,
    source_system_identifier as association_id,
    lms_user_source_system_identifier as lms_user_id,
    lms_section_source_system_identifier as lms_section_id,
    enrollment_status,
    {{ try_cast_date('substring(create_date, 1, 10)') }} as begin_date,
    -- one that is no longer active ended when it was last changed: work from before stays the student's
    {{ least_ignoring_null("case when enrollment_status <> 'Active' then " ~ try_cast_date('substring(last_modified_date, 1, 10)') ~ " end", '_withdrawn_on') }}
        as end_date,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'lms__section_associations') }}
where _is_open
