-- One row a discipline action taken with a student. An action of several kinds is of each of them. `action_days` are those served, else those assigned.
with actions as (
    select * from {{ ref('stg_edfi__discipline_actions') }}
),

items as (
    select record_id, {{ json_items('disciplines') }} as item
    from actions
),

kinds as (
    select
        items.record_id,
        {{ bool_any("descriptors.code = 'in_school_suspension'") }} as is_in_school_suspension,
        {{ bool_any("descriptors.code = 'out_of_school_suspension'") }} as is_out_of_school_suspension,
        {{ bool_any("descriptors.code = 'expulsion'") }} as is_expulsion,
        {{ bool_any("descriptors.code = 'removal_from_classroom'") }} as is_removal_from_classroom
    from items
    inner join {{ source('settings', 'edfi_descriptors') }} as descriptors
        on descriptors.field = 'discipline' and {{ json_field('items.item', 'disciplineDescriptor') }} = descriptors.descriptor
    group by items.record_id
)

select
    actions.record_id,
    actions.student_id as student_key,
    actions.school_id as school_key,
    actions.discipline_action_identifier as discipline_action_id,
    actions.discipline_date,
    dates.piece_start,
    dates.school_year,
    kinds.is_in_school_suspension,
    kinds.is_out_of_school_suspension,
    kinds.is_expulsion,
    kinds.is_removal_from_classroom,
    coalesce(actions.actual_days, actions.assigned_days) as action_days,
    actions.delivery_id,
    actions.line_number
from actions
inner join kinds on actions.record_id = kinds.record_id
inner join {{ ref('dim_dates') }} as dates on actions.discipline_date = dates.calendar_date
