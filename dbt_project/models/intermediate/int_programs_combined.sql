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

-- what a vendor says in a metadata column of the roster has no dates: true of all days, as the newest file has it
select
    users.user_id as student_key,
    codes.group_family,
    codes.group_value,
    cast('1900-01-01' as date) as begin_date,
    cast(null as date) as end_date
from {{ ref('stg_oneroster__users') }} as users
inner join {{ source('settings', 'metadata_programs') }} as codes
    on codes.file = 'users' and codes.value = {{ json_text('users.metadata', 'codes.column_name') }}

union all

select
    demographics.user_id as student_key,
    codes.group_family,
    codes.group_value,
    cast('1900-01-01' as date) as begin_date,
    cast(null as date) as end_date
from {{ ref('stg_oneroster__demographics') }} as demographics
inner join {{ source('settings', 'metadata_programs') }} as codes
    on codes.file = 'demographics' and codes.value = {{ json_text('demographics.metadata', 'codes.column_name') }}

union all

-- on a role or an enrollment it is true of that span
select
    roles.user_id as student_key,
    codes.group_family,
    codes.group_value,
    coalesce(roles.begin_date, cast('1900-01-01' as date)) as begin_date,
    roles.end_date
from {{ ref('stg_oneroster__roles') }} as roles
inner join {{ source('settings', 'metadata_programs') }} as codes
    on codes.file = 'roles' and codes.value = {{ json_text('roles.metadata', 'codes.column_name') }}

union all

select
    enrollments.user_id as student_key,
    codes.group_family,
    codes.group_value,
    coalesce(enrollments.begin_date, cast('1900-01-01' as date)) as begin_date,
    enrollments.end_date
from {{ ref('stg_oneroster__enrollments') }} as enrollments
inner join {{ source('settings', 'metadata_programs') }} as codes
    on codes.file = 'enrollments' and codes.value = {{ json_text('enrollments.metadata', 'codes.column_name') }}

union all

-- Ed-Fi: the end date is the last day
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
