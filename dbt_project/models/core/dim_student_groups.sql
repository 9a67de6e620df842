-- One row per student, span of days and group family: the value that was true on those days. A student's spans break where any program begins or ends.
with spans as (
    select
        student_key,
        group_family,
        group_value,
        begin_date,
        coalesce(end_date, cast('9999-12-31' as date)) as end_date
    from {{ ref('int_programs_combined') }}
    where
        begin_date < coalesce(end_date, cast('9999-12-31' as date))
        and student_key in (select student_key from {{ ref('dim_students') }})
),

points as (
    select student_key, cast('1900-01-01' as date) as valid_from from {{ ref('dim_students') }}
    union
    select student_key, begin_date as valid_from from spans
    union
    select student_key, end_date as valid_from from spans where end_date < cast('9999-12-31' as date)
),

versions as (
    select
        student_key,
        valid_from,
        coalesce(lead(valid_from) over (partition by student_key order by valid_from), cast('9999-12-31' as date)) as valid_to
    from points
),

statuses as (
    select
        versions.student_key,
        versions.valid_from,
        versions.valid_to,
        families.group_family,
        coalesce(min(spans.group_value), families.unknown_value) as group_value
    from versions
    cross join {{ ref('group_families') }} as families
    left join spans
        on
            versions.student_key = spans.student_key
            and families.group_family = spans.group_family
            and versions.valid_from >= spans.begin_date
            and versions.valid_from < spans.end_date
    where families.membership = 'status'
    group by versions.student_key, versions.valid_from, versions.valid_to, families.group_family, families.unknown_value
),

attributes as (
    select
        versions.student_key,
        versions.valid_from,
        versions.valid_to,
        families.group_family,
        case families.group_family when 'race_ethnicity' then students.race_ethnicity when 'gender' then students.gender end as group_value
    from versions
    inner join {{ ref('dim_students') }} as students on versions.student_key = students.student_key
    cross join {{ ref('group_families') }} as families
    where families.membership = 'attribute'
)

select student_key, valid_from, valid_to, group_family, group_value from statuses
union all
select student_key, valid_from, valid_to, group_family, group_value from attributes
