{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The assignments to count again since the last finished build: any student's work on them is read again, they or their sections changed, or who is in the
-- section did.
select assignment_key
from {{ ref('int_results_changed') }}
union
select assignment_key
from {{ ref('int_assignments_moved') }}
union
select assignments.assignment_key
from {{ ref('dim_assignments') }} as assignments
inner join {{ ref('int_section_rosters_changed') }} as changed on assignments.section_key = changed.section_key
