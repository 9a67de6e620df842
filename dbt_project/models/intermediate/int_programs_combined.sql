-- One shape for a student in a group from the begin date up to, not including, the end date (null: still).
select
    programs.student_id as student_key,
    codes.group_family,
    codes.group_value,
    programs.begin_date,
    programs.end_date
from {{ ref('stg_extract__programs') }} as programs
inner join {{ source('settings', 'program_codes') }} as codes on programs.program_code = codes.code

union all

select
    programs.student_id as student_key,
    codes.group_family,
    codes.group_value,
    programs.begin_date,
    {{ add_days('programs.end_date', 1) }} as end_date
from {{ ref('stg_edfi__student_programs') }} as programs
inner join {{ source('settings', 'program_codes') }} as codes on programs.program_type_descriptor = codes.code
where codes.group_family is not null

union all

select student_key, group_family, group_value, begin_date, end_date
from {{ ref('int_edfi_statuses') }}
