{{ config(materialized='table') }}
-- What tonight adds to the counts of students in each figure of the year to date, and of those whom a rule leaves out of it: those measured again once as they
-- are (`sign` 1) and once, taken off, as they were (-1). Who is left out, and why, is read from the rows in which it was judged; a student enrolled at the
-- place without a row is of another grade, or nothing is known or counted of the student. Each counts once, in the groups of the year (of a figure of days, those
-- of the last day).
{% set people = touched_difference(ref('int_student_places'), ['student_key', 'school_year', 'place', 'grade_level', 'membership_rule', 'signature']) %}
{% set said = touched_difference(
    ref('int_subject_indicators'),
    ['subject_key', 'school_year', 'indicator_id', 'profile_id', 'counts_at', 'school_key', 'denominator', 'excluded_by'],
    where="subject_type = 'student' and period_type = 'year_to_date'"
) %}
{% set rules = ['left', 'never_attended', 'too_few', 'in_doubt'] %}
{% set counts = ['n_enrolled', 'n_in_figure', 'n_other_grades', 'n_left', 'n_never_attended', 'n_too_few', 'n_in_doubt', 'n_rows'] %}
{% set same_place = 'said.subject_key = people.student_key and said.school_year = people.school_year and said.sign = people.sign' %}
with profiles as (
    select
        profiles.indicator_id,
        profiles.profile_id,
        profiles.first_school_year,
        profiles.last_school_year,
        -- a figure of days or work has all of them, whatever the grade, and is in the groups of each day
        case when indicators.rollup in {{ rollups_of_each_person() }} or indicators.rollup = 'flags_together' then profiles.grades end as grades,
        case profiles.membership_rule when 'on_the_day' then 'last_day' else profiles.membership_rule end as membership_rule,
        indicators.rollup in {{ rollups_of_each_person() }} or indicators.rollup = 'flags_together' as has_one_row
    from {{ ref('indicator_profiles') }} as profiles
    inner join {{ ref('indicators') }} as indicators on profiles.indicator_id = indicators.indicator_id
    left join {{ ref('measures') }} as measures on indicators.denominator_measure = measures.measure_id
    where measures.subject_type = 'student' or indicators.rollup = 'flags_together'
),

memberships as (
    select signature, group_family, group_value from {{ ref('int_signatures_known') }}
    union all
    select distinct signature, 'all' as group_family, 'all' as group_value from {{ ref('int_signatures_known') }}
),

enrolled as (
    select people.school_year, people.place, people.grade_level, people.membership_rule, people.signature, {{ sum_bigint('people.sign') }} as n
    from {{ people }} as people
    group by people.school_year, people.place, people.grade_level, people.membership_rule, people.signature
    having sum(people.sign) <> 0
),

-- by the few ways in which profiles choose grades and groups
enrolled_in_groups as (
    select
        enrolled.school_year, enrolled.place, ways.membership_rule, ways.grades, memberships.group_family, memberships.group_value,
        {{ sum_bigint('enrolled.n') }} as n_enrolled,
        {{ sum_bigint('case when ' ~ is_of_grades('ways.grades', 'enrolled.grade_level') ~ ' then 0 else enrolled.n end') }} as n_other_grades
    from enrolled
    inner join (select distinct membership_rule, grades from profiles) as ways on enrolled.membership_rule = ways.membership_rule
    inner join memberships on enrolled.signature = memberships.signature
    group by enrolled.school_year, enrolled.place, ways.membership_rule, ways.grades, memberships.group_family, memberships.group_value
),

rows_in_places as (
    select
        said.sign, said.subject_key, said.school_year, said.indicator_id, said.profile_id,
        case when said.counts_at = 'district' then '' else said.school_key end as place,
        said.denominator, said.excluded_by
    from {{ said }} as said
    where said.counts_at = 'district' or said.school_key <> ''
    union all
    select said.sign, said.subject_key, said.school_year, said.indicator_id, said.profile_id, '' as place, said.denominator, said.excluded_by
    from {{ said }} as said
    where said.counts_at = 'both'
),

-- of days and work a student has a row for each group, and place, of those days
persons as (
    select said.sign, said.subject_key, said.school_year, said.indicator_id, said.profile_id, said.place, said.denominator > 0 as is_in, said.excluded_by
    from rows_in_places as said
    inner join profiles on said.indicator_id = profiles.indicator_id and said.profile_id = profiles.profile_id
    where profiles.has_one_row
    union all
    select distinct
        said.sign, said.subject_key, said.school_year, said.indicator_id, said.profile_id, said.place, true as is_in,
        cast(null as {{ dbt.type_string() }}) as excluded_by
    from rows_in_places as said
    inner join profiles on said.indicator_id = profiles.indicator_id and said.profile_id = profiles.profile_id
    where not profiles.has_one_row and said.denominator > 0
),

counted as (
    select
        said.school_year, said.place, said.indicator_id, said.profile_id, people.signature,
        {{ sum_bigint('case when said.is_in then said.sign else 0 end') }} as n_in_figure,
        {% for rule in rules %}
            {{ sum_bigint("case when said.excluded_by = '" ~ rule ~ "' then said.sign else 0 end") }} as n_{{ rule }},
        {% endfor %}
        {{ sum_bigint('said.sign') }} as n_rows
    from persons as said
    inner join profiles on said.indicator_id = profiles.indicator_id and said.profile_id = profiles.profile_id
    inner join {{ people }} as people on {{ same_place }} and said.place = people.place and profiles.membership_rule = people.membership_rule
    group by said.school_year, said.place, said.indicator_id, said.profile_id, people.signature
),

parts as (
    select
        enrolled.school_year, enrolled.place, profiles.indicator_id, profiles.profile_id, enrolled.group_family, enrolled.group_value,
        enrolled.n_enrolled,
        cast(0 as bigint) as n_in_figure,
        enrolled.n_other_grades,
        {% for rule in rules %}
            cast(0 as bigint) as n_{{ rule }},
        {% endfor %}
        cast(0 as bigint) as n_rows
    from enrolled_in_groups as enrolled
    inner join profiles
        on enrolled.membership_rule = profiles.membership_rule and coalesce(enrolled.grades, '') = coalesce(profiles.grades, '')
    where
        enrolled.school_year >= coalesce(profiles.first_school_year, enrolled.school_year)
        and enrolled.school_year <= coalesce(profiles.last_school_year, enrolled.school_year)
    union all
    select
        counted.school_year, counted.place, counted.indicator_id, counted.profile_id, memberships.group_family, memberships.group_value,
        cast(0 as bigint) as n_enrolled,
        counted.n_in_figure,
        cast(0 as bigint) as n_other_grades,
        {% for rule in rules %}
            counted.n_{{ rule }},
        {% endfor %}
        counted.n_rows
    from counted
    inner join memberships on counted.signature = memberships.signature
),

cells as (
    select
        {% for count in counts %}
            {{ sum_bigint(count) }} as {{ count }},
        {% endfor %}
        school_year, place, indicator_id, profile_id, group_family, group_value
    from parts
    group by school_year, place, indicator_id, profile_id, group_family, group_value
)

select
    {{ concat_key(["cells.school_year", "cells.place", "cells.indicator_id", "cells.profile_id", "cells.group_family", "cells.group_value"]) }} as excluded_key,
    {{ concat_key(["cells.school_year", "cells.place", "cells.indicator_id", "cells.profile_id"]) }} as figures_key,
    cast(cells.school_year as int) as school_year,
    years.period_type,
    years.period_start,
    cells.place,
    cells.indicator_id,
    cells.profile_id,
    cells.group_family,
    cells.group_value,
    cells.{{ counts | join(', cells.') }}
from cells
inner join {{ ref('dim_periods') }} as years on cells.school_year = years.school_year and years.period_type = 'year_to_date'
where cells.{{ counts | join(' <> 0 or cells.') }} <> 0
