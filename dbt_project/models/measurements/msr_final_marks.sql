-- What final marks add: to a grade point average points by credits, and credits, of marks that the district's scale counts and gives points for and whose
-- credits are said, but for classes that are graded by standards; the same with the extra points of weighted courses, where a district says what they are
-- (a course of which it says none has none, and so has a mark that gives no points); credits attempted and earned; and marks of core subjects that are
-- passed or not. What nobody says is not nought: a mark without credits is in no sum of them, and one of which nobody knows whether it is a failed one of a
-- core subject is in doubt, apart from those that are known.
-- How much of the year a student's marks cover stands on the first day of its terms, at one of the schools of an agency that gave them. A term is covered,
-- and its credits are on pace or not, once it has ended: before, most of its marks may be still to come. What on pace is, is said of full-year courses.
with given as (
    select
        marks.student_key,
        coalesce(marks.school_key, '') as school_key,
        marks.piece_start,
        versions.signature,
        marks.grade_points,
        marks.credits_attempted,
        marks.credits_earned,
        marks.is_failed,
        ended.term_id is not null as is_of_ended_term,
        district.year_course_numerator,
        district.year_course_denominator,
        marks.is_in_gpa and marks.grade_points is not null and marks.credits_attempted > 0
        and not {{ is_graded_by_standards('coalesce(marks.school_key, sections.school_key)', ['sections.course_id']) }} as is_averaged,
        {{ is_graded_by_standards('coalesce(marks.school_key, sections.school_key)', ['sections.course_id']) }} as is_by_standards,
        coalesce({{ try_cast_decimal('weights.extra_points') }}, 0) as extra_points,
        areas.is_core,
        areas.is_math_or_english
    from {{ ref('int_touched_pieces') }} as touched
    inner join {{ ref('fct_marks') }} as marks on touched.subject_key = marks.student_key and touched.piece_start = marks.piece_start
    inner join {{ source('settings', 'night') }} as night on marks.final_on <= night.as_of
    cross join {{ source('settings', 'district') }} as district
    left join (
        select school_year, term_id, min(end_date) as end_date
        from {{ source('settings', 'terms') }}
        group by school_year, term_id
    ) as ended
        on marks.school_year = ended.school_year and marks.term_id = ended.term_id and ended.end_date <= night.as_of
    inner join {{ ref('dim_student_versions') }} as versions
        on
            marks.student_key = versions.student_key
            and marks.final_on >= versions.valid_from
            and marks.final_on < versions.valid_to
    left join {{ ref('dim_sections') }} as sections on marks.section_key = sections.section_key
    left join {{ source('settings', 'course_weights') }} as weights on sections.course_id = weights.course_id
    left join {{ ref('subject_areas') }} as areas on lower(trim(replace(regexp_replace(sections.subject, '^.*#', ''), '_', ' '))) = areas.subject
    where touched.subject_type = 'student'
),

averaged as (
    select given.*, cast(round(least(given.credits_attempted, measures.row_maximum) * measures.scale) as bigint) as credits
    from given
    inner join {{ ref('measures') }} as measures on measures.measure_id = 'gpa_credits'
    where given.is_averaged
),

-- what each mark says of each measure; null where it says nothing
said as (
    select
        given.student_key, given.school_key, given.piece_start, given.signature,
        measures.measure_id, measures.scale, measures.row_maximum, given.year_course_numerator, given.year_course_denominator,
        case measures.measure_id
            when 'credits_attempted' then case when given.credits_earned is not null then given.credits_attempted end
            when 'credits_earned_of_attempted'
                then case
                    when given.credits_earned is not null and given.credits_attempted is not null then least(given.credits_earned, given.credits_attempted)
                end
            when 'credits_earned'
                then case
                    when given.credits_earned is not null then least(given.credits_earned, coalesce(given.credits_attempted, given.credits_earned))
                end
            when 'marks_by_standards' then case when given.is_by_standards then 1 end
            when 'marks_with_credits' then case when given.credits_earned is not null then 1 end
            when 'year_courses_earned'
                then case
                    when given.is_of_ended_term and given.credits_earned <= coalesce(given.credits_attempted, given.credits_earned) then given.credits_earned
                end
            -- more earned than attempted is a slip of one of the two: of which nobody knows
            when 'year_courses_not_said'
                then case
                    when given.is_of_ended_term and given.credits_earned is null then coalesce(given.credits_attempted, measures.row_maximum)
                    when given.is_of_ended_term and given.credits_earned > given.credits_attempted then given.credits_earned
                end
            when 'core_marks' then case when given.is_core and given.is_failed is not null then 1 end
            when 'core_marks_failed' then case when given.is_core and given.is_failed then 1 end
            when 'core_marks_in_doubt' then case when {{ may_be_both('given.is_core', 'given.is_failed') }} then 1 end
            when 'math_english_marks' then case when given.is_math_or_english and given.is_failed is not null then 1 end
            when 'math_english_marks_failed' then case when given.is_math_or_english and given.is_failed then 1 end
            when 'math_english_marks_in_doubt' then case when {{ may_be_both('given.is_math_or_english', 'given.is_failed') }} then 1 end
        end as amount
    from given
    cross join {{ ref('measures') }} as measures
    where measures.model = 'msr_final_marks'
),

counted as (
    select
        student_key, school_key, piece_start, signature, measure_id,
        case
            when measure_id in ('year_courses_earned', 'year_courses_not_said')
                -- thousandths of a credit, each a whole number of units by what the settings allow
                then
                    cast(round(least(amount, row_maximum) * 1000) as bigint)
                    * cast(round(cast(scale as double) * year_course_denominator / (1000 * year_course_numerator)) as bigint)
            else cast(round(least(amount, coalesce(row_maximum, amount)) * scale) as bigint)
        end as quantity
    from said
    where amount > 0
    union all
    select
        averaged.student_key, averaged.school_key, averaged.piece_start, averaged.signature, measures.measure_id,
        case measures.measure_id
            when 'grade_points_by_credit' then cast(round(averaged.credits * averaged.grade_points) as bigint)
            when 'weighted_points_by_credit'
                then cast(round(
                    averaged.credits * (averaged.grade_points + case when averaged.grade_points > 0 then averaged.extra_points else 0 end)
                ) as bigint)
            else averaged.credits
        end as quantity
    from averaged
    inner join {{ ref('measures') }} as measures
        on
            measures.measure_id in ('gpa_credits', 'grade_points_by_credit')
            or (
                measures.measure_id in ('weighted_gpa_credits', 'weighted_points_by_credit')
                and exists (select 1 from {{ source('settings', 'course_weights') }})
            )
),

terms as (
    select
        terms.school_year, terms.term_id, terms.end_date, dates.piece_start,
        starts.year_start, starts.n_terms,
        row_number() over (partition by terms.school_year order by terms.start_date) as place
    from {{ source('settings', 'terms') }} as terms
    inner join (
        select school_year, min(start_date) as year_start, count(*) as n_terms
        from {{ source('settings', 'terms') }}
        group by school_year
    ) as starts on terms.school_year = starts.school_year
    inner join {{ ref('dim_dates') }} as dates on starts.year_start = dates.calendar_date
),

covered as (
    select
        marks.student_key, terms.piece_start, terms.year_start, terms.n_terms,
        min(coalesce(marks.school_key, '')) as school_key,
        count(distinct terms.place) as n_marked,
        max(terms.place) as last_place
    from {{ ref('int_touched_pieces') }} as touched
    inner join terms on touched.piece_start = terms.piece_start and touched.school_year = terms.school_year
    inner join {{ ref('fct_marks') }} as marks
        on touched.subject_key = marks.student_key and terms.school_year = marks.school_year and terms.term_id = marks.term_id
    inner join {{ source('settings', 'night') }} as night on marks.final_on <= night.as_of and terms.end_date <= night.as_of
    left join {{ ref('dim_schools') }} as schools on marks.school_key = schools.school_key
    where touched.subject_type = 'student'
    group by
        marks.student_key, terms.piece_start, terms.year_start, terms.n_terms,
        case when coalesce(schools.is_in_district, true) then '' else schools.agency_id end
),

reported as (
    select max(case when table_name in ('extract__marks', 'edfi__grades') then 1 else 0 end) as says_marks
    from {{ source('settings', 'fed_tables') }}
),

stays as (
    select stays.*
    from {{ stays_begun() }} as stays
    inner join reported on reported.says_marks = 1
),

by_year as (
    select
        covered.student_key, covered.school_key, covered.year_start as calendar_date, covered.piece_start, measures.measure_id,
        cast(floor((2 * measures.scale * covered.last_place + covered.n_terms) / (2 * covered.n_terms)) as bigint) as quantity
    from covered
    inner join {{ ref('measures') }} as measures on measures.measure_id = 'school_years_marked'
    where covered.n_marked = covered.last_place
    union all
    select student_key, school_key, calendar_date, piece_start, 'stays_marks_known' as measure_id, 1 as quantity
    from stays
),

measured as (
    select student_key, school_key, piece_start, signature, measure_id, quantity
    from counted
    union all
    select by_year.student_key, by_year.school_key, by_year.piece_start, versions.signature, by_year.measure_id, by_year.quantity
    from by_year
    inner join {{ source('settings', 'night') }} as night on by_year.calendar_date <= night.as_of
    inner join {{ ref('dim_student_versions') }} as versions
        on
            by_year.student_key = versions.student_key
            and by_year.calendar_date >= versions.valid_from
            and by_year.calendar_date < versions.valid_to
)

select
    'student' as subject_type,
    student_key as subject_key,
    school_key,
    cast(null as {{ dbt.type_string() }}) as grade_level,
    signature,
    cast(null as {{ dbt.type_string() }}) as modality,
    piece_start,
    measure_id,
    {{ sum_bigint('quantity') }} as quantity
from measured
group by student_key, school_key, signature, piece_start, measure_id
