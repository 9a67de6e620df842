{{ config(materialized='view', meta={'carries_lineage': false}) }}
-- What a night's Ed-Fi records touch: students (all their week pieces so far, where piece_start is null), everyone of a school whose calendar changed and
-- on days until which its attendance is now known.
select student_unique_id as student_key, cast(null as date) as piece_start, 'student' as cause
from {{ source('changes', 'edfi__students') }}
union
select student_unique_id as student_key, cast(null as date) as piece_start, 'enrollment' as cause
from {{ source('changes', 'edfi__student_school_associations') }}
union
select student_unique_id as student_key, cast(null as date) as piece_start, 'enrollment' as cause
from {{ source('changes', 'edfi__student_section_associations') }}
union
select student_unique_id as student_key, cast(null as date) as piece_start, 'demographics' as cause
from {{ source('changes', 'edfi__student_demographics') }}
union
select student_unique_id as student_key, cast(null as date) as piece_start, 'programs' as cause
from {{ source('changes', 'edfi__student_programs') }}
union
-- who enters a grade tonight is in another one from now on
select associations.student_id as student_key, cast(null as date) as piece_start, 'enrollment' as cause
from {{ ref('stg_edfi__student_school_associations') }} as associations
inner join {{ source('settings', 'night') }} as night
    on associations.entry_date > coalesce(night.previous_as_of, cast('1900-01-01' as date)) and associations.entry_date <= night.as_of
union
-- a calendar may be new to a school's students, or gone: all their days are other days
select stints.student_key, cast(null as date) as piece_start, 'calendar' as cause
from {{ source('changes', 'edfi__calendar_dates') }} as changed
inner join {{ ref('dim_stints') }} as stints on changed.school_id = stints.school_key
union
-- everyone of a school from the last day that was known whatever changed tonight up to the last day that a changed event speaks of
select stints.student_key, dates.piece_start, 'attendance' as cause
from {{ ref('int_edfi_known_until_changed') }} as changed
inner join {{ ref('dim_dates') }} as dates
    on dates.calendar_date >= changed.known_before and dates.calendar_date <= changed.changed_until
inner join {{ ref('dim_stints') }} as stints
    on
        changed.school_key = stints.school_key
        and dates.calendar_date >= stints.entry_date
        and dates.calendar_date < stints.exit_date
