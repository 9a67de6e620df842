-- The gradebook of each class section in each term so far (in the year, where no terms are set): students enrolled on the last day so far on which anybody
-- was, assignments due, what came of them, and in plain words whether it is in use, by `[gradebook]` of the settings. A learning system's section that stands
-- for a class is that class. `start_date` to `end_date` is the term, cut to the class's own academic sessions where they are known (a OneRoster session ends
-- the day before its end date). An Ed-Fi section has terms of its own school year alone; a class whose sessions nobody says has the current year's, and those
-- of earlier years in which it has something due. A section of no school is left out. `n_subjects`: the fewest students behind any number of the row, be it
-- those enrolled or those who were there when something fell due.
-- `is_fed`: of that year there are assignments from the section's kind of source; where there are none, no gradebook is sent, and nothing is known of it.
with night as (
    select dates.as_of, rules.used_days, rules.used_items, max(years.school_year) as this_year
    from {{ source('settings', 'night') }} as dates
    cross join {{ source('settings', 'gradebook') }} as rules
    left join {{ source('settings', 'school_years') }} as years on dates.as_of >= years.start_date
    group by dates.as_of, rules.used_days, rules.used_items
),

terms as (
    select
        terms.school_year,
        terms.term_id,
        'term' as period_type,
        terms.start_date,
        terms.end_date,
        night.as_of,
        night.used_days,
        night.used_items,
        night.this_year
    from {{ source('settings', 'terms') }} as terms
    inner join night on terms.start_date <= night.as_of
    union all
    select
        years.school_year,
        '' as term_id,
        'year_to_date' as period_type,
        years.start_date,
        years.end_date,
        night.as_of,
        night.used_days,
        night.used_items,
        night.this_year
    from {{ source('settings', 'school_years') }} as years
    inner join night on years.start_date <= night.as_of
    where not exists (select 1 from {{ source('settings', 'terms') }} as terms where terms.school_year = years.school_year)
),

class_sessions as (
    select classes.class_id, min(sessions.start_date) as start_date, {{ add_days('max(sessions.end_date)', -1) }} as end_date
    from {{ ref('stg_oneroster__classes') }} as classes
    inner join {{ ref('stg_oneroster__academic_sessions') }} as sessions
        on instr(',' || replace(classes.term_ids, ' ', '') || ',', ',' || sessions.session_id || ',') > 0
    group by classes.class_id
),

edfi_sessions as (
    select
        sections.section_key,
        cast({{ try_cast_decimal('min(sections.school_year)') }} as int) as school_year,
        min(sessions.begin_date) as start_date,
        max(sessions.end_date) as end_date
    from {{ ref('stg_edfi__sections') }} as sections
    left join {{ ref('stg_edfi__sessions') }} as sessions
        on
            sections.school_id = sessions.school_id
            and sections.school_year = sessions.school_year
            and sections.session_name = sessions.session_name
    group by sections.section_key
),

sections as (
    select
        {{ concat_key(["'oneroster'", "classes.class_id"]) }} as section_key,
        'oneroster' as fed_by,
        classes.class_id as section_id,
        classes.school_id as school_key,
        cast(null as int) as only_year,
        class_sessions.start_date,
        class_sessions.end_date
    from {{ ref('stg_oneroster__classes') }} as classes
    left join class_sessions on classes.class_id = class_sessions.class_id
    where classes.school_id is not null
    union all
    select
        sections.section_key,
        'edfi' as fed_by,
        sections.section_id,
        sections.school_key,
        edfi_sessions.school_year as only_year,
        edfi_sessions.start_date,
        edfi_sessions.end_date
    from {{ ref('dim_sections') }} as sections
    left join edfi_sessions on sections.section_key = edfi_sessions.section_key
    where sections.section_key like 'edfi|%' and sections.school_key is not null
),

section_terms as (
    select
        sections.section_key,
        sections.fed_by,
        sections.section_id,
        sections.school_key,
        terms.school_year,
        terms.term_id,
        terms.period_type,
        terms.start_date as period_start,
        terms.end_date as period_end,
        greatest(terms.start_date, coalesce(sections.start_date, terms.start_date)) as start_date,
        least(terms.end_date, coalesce(sections.end_date, terms.end_date)) as end_date,
        least(terms.as_of, terms.end_date, coalesce(sections.end_date, terms.end_date)) as last_date,
        sections.only_year is not null or sections.start_date is not null or terms.school_year = terms.this_year as is_sure,
        terms.used_days,
        terms.used_items
    from sections
    inner join terms on sections.only_year is null or sections.only_year = terms.school_year
),

stand_ins as (
    select
        {{ concat_key(["'lms'", "sections.source_system", "sections.lms_section_id"]) }} as section_key,
        {{ concat_key(["'oneroster'", "sections.class_id"]) }} as class_key
    from {{ ref('int_lms_sections_placed') }} as sections
    where sections.class_id is not null and sections.is_sent
),

seats as (
    select
        section_terms.section_key,
        section_terms.school_year,
        section_terms.term_id,
        enrollments.student_key,
        least({{ add_days('enrollments.end_date', -1) }}, section_terms.last_date) as last_day,
        max(least({{ add_days('enrollments.end_date', -1) }}, section_terms.last_date)) over (
            partition by section_terms.section_key, section_terms.school_year, section_terms.term_id
        ) as counted_on
    from {{ ref('int_section_enrollments_combined') }} as enrollments
    left join stand_ins on enrollments.section_key = stand_ins.section_key
    inner join section_terms
        on
            coalesce(stand_ins.class_key, enrollments.section_key) = section_terms.section_key
            and enrollments.begin_date <= section_terms.last_date
            and enrollments.end_date > section_terms.start_date
    where enrollments.begin_date < enrollments.end_date
),

enrolled as (
    select section_key, school_year, term_id, counted_on, count(distinct student_key) as n_enrolled
    from seats
    where last_day = counted_on
    group by section_key, school_year, term_id, counted_on
),

due as (
    select
        coalesce(stand_ins.class_key, assignments.section_key) as section_key,
        assignments.due_date,
        coalesce(counts.n_submitted, 0) as n_submitted,
        coalesce(counts.n_graded, 0) as n_graded,
        coalesce(counts.n_known, 0) as n_known,
        case when counts.n_enrolled > 0 or counts.n_graded > 0 then counts.n_enrolled end as n_there,
        case when assignments.is_counted then coalesce(counts.n_enrolled, 0) - coalesce(counts.n_excused, 0) else 0 end as n_expected
    from {{ ref('dim_assignments') }} as assignments
    left join stand_ins on assignments.section_key = stand_ins.section_key
    left join {{ ref('fct_assignment_counts') }} as counts on assignments.assignment_key = counts.assignment_key
),

summed as (
    select
        section_terms.section_key,
        section_terms.school_year,
        section_terms.term_id,
        count(*) as n_due,
        min(due.due_date) as first_due,
        max(case when due.n_submitted > 0 then due.due_date end) as last_answered,
        max(case when due.n_graded > 0 then due.due_date end) as last_graded,
        min(due.n_there) as n_fewest,
        {{ sum_bigint('case when due.n_graded > 0 then 1 else 0 end') }} as n_graded,
        {{ sum_bigint(
            'case when due.n_graded > 0 and due.due_date > ' ~ add_days('section_terms.last_date', '-section_terms.used_days') ~ ' then 1 else 0 end'
        ) }} as n_graded_lately,
        {{ sum_bigint('due.n_known') }} as n_results,
        {{ sum_bigint('due.n_expected') }} as n_expected
    from section_terms
    inner join due
        on section_terms.section_key = due.section_key and due.due_date between section_terms.start_date and section_terms.last_date
    group by section_terms.section_key, section_terms.school_year, section_terms.term_id
),

silent as (
    select section_terms.section_key, section_terms.school_year, section_terms.term_id, count(*) as n_due_since
    from section_terms
    inner join summed
        on
            section_terms.section_key = summed.section_key
            and section_terms.school_year = summed.school_year
            and section_terms.term_id = summed.term_id
    inner join due
        on
            section_terms.section_key = due.section_key
            and due.due_date between section_terms.start_date and section_terms.last_date
            and (summed.last_answered is null or due.due_date > summed.last_answered)
    group by section_terms.section_key, section_terms.school_year, section_terms.term_id
),

in_terms as (
    select
        {{ concat_key([
            "section_terms.section_key", "section_terms.school_year", "section_terms.period_type", "section_terms.period_start"
        ]) }} as gradebook_key,
        section_terms.section_key,
        section_terms.fed_by,
        section_terms.school_key,
        section_terms.section_id,
        section_terms.school_year,
        section_terms.term_id,
        section_terms.period_type,
        section_terms.period_start,
        section_terms.period_end,
        section_terms.start_date,
        section_terms.end_date,
        section_terms.last_date,
        enrolled.n_enrolled,
        enrolled.counted_on,
        least(enrolled.n_enrolled, coalesce(summed.n_fewest, enrolled.n_enrolled)) as n_subjects,
        coalesce(summed.n_due, 0) as n_due,
        summed.first_due,
        summed.last_answered,
        coalesce(silent.n_due_since, 0) as n_due_since,
        stand_ins_of.class_key is not null as is_of_a_learning_system,
        coalesce(summed.n_graded, 0) as n_graded,
        coalesce(summed.n_graded_lately, 0) as n_graded_lately,
        summed.last_graded,
        coalesce(summed.n_results, 0) as n_results,
        coalesce(summed.n_expected, 0) as n_expected,
        case
            when coalesce(summed.n_graded_lately, 0) >= section_terms.used_items then 'in use'
            when {{ day_diff('section_terms.start_date', 'section_terms.last_date') }} + 1 < section_terms.used_days then 'too early to say'
            when summed.n_graded_lately > 0 then 'little used'
            when summed.n_graded > 0 then 'no longer used'
            else 'not used'
        end as gradebook_state,
        max(coalesce(summed.n_due, 0)) over (partition by section_terms.fed_by, section_terms.school_year) > 0 as is_fed,
        section_terms.is_sure
        or max(coalesce(summed.n_due, 0)) over (partition by section_terms.section_key, section_terms.school_year) > 0 as is_held
    from section_terms
    inner join enrolled
        on
            section_terms.section_key = enrolled.section_key
            and section_terms.school_year = enrolled.school_year
            and section_terms.term_id = enrolled.term_id
    left join summed
        on
            section_terms.section_key = summed.section_key
            and section_terms.school_year = summed.school_year
            and section_terms.term_id = summed.term_id
    left join silent
        on
            section_terms.section_key = silent.section_key
            and section_terms.school_year = silent.school_year
            and section_terms.term_id = silent.term_id
    left join (select distinct class_key from stand_ins) as stand_ins_of on section_terms.section_key = stand_ins_of.class_key
    where section_terms.last_date >= section_terms.start_date
)

select
    gradebook_key,
    section_key,
    fed_by,
    school_key,
    section_id,
    school_year,
    term_id,
    period_type,
    period_start,
    period_end,
    start_date,
    end_date,
    last_date,
    counted_on,
    n_enrolled,
    n_subjects,
    n_due,
    first_due,
    last_answered,
    n_due_since,
    is_of_a_learning_system,
    n_graded,
    n_graded_lately,
    last_graded,
    n_results,
    n_expected,
    gradebook_state,
    is_fed
from in_terms
where is_held
