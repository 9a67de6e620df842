{{ config(materialized='view', meta={'carries_lineage': false}) }}
-- Each class of the roster in each term so far of the current school year (in the year, where no terms are set): students enrolled on its last day so far,
-- assignments due, and the last one of which anyone's work was handed in. A learning system's section that stands for a class is that class.
-- `start_date` to `end_date` is the term, cut to the class's own academic sessions where they are known. A class of no school is left out.
with night as (
    select
        dates.as_of,
        years.school_year,
        years.start_date,
        years.end_date
    from {{ source('settings', 'night') }} as dates
    inner join {{ source('settings', 'school_years') }} as years on dates.as_of between years.start_date and years.end_date
),

terms as (
    select night.school_year, terms.term_id, terms.start_date, terms.end_date, night.as_of
    from night
    inner join {{ source('settings', 'terms') }} as terms on night.school_year = terms.school_year
    union all
    select night.school_year, '' as term_id, night.start_date, night.end_date, night.as_of
    from night
    where not exists (select 1 from {{ source('settings', 'terms') }} as terms where terms.school_year = night.school_year)
),

class_sessions as (
    select classes.class_id, min(sessions.start_date) as start_date, max(sessions.end_date) as end_date
    from {{ ref('stg_oneroster__classes') }} as classes
    inner join {{ ref('stg_oneroster__academic_sessions') }} as sessions
        on instr(',' || replace(classes.term_ids, ' ', '') || ',', ',' || sessions.session_id || ',') > 0
    group by classes.class_id
),

classes as (
    select
        {{ concat_key(["'oneroster'", "classes.class_id"]) }} as section_key,
        classes.class_id as section_id,
        classes.school_id as school_key,
        terms.school_year,
        terms.term_id,
        greatest(terms.start_date, coalesce(class_sessions.start_date, terms.start_date)) as start_date,
        least(terms.end_date, coalesce(class_sessions.end_date, terms.end_date)) as end_date,
        least(terms.as_of, terms.end_date, coalesce(class_sessions.end_date, terms.end_date)) as last_date
    from {{ ref('stg_oneroster__classes') }} as classes
    cross join terms
    left join class_sessions on classes.class_id = class_sessions.class_id
    where classes.school_id is not null
),

named as (
    select source_id, section_id, min(class_id) as class_id
    from {{ source('settings', 'lms_sections') }}
    group by source_id, section_id
),

stand_ins as (
    select
        {{ concat_key(["'lms'", "sections.source_system", "sections.lms_section_id"]) }} as section_key,
        {{ concat_key(["'oneroster'", "coalesce(named.class_id, sections.class_id)"]) }} as class_key
    from {{ ref('stg_lms__sections') }} as sections
    left join named on sections.source_system = named.source_id and sections.lms_section_id = named.section_id
    where coalesce(named.class_id, sections.class_id) is not null
),

enrolled as (
    select classes.section_key, classes.term_id, count(distinct enrollments.student_key) as n_enrolled
    from {{ ref('int_section_enrollments_combined') }} as enrollments
    left join stand_ins on enrollments.section_key = stand_ins.section_key
    inner join classes
        on
            coalesce(stand_ins.class_key, enrollments.section_key) = classes.section_key
            and enrollments.begin_date <= classes.last_date
            and enrollments.end_date > classes.last_date
    group by classes.section_key, classes.term_id
),

due as (
    select
        coalesce(stand_ins.class_key, assignments.section_key) as section_key,
        assignments.due_date,
        coalesce(counts.n_submitted, 0) as n_submitted
    from {{ ref('dim_assignments') }} as assignments
    left join stand_ins on assignments.section_key = stand_ins.section_key
    left join {{ ref('fct_assignment_counts') }} as counts on assignments.assignment_key = counts.assignment_key
),

summed as (
    select
        classes.section_key,
        classes.term_id,
        count(*) as n_due,
        min(due.due_date) as first_due,
        max(case when due.n_submitted > 0 then due.due_date end) as last_answered
    from classes
    inner join due on classes.section_key = due.section_key and due.due_date between classes.start_date and classes.last_date
    group by classes.section_key, classes.term_id
),

silent as (
    select classes.section_key, classes.term_id, count(*) as n_due_since
    from classes
    inner join summed on classes.section_key = summed.section_key and classes.term_id = summed.term_id
    inner join due
        on
            classes.section_key = due.section_key
            and due.due_date between classes.start_date and classes.last_date
            and (summed.last_answered is null or due.due_date > summed.last_answered)
    group by classes.section_key, classes.term_id
)

select
    classes.school_key,
    classes.section_id,
    classes.school_year,
    classes.term_id,
    classes.start_date,
    classes.end_date,
    classes.last_date,
    enrolled.n_enrolled,
    coalesce(summed.n_due, 0) as n_due,
    summed.first_due,
    summed.last_answered,
    coalesce(silent.n_due_since, 0) as n_due_since,
    stand_ins_of.class_key is not null as is_of_a_learning_system
from classes
inner join enrolled on classes.section_key = enrolled.section_key and classes.term_id = enrolled.term_id
left join summed on classes.section_key = summed.section_key and classes.term_id = summed.term_id
left join silent on classes.section_key = silent.section_key and classes.term_id = silent.term_id
left join (select distinct class_key from stand_ins) as stand_ins_of on classes.section_key = stand_ins_of.class_key
where classes.last_date >= classes.start_date
