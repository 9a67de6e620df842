-- depends_on: {{ ref('int_touched_periods') }}
-- depends_on: {{ ref('int_touched_subject_periods') }}
{{ config(materialized='ephemeral') }}
-- Measures of every touched subject over each of its touched periods: weeks and months from the week pieces, terms and the year from the rows to date; what
-- is counted is to be summed, of what is a state only the latest is given. A whole build touches everyone: it reads by period alone. A night reads each long
-- table once, by the pieces that its subjects' periods are made of.
{% set is_whole = execute and flags.FULL_REFRESH %}
{% set columns = [
    'period_type', 'period_start', 'school_year', 'subject_type', 'subject_key', 'school_key', 'grade_level', 'signature', 'modality', 'measure_id', 'quantity'
] %}
{% set of_subject = 'measurements.subject_type = periods.subject_type and measurements.subject_key = periods.subject_key' %}
{% set whole_periods = ref('int_touched_periods') %}
{% set periods = ref('int_touched_subject_periods') %}
{% set periods_of_pieces -%}
    (
        select
            periods.subject_type, periods.subject_key, periods.period_type, periods.period_start, pieces.piece_start
        from {{ periods }} as periods
        inner join {{ ref('dim_week_pieces') }} as pieces
            on
                periods.school_year = pieces.school_year
                and periods.period_start = case periods.period_type when 'week' then pieces.week_start when 'month' then pieces.month_start end
    )
{%- endset %}
{% set is_to_date = "(periods.period_type = 'year_to_date' or periods.period_type = 'term' and measurements.term_id = periods.term_id)" %}
{% set same_year = 'measurements.school_year = periods.school_year' %}
{% set reads = [
    ('fct_measurements', 'piece_start', whole_periods, same_year ~ " and periods.period_type = 'week' and measurements.week_start = periods.period_start"),
    ('fct_measurements', 'piece_start', whole_periods, same_year ~ " and periods.period_type = 'month' and measurements.month_start = periods.period_start"),
    ('fct_measurements_to_date', 'last_piece_start', whole_periods, same_year ~ " and periods.period_type = 'year_to_date'"),
    ('fct_measurements_to_date', 'last_piece_start', whole_periods, same_year ~ " and periods.period_type = 'term' and measurements.term_id = periods.term_id"),
] if is_whole else [
    ('fct_measurements', 'piece_start', periods_of_pieces, of_subject ~ ' and measurements.piece_start = periods.piece_start'),
    ('fct_measurements_to_date', 'last_piece_start', periods, of_subject ~ ' and ' ~ same_year ~ ' and ' ~ is_to_date),
] %}
{#- Rows of the measures that accumulate as said, written out where they are read: as one common table DuckDB would hold every row of a whole build. -#}
{% set of_periods = {} %}
{% for accumulation in ['sum', 'latest'] %}
    {% set rows -%}
        {% for model, piece, of_read, is_of_the_period in reads %}
            select
                periods.period_type,
                periods.period_start,
                measurements.{{ columns[2:] | join(', measurements.') }},
                measurements.{{ piece }} as said_on
            from {{ ref(model) }} as measurements
            inner join {{ of_read }} as periods on {{ is_of_the_period }}
            inner join {{ ref('measures') }} as measures on measurements.measure_id = measures.measure_id
            where measures.accumulation = '{{ accumulation }}'
            {{ 'union all' if not loop.last }}
        {% endfor %}
    {%- endset %}
    {% do of_periods.update({accumulation: rows}) %}
{% endfor %}
with counts as (
    {{ of_periods['sum'] }}
),

states as (
    select
        of_periods.*,
        rank() over (
            partition by period_type, period_start, school_year, subject_type, subject_key, measure_id
            order by said_on desc
        ) as recency
    from (
        {{ of_periods['latest'] }}
    ) as of_periods
)

select {{ columns | join(', ') }}
from counts
union all
select {{ columns | join(', ') }}
from states
where recency = 1
