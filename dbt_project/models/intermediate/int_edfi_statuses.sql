-- What Ed-Fi says of a student beside programs: limited English proficiency, economic disadvantage, and characteristics (homeless, foster care).
-- A status has no dates and is taken as always true so far; a characteristic is true in its periods, or always where it has none.
with said as (
    select * from {{ ref('stg_edfi__student_demographics') }}
),

characteristics as (
    select
        items.student_id,
        items.item,
        {{ json_field('items.item', 'studentCharacteristicDescriptor') }} as descriptor,
        {{ json_field('items.item', 'periods') }} as periods
    from (
        select student_id, {{ json_items('student_characteristics') }} as item
        from said
    ) as items
),

periods as (
    select student_id, descriptor, {{ json_items('periods') }} as period
    from characteristics
    where periods is not null and periods <> '[]'
    union all
    select student_id, descriptor, item as period
    from characteristics
    where periods is null or periods = '[]'
),

stated as (
    select student_id, 'english_learner' as group_family, 'english_proficiency' as field, english_proficiency_descriptor as descriptor
    from said
    union all
    select student_id, 'economic_disadvantage' as group_family, 'economic_disadvantage' as field, economic_disadvantage_descriptor as descriptor
    from said
),

spans as (
    select
        periods.student_id,
        descriptors.code as group_family,
        'yes' as group_value,
        {{ try_cast_date(json_field('periods.period', 'beginDate')) }} as begin_date,
        {{ add_days(try_cast_date(json_field('periods.period', 'endDate')), 1) }} as end_date
    from periods
    inner join {{ source('settings', 'edfi_descriptors') }} as descriptors
        on descriptors.field = 'student_characteristic' and periods.descriptor = descriptors.descriptor
    union all
    select
        stated.student_id,
        stated.group_family,
        descriptors.code as group_value,
        cast(null as date) as begin_date,
        cast(null as date) as end_date
    from stated
    inner join {{ source('settings', 'edfi_descriptors') }} as descriptors
        on stated.field = descriptors.field and stated.descriptor = descriptors.descriptor
)

-- a no says nothing that is not so without it
select distinct
    student_id as student_key,
    group_family,
    group_value,
    coalesce(begin_date, cast('1900-01-01' as date)) as begin_date,
    end_date
from spans
where group_value = 'yes' and group_family <> 'none'
