-- One row a gradebook entry: of two records with one natural key the newer counts.
with ranked as (
    select
        *,
        row_number() over (partition by assignment_key order by known_on desc, record_id desc) as recency
    from {{ ref('stg_edfi__gradebook_entries') }}
)

select assignment_key, section_key, school_id, source_section_identifier, date_assigned, due_date, max_points, entry_type_descriptor
from ranked
where recency = 1
