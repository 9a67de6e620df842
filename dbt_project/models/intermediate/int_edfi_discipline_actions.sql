-- An Ed-Fi discipline action, once: of two records with one natural key the newer counts. An action of several kinds is of each of them; one that is a
-- suspension in and out of school counts as out of school. Days are those served, else those assigned.
with ranked as (
    select
        *,
        row_number() over (partition by natural_key order by known_on desc, record_id desc) as recency
    from {{ ref('stg_edfi__discipline_actions') }}
),

items as (
    select record_id, {{ json_items('disciplines') }} as item
    from ranked
    where recency = 1
),

kinds as (
    select
        items.record_id,
        min(descriptors.descriptor) as action_code,
        {{ bool_any("descriptors.code = 'in_school_suspension'") }} as is_in_school,
        {{ bool_any("descriptors.code = 'out_of_school_suspension'") }} as is_out_of_school,
        {{ bool_any("descriptors.code = 'expulsion'") }} as is_expulsion
    from items
    inner join {{ source('settings', 'edfi_descriptors') }} as descriptors
        on descriptors.field = 'discipline' and {{ json_field('items.item', 'disciplineDescriptor') }} = descriptors.descriptor
    group by items.record_id
)

select
    ranked.student_id as student_key,
    ranked.school_id as school_key,
    {{ concat_key(["ranked.discipline_action_identifier", "ranked.discipline_date"]) }} as action_id,
    ranked.discipline_date,
    kinds.action_code,
    coalesce(ranked.actual_days, ranked.assigned_days) as action_days,
    kinds.is_in_school or kinds.is_out_of_school as is_suspension,
    kinds.is_in_school and not kinds.is_out_of_school as is_in_school,
    kinds.is_expulsion,
    ranked.delivery_id,
    ranked.line_number
from ranked
inner join kinds on ranked.record_id = kinds.record_id
where ranked.recency = 1
