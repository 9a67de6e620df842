{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The gradebooks of which anything differs from what the mart has, those that are gone among them: few sections change in a night; in one without files those
-- alone that the date moves (a term begins, or what was due lately is so no longer). The mart is read as the last build left it, so that it is named here and
-- is no model that this one waits for.
{% set columns = [
    'school_year', 'school_key', 'section_id', 'period_type', 'period_start', 'period_end', 'n_due', 'n_graded', 'n_graded_lately',
    'last_graded', 'n_results', 'n_expected', 'n_subjects', 'gradebook_state'
] %}
{% set mart = {
    'school_key': 'school_id', 'n_due': 'n_assignments_due', 'n_graded': 'n_assignments_graded', 'n_graded_lately': 'n_assignments_graded_lately',
    'last_graded': 'last_graded_due_date', 'n_results': 'numerator', 'n_expected': 'denominator'
} %}
{% set standing = none %}
{% if execute and not flags.FULL_REFRESH %}
    {% set standing = load_cached_relation(this.incorporate(path={'schema': 'marts', 'identifier': 'rpt_gradebook_health'}, type='table')) %}
{% endif %}
with now as (
    select gradebook_key, {{ columns | join(', ') }}
    from {{ ref('fct_section_gradebooks') }}
    where is_fed
)

{% if standing is none %}
    select gradebook_key, school_year, period_type, period_start
    from now
{% else %}
    select now.gradebook_key, now.school_year, now.period_type, now.period_start
    from now
    left join {{ standing }} as standing on now.gradebook_key = standing.gradebook_key
    where
        standing.gradebook_key is null
        {% for column in columns -%}
            or now.{{ column }} is distinct from standing.{{ mart.get(column, column) }}
        {% endfor %}
    union all
    select standing.gradebook_key, standing.school_year, standing.period_type, standing.period_start
    from {{ standing }} as standing
    left join now on standing.gradebook_key = now.gradebook_key
    where now.gradebook_key is null
{% endif %}
