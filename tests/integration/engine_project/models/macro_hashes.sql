{{ config(materialized='table') }}
-- Identifiers as a system numbers them: of one length, different in two places. `a` and `b` are digits.
{% set shapes = [
    "'SCHOOL-' || a || 'REGION-' || b", "'SCHOOL-' || a || 'REGION-' || b || '-SECTION'", "'SCH' || a || 'DISTRIC' || b || '-SECTION'", "'class-' || a || b || '-of-the-year'",
    "'3f2504' || a || '-4f89-11' || b || '3-9a0c-0305e82c3301'", "'3f25040' || a || '-4f89-1' || b || 'd3-9a0c-0305e82c3301'"
] %}
with digits as (
    select cast(case_id - 1 as string) as digit
    from {{ source('held', 'samples') }}
),

pairs as (
    select ones.digit as a, others.digit as b
    from digits as ones
    cross join digits as others
)

{% for shape in shapes %}
    select {{ loop.index }} as shape, count(distinct identifier) as n_identifiers, count(distinct {{ row_hash(['identifier', "'x'"]) }}) as n_hashes
    from (select {{ shape }} as identifier from pairs) as identifiers
    {{ 'union all' if not loop.last }}
{% endfor %}
