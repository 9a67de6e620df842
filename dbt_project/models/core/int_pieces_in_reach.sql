-- How far a run of absences looks back: for each week piece of a calendar the pieces, itself among them, that hold its days and as many school days before
-- each of them as the longest run that the registry counts.
select distinct
    later.calendar_key,
    later.piece_start,
    earlier.piece_start as earlier_piece_start
from {{ ref('int_school_days_numbered') }} as later
cross join (select max(school_days) as school_days from {{ ref('absence_runs') }}) as longest
inner join {{ ref('int_school_days_numbered') }} as earlier
    on
        later.calendar_key = earlier.calendar_key
        and later.school_year = earlier.school_year
        and earlier.nth between later.nth - longest.school_days and later.nth
