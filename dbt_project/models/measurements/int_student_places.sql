-- depends_on: {{ ref('int_touched_subject_periods') }}
{{ config(
    materialized='touched',
    touched='int_touched_subject_periods',
    touched_key=['student_key', 'school_year'],
    keeps_difference=true
) }}
-- Where each student was enrolled on any day of a school year so far (`place` is '' in the district's row), in which grade, and in which groups by each rule
-- that goes by the year: whom an indicator could be about.
with stays as (
    select distinct stints.student_key, years.school_year, stints.school_key
    from {{ ref('dim_stints') }} as stints
    inner join {{ source('settings', 'school_years') }} as years
        on stints.entry_date <= years.end_date and stints.exit_date > years.start_date
    inner join {{ source('settings', 'night') }} as night on greatest(stints.entry_date, years.start_date) <= night.as_of
    {% if is_touched_build() %}
        inner join (select distinct student_key, school_year from {{ ref('int_touched_subject_periods') }}) as touched
            on stints.student_key = touched.student_key and years.school_year = touched.school_year
    {% endif %}
),

places as (
    select student_key, school_year, school_key as place
    from stays
    union
    select stays.student_key, stays.school_year, '' as place
    from stays
    left join {{ ref('dim_schools') }} as schools on stays.school_key = schools.school_key
    where coalesce(schools.is_in_district, true)
)

select
    places.student_key,
    cast(places.school_year as int) as school_year,
    places.place,
    coalesce(grades.grade_level, 'unknown') as grade_level,
    groups.membership_rule,
    groups.signature
from places
inner join {{ ref('dim_student_years') }} as groups on places.student_key = groups.student_key and places.school_year = groups.school_year
left join {{ ref('dim_student_grades') }} as grades on places.student_key = grades.student_key and places.school_year = grades.school_year
