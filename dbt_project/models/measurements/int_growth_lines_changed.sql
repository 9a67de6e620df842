{{ config(materialized='table', meta={'carries_lineage': false}) }}
{% set keys = ['assessment_id', 'subject', 'school_year', 'grade_level', 'earlier_start', 'window_start'] %}
{% set pair = keys + ['student_key', 'earlier_score', 'score'] %}
-- The comparisons of which a pair of results came, went or is another: a pair that was written again as it was changes none.
select distinct {{ keys | join(', ') }}
from (
    select {{ pair | join(', ') }}
    from {{ touched_difference(ref('int_growth_pairs'), pair) }}
    group by {{ pair | join(', ') }}
    having sum(sign) <> 0
) as changed
