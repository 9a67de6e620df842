select
    record_id,
    natural_key,
    source_resource,
    student_unique_id as student_id,
    education_organization_id,
    hispanic_latino_ethnicity,
    sex_descriptor,
    english_proficiency_descriptor,
    economic_disadvantage_descriptor,
    races,
    student_characteristics,
    _known_on as known_on,
    _delivery_id as delivery_id,
    _line as line_number
from {{ source('held', 'edfi__student_demographics') }}
where _is_open
