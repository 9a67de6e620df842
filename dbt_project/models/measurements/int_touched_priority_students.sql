-- depends_on: {{ ref('int_survey_changed') }}
-- depends_on: {{ ref('dim_survey_waves') }}
-- depends_on: {{ ref('monitoring_areas') }}
{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- The students of whom the list of priority students is looked at again, by school year: those whose figures changed, those of whom another file says something
-- (a check-in, an assessment), and those of whom a day that has come does (a check-in, an action, a stay's end). Those who are on the list besides where a file
-- of a survey came or a wave opened, and where the last that was seen of them has grown old. The mart is read as the last build left it, so that it is named
-- here and is no model that this one waits for.
{% set standing = none %}
{% if execute and not flags.FULL_REFRESH %}
    {% set standing = load_cached_relation(this.incorporate(path={'schema': 'marts', 'identifier': 'rpt_priority_students'}, type='table')) %}
{% endif %}
with night as (
    select as_of, coalesce(previous_as_of, as_of) as previous_as_of
    from {{ source('settings', 'night') }}
),

years as (
    select periods.school_year, periods.period_start
    from {{ ref('dim_periods') }} as periods
    inner join night on periods.period_start <= night.as_of
    where periods.period_type = 'year_to_date'
),

of_any_year as (
    select student_id as student_key from {{ source('changes', 'registry__check_ins') }}
    union
    select student_key from {{ ref('int_assessments_changed') }}
    union
    select check_ins.student_key
    from {{ ref('fct_check_ins') }} as check_ins
    inner join night
        on
            check_ins.check_in_on between night.previous_as_of and night.as_of
            or check_ins.action_on between night.previous_as_of and night.as_of
    union
    select results.student_key
    from {{ ref('fct_assessment_results') }} as results
    inner join night on results.administered_on between night.previous_as_of and night.as_of
    union
    select stints.student_key
    from {{ ref('dim_stints') }} as stints
    inner join night
        on
            stints.entry_date between night.previous_as_of and night.as_of
            or stints.exit_date between night.previous_as_of and night.as_of
),

touched as (
    select student_key, school_year, period_start
    from {{ ref('int_touched_subject_periods') }}
    where period_type = 'year_to_date' and student_key is not null
    union
    select of_any_year.student_key, years.school_year, years.period_start
    from of_any_year
    cross join years
    {% if standing %}
        union
        select standing.student_key, standing.school_year, standing.period_start
        from {{ standing }} as standing
        cross join night
        where
            exists (select 1 from {{ ref('int_survey_changed') }})
            or exists (select 1 from {{ ref('dim_survey_waves') }} as waves where waves.opens_on between night.previous_as_of and night.as_of)
            or exists (
                select 1 from {{ ref('monitoring_areas') }} as areas
                where
                    {{ add_days(priority_last_seen('standing', 'areas.area'), 'areas.fresh_days') }}
                    between {{ add_days('night.previous_as_of', -1) }} and night.as_of
            )
    {% endif %}
)

select distinct
    student_key,
    cast(school_year as int) as school_year,
    'year_to_date' as period_type,
    period_start
from touched
where student_key is not null
