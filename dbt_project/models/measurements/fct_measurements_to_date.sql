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
{% set whole = not is_touched_build() %}
{% set written = ref('fct_measurements') if whole else touched_written(ref('fct_measurements')) %}
{#- What is held of the subjects that are touched. -#}
{% set kept -%}
    (
        select kept.*
        from {{ this }} as kept
        inner join {{ ref('int_touched_subjects') }} as touched
            on kept.subject_type = touched.subject_type and kept.subject_key = touched.subject_key and kept.school_year = touched.school_year
    )
{%- endset %}
{% set same_states -%}
    fallen.subject_type = measurements.subject_type
    and fallen.subject_key = measurements.subject_key
    and fallen.school_year = measurements.school_year
    and coalesce(fallen.term_id, '') = coalesce(measurements.term_id, '')
    and fallen.measure_id = measurements.measure_id
{%- endset %}
with added as (
    select
        {% for column in grain %}
            pieces.{{ column }},
        {% endfor %}
        pieces.sign as n_rows,
        pieces.sign * pieces.quantity as quantity
    from {{ touched_difference(ref('fct_measurements'), grain + ['quantity'], whole) }} as pieces
    inner join {{ ref('measures') }} as measures
        on pieces.measure_id = measures.measure_id and measures.accumulation = 'sum'
    {% if not whole %}
        union all
        select {{ grain | join(', ') }}, n_rows, quantity
        from {{ kept }} as kept
        where n_rows is not null
    {% endif %}
),

{% if not whole %}
    -- states that are held, and whether their piece was written anew
    held as (
        select kept.*, pieces.piece_start is not null as is_fallen
        from {{ kept }} as kept
        left join {{ ref('int_touched_pieces') }} as pieces
            on
                kept.subject_type = pieces.subject_type
                and kept.subject_key = pieces.subject_key
                and kept.last_piece_start = pieces.piece_start
        where kept.n_rows is null
    ),

    -- those whose piece has fallen and in whose place, or later, nothing was written: the one before them has to be looked up
    fallen as (
        select fallen.subject_type, fallen.subject_key, fallen.school_year, fallen.term_id, fallen.measure_id
        from held as fallen
        left join {{ written }} as measurements
            on
                {{ same_states }}
                and measurements.piece_start >= fallen.last_piece_start
        where fallen.is_fallen
        group by fallen.subject_type, fallen.subject_key, fallen.school_year, fallen.term_id, fallen.measure_id
        having count(measurements.piece_start) = 0
    ),
{% endif %}

candidates as (
    select {{ grain | join(', ') }}, piece_start, quantity
    from {{ written }}
    where measure_id in (select measure_id from {{ ref('measures') }} where accumulation = 'latest')
    {% if not whole %}
        union all
        select {{ grain | join(', ') }}, last_piece_start as piece_start, quantity
        from held
        where not is_fallen
        union all
        select {{ ('measurements.' ~ grain | join(', measurements.')) }}, measurements.piece_start, measurements.quantity
        from {{ ref('fct_measurements') }} as measurements
        inner join fallen on {{ same_states }}
        left join {{ ref('int_touched_pieces') }} as touched
            on
                measurements.subject_type = touched.subject_type
                and measurements.subject_key = touched.subject_key
                and measurements.piece_start = touched.piece_start
        where touched.piece_start is null
    {% endif %}
),

states as (
    select
        candidates.*,
        rank() over (
            partition by subject_type, subject_key, school_year, coalesce(term_id, ''), measure_id
            order by piece_start desc
        ) as recency
    from candidates
)

select
    {{ grain | join(', ') }},
    {{ sum_bigint('n_rows') }} as n_rows,
    cast(null as date) as last_piece_start,
    {{ sum_bigint('quantity') }} as quantity
from added
group by {{ grain | join(', ') }}
having sum(n_rows) > 0
union all
select
    {{ grain | join(', ') }},
    cast(null as bigint) as n_rows,
    max(piece_start) as last_piece_start,
    {{ sum_bigint('quantity') }} as quantity
from states
where recency = 1
group by {{ grain | join(', ') }}
