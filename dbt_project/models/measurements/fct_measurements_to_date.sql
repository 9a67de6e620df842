-- depends_on: {{ ref('int_touched_pieces') }}
{{ config(
    materialized='touched',
    touched='int_touched_subjects',
    touched_key=['subject_type', 'subject_key', 'school_year']
) }}
-- One current row per subject, place, groups, term and measure. What is counted is what it was, with tonight's pieces added and what they replaced taken off
-- (`n_rows` of them are in the sum); of what is a state and not a count it is the latest piece of the term (`last_piece_start`).
{% set grain = [
    'subject_type', 'subject_key', 'school_key', 'grade_level', 'signature', 'modality', 'school_year', 'term_id', 'measure_id'
] %}
{% set pieces = touched_difference(
    ref('fct_measurements'), touched_replaced(ref('fct_measurements')) if is_touched_build() else none, ref('int_touched_pieces'),
    ['subject_type', 'subject_key', 'piece_start'], grain + ['quantity']
) %}
with added as (
    select
        {% for column in grain %}
            pieces.{{ column }},
        {% endfor %}
        pieces.sign as n_rows,
        pieces.sign * pieces.quantity as quantity
    from {{ pieces }} as pieces
    inner join {{ ref('measures') }} as measures
        on pieces.measure_id = measures.measure_id and measures.accumulation = 'sum'
    {% if is_touched_build() %}
        union all
        select
            {% for column in grain %}
                kept.{{ column }},
            {% endfor %}
            kept.n_rows,
            kept.quantity
        from {{ this }} as kept
        inner join {{ ref('int_touched_subjects') }} as touched
            on
                kept.subject_type = touched.subject_type
                and kept.subject_key = touched.subject_key
                and kept.school_year = touched.school_year
        where kept.n_rows is not null
    {% endif %}
),

states as (
    select
        measurements.*,
        rank() over (
            partition by
                measurements.subject_type, measurements.subject_key, measurements.school_year, coalesce(measurements.term_id, ''), measurements.measure_id
            order by measurements.piece_start desc
        ) as recency
    from {{ ref('fct_measurements') }} as measurements
    inner join {{ ref('measures') }} as measures
        on measurements.measure_id = measures.measure_id and measures.accumulation = 'latest'
    {% if is_touched_build() %}
        inner join {{ ref('int_touched_subjects') }} as touched
            on
                measurements.subject_type = touched.subject_type
                and measurements.subject_key = touched.subject_key
                and measurements.school_year = touched.school_year
    {% endif %}
)

select
    {% for column in grain %}
        {{ column }},
    {% endfor %}
    {{ sum_bigint('n_rows') }} as n_rows,
    cast(null as date) as last_piece_start,
    {{ sum_bigint('quantity') }} as quantity
from added
group by {{ grain | join(', ') }}
having sum(n_rows) > 0
union all
select
    {% for column in grain %}
        {{ column }},
    {% endfor %}
    cast(null as bigint) as n_rows,
    max(piece_start) as last_piece_start,
    {{ sum_bigint('quantity') }} as quantity
from states
where recency = 1
group by {{ grain | join(', ') }}
