-- depends_on: {{ ref('int_touched_changes') }}
{{ config(materialized='touched', touched='int_touched_changes', touched_key='value_key') }}
-- Each weekly figure beside that of the week before, of the same week last year and of the term's first week, as `agg_indicator_values` has them. A week that
-- is not settled is set beside them and not subtracted: late marks would read as a change.
{% set comparisons = ['week_before', 'last_year', 'term_start'] %}
with figures as (
    select figures.*
    from {{ ref('agg_indicator_values') }} as figures
    {% if is_touched_build() %}
        inner join {{ ref('int_touched_changes') }} as touched on figures.value_key = touched.value_key
    {% endif %}
    where figures.period_type = 'week'
),

placed as (
    select
        figures.*,
        {% for comparison in comparisons %}
            {{ comparison }}.compared_start as {{ comparison }}_start,
            {{ comparison }}.no_week_words as {{ comparison }}_no_week,
            {{ concat_key([
                comparison ~ ".compared_school_year", "figures.school_id", "figures.grade_level", "figures.group_family", "figures.group_value", "'week'",
                comparison ~ ".compared_start", "figures.indicator_id", "figures.profile_id"
            ]) }} as {{ comparison }}_key,
        {% endfor %}
        week_before.is_settled
    from figures
    {% for comparison in comparisons %}
        inner join {{ ref('int_week_comparisons') }} as {{ comparison }}
            on
                figures.school_year = {{ comparison }}.school_year
                and figures.period_start = {{ comparison }}.period_start
                and {{ comparison }}.comparison = '{{ comparison }}'
    {% endfor %}
)

select
    placed.value_key,
    placed.school_year,
    placed.school_id,
    placed.grade_level,
    placed.group_family,
    placed.group_value,
    placed.period_type,
    placed.period_start,
    placed.period_end,
    placed.indicator_id,
    placed.profile_id,
    placed.profile_version,
    placed.is_settled,
    placed.n_subjects,
    {% for comparison in comparisons %}
        placed.{{ comparison }}_start,
        {{ comparison }}.n_subjects as {{ comparison }}_n_subjects,
        {{ comparison }}.value as {{ comparison }}_value,
        case when placed.is_settled then round(placed.value - {{ comparison }}.value, 12) end as {{ comparison }}_change,
        case
            when placed.{{ comparison }}_start is null then placed.{{ comparison }}_no_week
            when {{ comparison }}.value_key is null then 'there is no figure of that week'
            when not placed.is_settled then 'not of equal maturity: this week is not settled'
        end as {{ comparison }}_why_not,
    {% endfor %}
    placed.value
from placed
{% for comparison in comparisons %}
    left join {{ ref('agg_indicator_values') }} as {{ comparison }}
        on placed.{{ comparison }}_key = {{ comparison }}.value_key and {{ comparison }}.period_type = 'week'
{% endfor %}
