-- depends_on: {{ ref('int_touched_periods') }}
-- depends_on: {{ ref('int_touched_subject_periods') }}
{{ config(materialized='ephemeral') }}
-- Measures of every touched subject over each of its touched periods: weeks and months from the week pieces, terms and the year from the rows to date.
-- A whole build touches everyone: it reads by period alone.
{% set is_whole = execute and flags.FULL_REFRESH %}
{% set periods = ref('int_touched_periods') if is_whole else ref('int_touched_subject_periods') %}
{% set same_subject -%}
    measurements.school_year = periods.school_year
    {%- if not is_whole %} and measurements.subject_type = periods.subject_type and measurements.subject_key = periods.subject_key {%- endif %}
{%- endset %}
with piece_rows as (
    select periods.period_type, periods.period_start, measurements.*, measures.accumulation
    from {{ ref('fct_measurements') }} as measurements
    inner join {{ periods }} as periods
        on
            periods.period_type = 'week'
            and {{ same_subject }}
            and measurements.week_start = periods.period_start
    inner join {{ ref('measures') }} as measures on measurements.measure_id = measures.measure_id
    union all
    select periods.period_type, periods.period_start, measurements.*, measures.accumulation
    from {{ ref('fct_measurements') }} as measurements
    inner join {{ periods }} as periods
        on
            periods.period_type = 'month'
            and {{ same_subject }}
            and measurements.month_start = periods.period_start
    inner join {{ ref('measures') }} as measures on measurements.measure_id = measures.measure_id
),

last_pieces as (
    select period_type, period_start, school_year, subject_type, subject_key, measure_id, max(piece_start) as piece_start
    from piece_rows
    where accumulation = 'latest'
    group by period_type, period_start, school_year, subject_type, subject_key, measure_id
),

to_date_rows as (
    select periods.period_type, periods.period_start, measurements.*, measures.accumulation
    from {{ ref('fct_measurements_to_date') }} as measurements
    inner join {{ periods }} as periods
        on
            {{ same_subject }}
            and (periods.period_type = 'year_to_date' or (periods.period_type = 'term' and measurements.term_id = periods.term_id))
    inner join {{ ref('measures') }} as measures on measurements.measure_id = measures.measure_id
),

last_terms as (
    select period_type, period_start, school_year, subject_type, subject_key, measure_id, max(last_piece_start) as piece_start
    from to_date_rows
    where accumulation = 'latest'
    group by period_type, period_start, school_year, subject_type, subject_key, measure_id
),

of_periods as (
    select
        piece_rows.period_type, piece_rows.period_start, piece_rows.school_year, piece_rows.subject_type, piece_rows.subject_key,
        piece_rows.school_key, piece_rows.grade_level, piece_rows.signature, piece_rows.modality, piece_rows.measure_id, piece_rows.quantity
    from piece_rows
    left join last_pieces
        on
            piece_rows.accumulation = 'latest'
            and piece_rows.period_type = last_pieces.period_type
            and piece_rows.period_start = last_pieces.period_start
            and piece_rows.school_year = last_pieces.school_year
            and piece_rows.subject_type = last_pieces.subject_type
            and piece_rows.subject_key = last_pieces.subject_key
            and piece_rows.measure_id = last_pieces.measure_id
    where piece_rows.accumulation = 'sum' or piece_rows.piece_start = last_pieces.piece_start
    union all
    select
        to_date_rows.period_type, to_date_rows.period_start, to_date_rows.school_year, to_date_rows.subject_type, to_date_rows.subject_key,
        to_date_rows.school_key, to_date_rows.grade_level, to_date_rows.signature, to_date_rows.modality, to_date_rows.measure_id,
        to_date_rows.quantity
    from to_date_rows
    left join last_terms
        on
            to_date_rows.accumulation = 'latest'
            and to_date_rows.period_type = last_terms.period_type
            and to_date_rows.period_start = last_terms.period_start
            and to_date_rows.school_year = last_terms.school_year
            and to_date_rows.subject_type = last_terms.subject_type
            and to_date_rows.subject_key = last_terms.subject_key
            and to_date_rows.measure_id = last_terms.measure_id
    where to_date_rows.accumulation = 'sum' or to_date_rows.last_piece_start = last_terms.piece_start
)

select
    period_type, period_start, school_year, subject_type, subject_key, school_key, grade_level, signature, modality, measure_id,
    {{ sum_bigint('quantity') }} as quantity
from of_periods
group by period_type, period_start, school_year, subject_type, subject_key, school_key, grade_level, signature, modality, measure_id
