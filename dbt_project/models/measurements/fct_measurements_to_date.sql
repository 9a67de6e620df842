{{ config(
    materialized='touched',
    touched='int_touched_subjects',
    touched_key=['subject_type', 'subject_key', 'school_year']
) }}
-- One current row per subject, place, groups, term and measure: the sum of the week pieces, or the latest piece of the term for what is a state and not a count.
with pieces as (
    select measurements.*, measures.accumulation
    from {{ ref('fct_measurements') }} as measurements
    inner join {{ ref('measures') }} as measures on measurements.measure_id = measures.measure_id
    {% if is_touched_build() %}
        inner join {{ ref('int_touched_subjects') }} as touched
            on
                measurements.subject_type = touched.subject_type
                and measurements.subject_key = touched.subject_key
                and measurements.school_year = touched.school_year
    {% endif %}
),

latest as (
    select subject_type, subject_key, school_year, coalesce(term_id, '') as term_id, measure_id, max(piece_start) as piece_start
    from pieces
    where accumulation = 'latest'
    group by subject_type, subject_key, school_year, coalesce(term_id, ''), measure_id
)

select
    pieces.subject_type,
    pieces.subject_key,
    pieces.school_key,
    pieces.grade_level,
    pieces.signature,
    pieces.modality,
    pieces.school_year,
    pieces.term_id,
    pieces.measure_id,
    max(pieces.piece_start) as last_piece_start,
    {{ sum_bigint('pieces.quantity') }} as quantity
from pieces
left join latest
    on
        pieces.subject_type = latest.subject_type
        and pieces.subject_key = latest.subject_key
        and pieces.school_year = latest.school_year
        and coalesce(pieces.term_id, '') = latest.term_id
        and pieces.measure_id = latest.measure_id
where pieces.accumulation = 'sum' or pieces.piece_start = latest.piece_start
group by
    pieces.subject_type, pieces.subject_key, pieces.school_key, pieces.grade_level, pieces.signature, pieces.modality, pieces.school_year,
    pieces.term_id, pieces.measure_id
