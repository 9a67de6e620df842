-- One shape for an action taken on a student in an incident. `discipline_codes` says what a source's action code is.
select
    discipline.incident_id,
    discipline.action_id,
    discipline.student_id as student_key,
    discipline.school_id as school_key,
    discipline.incident_date,
    coalesce(discipline.begin_date, discipline.incident_date) as begin_date,
    discipline.action_code,
    discipline.behavior_code,
    discipline.action_days,
    codes.is_suspension = 'true' as is_suspension,
    codes.is_in_school = 'true' as is_in_school,
    codes.is_expulsion = 'true' as is_expulsion,
    discipline.delivery_id,
    discipline.line_number
from {{ ref('stg_extract__discipline') }} as discipline
inner join {{ source('settings', 'discipline_codes') }} as codes on discipline.action_code = codes.code

union all

-- Ed-Fi names the incidents of an action in a list: an action stands by itself
select
    '' as incident_id,
    action_id,
    student_key,
    school_key,
    discipline_date as incident_date,
    discipline_date as begin_date,
    action_code,
    cast(null as {{ dbt.type_string() }}) as behavior_code,
    action_days,
    is_suspension,
    is_in_school,
    is_expulsion,
    delivery_id,
    line_number
from {{ ref('int_edfi_discipline_actions') }}
