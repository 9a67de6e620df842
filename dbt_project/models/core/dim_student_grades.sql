{{ config(materialized='table') }}
-- A student's grade level in a school year: by the roster of that year, else the district's list of students of that year, else the enrollment of that year
-- that began last. What was said of a year holds until something else is said; of the years before the first word nothing is known: this year's grade is
-- never taken for last year's.
with said as (
    select user_id as student_key, school_year, nullif(split_part(grade_levels, ',', 1), '') as grade_level, 1 as place
    from {{ ref('stg_oneroster__user_grades') }}
    union all
    select students.student_id as student_key, students.school_year, coalesce(grades.grade_level, students.grade_level) as grade_level, 2 as place
    from {{ ref('stg_extract__student_grades') }} as students
    left join {{ source('settings', 'grade_levels') }} as grades on students.grade_level = grades.code
    union all
    select student_key, school_year, grade_level, 2 + recency as place
    from (
        select
            stints.student_key,
            years.school_year,
            stints.grade_level,
            row_number() over (
                partition by stints.student_key, years.school_year order by stints.entry_date desc, stints.exit_date desc, stints.school_key asc
            ) as recency
        from {{ ref('int_stints_combined') }} as stints
        inner join {{ source('settings', 'school_years') }} as years
            on stints.entry_date <= years.end_date and stints.exit_date > years.start_date
        where stints.grade_level is not null
    ) as by_entry
),

ranked as (
    select
        said.student_key,
        years.school_year,
        said.grade_level,
        row_number() over (partition by said.student_key, years.school_year order by said.school_year desc, said.place asc) as recency
    from said
    inner join {{ source('settings', 'school_years') }} as years on said.school_year <= years.school_year
    where said.grade_level is not null
)

select student_key, cast(school_year as int) as school_year, grade_level
from ranked
where recency = 1
