select
    record_id,
    natural_key,
    case
        when section_identifier is not null
            then {{ edfi_section_key() }}
    end as section_key,
    {{ concat_key(["'edfi'", "namespace", "gradebook_entry_identifier"]) }} as assignment_key,
    gradebook_entry_identifier,
    namespace,
    {{ try_cast_date('date_assigned') }} as date_assigned,
    {{ try_cast_date('due_date') }} as due_date,
    {{ try_cast_decimal('max_points') }} as max_points,
    entry_type_descriptor,
    local_course_code,
    school_id,
    school_year,
    section_identifier,
    session_name,
    source_section_identifier,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__gradebook_entries') }}
where _is_open
