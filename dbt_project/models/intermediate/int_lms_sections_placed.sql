-- Sections of a learning system with the class of the roster that each stands for: what the district's map says goes before what the system says, and may name
-- a section of which the system sends no record, or none yet (`is_sent`).
with named as (
    select source_id, section_id, min(class_id) as class_id
    from {{ source('settings', 'lms_sections') }}
    group by source_id, section_id
)

select
    coalesce(sections.source_system, named.source_id) as source_system,
    coalesce(sections.lms_section_id, named.section_id) as lms_section_id,
    coalesce(named.class_id, sections.class_id) as class_id,
    sections.lms_section_id is not null as is_sent
from {{ ref('stg_lms__sections') }} as sections
full outer join named on sections.source_system = named.source_id and sections.lms_section_id = named.section_id
