{{ config(materialized='view', meta={'carries_lineage': false}) }}
-- The gradebooks of the classes of the roster in the current school year in which anybody still is, as the gate looks for holes in them.
select
    gradebooks.school_key,
    gradebooks.section_id,
    gradebooks.school_year,
    gradebooks.term_id,
    gradebooks.start_date,
    gradebooks.end_date,
    gradebooks.last_date,
    gradebooks.n_enrolled,
    gradebooks.n_due,
    gradebooks.first_due,
    gradebooks.last_answered,
    gradebooks.n_due_since,
    gradebooks.is_of_a_learning_system
from {{ ref('fct_section_gradebooks') }} as gradebooks
inner join {{ source('settings', 'school_years') }} as years on gradebooks.school_year = years.school_year
inner join {{ source('settings', 'night') }} as dates on dates.as_of between years.start_date and years.end_date
where gradebooks.fed_by = 'oneroster' and gradebooks.counted_on = gradebooks.last_date
