{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The waves of surveys of which tonight any response changes, by school year. A response's key begins with that of its wave.
select distinct
    waves.wave_key,
    waves.survey_id,
    waves.wave_id,
    cast(pieces.school_year as int) as school_year,
    periods.period_type,
    periods.period_start
from {{ ref('int_touched_pieces') }} as pieces
inner join {{ ref('dim_survey_waves') }} as waves on {{ key_begins('pieces.subject_key', 2) }} = waves.wave_key
inner join {{ ref('int_touched_periods') }} as periods on pieces.school_year = periods.school_year and periods.period_type = 'year_to_date'
where pieces.subject_type = 'response'
