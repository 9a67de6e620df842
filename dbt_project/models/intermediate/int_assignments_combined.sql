-- One shape for an assignment, from OneRoster line items, a learning-management system and Ed-Fi gradebook entries. What is withdrawn within its school
-- year is taken back; what a later year's files no longer hold is not: a closed year does not change because a file got small.
-- `is_counted`: whether the work counts as expected. Not where the district's map of categories says so (extra credit, dropped, practice), or, of what it does
-- not name, where the source says that nothing can be earned (`ungraded_work`). `is_by_standards`: whether the class is graded by standards and not by points.
with assignments as (
    select
        {{ concat_key(["'oneroster'", "items.line_item_id"]) }} as assignment_key,
        {{ concat_key(["'oneroster'", "items.class_id"]) }} as section_key,
        classes.school_id as school_key,
        classes.course_id,
        courses.course_code,
        items.due_date,
        items.points_possible,
        'oneroster' as format,
        categories.category_title as category,
        cast(null as {{ dbt.type_string() }}) as submission_type
    from {{ ref('stg_oneroster__line_items') }} as items
    left join {{ ref('stg_oneroster__classes') }} as classes on items.class_id = classes.class_id
    left join {{ ref('stg_oneroster__courses') }} as courses on classes.course_id = courses.course_id
    left join {{ ref('stg_oneroster__categories') }} as categories on items.category_id = categories.category_id
    left join {{ source('settings', 'school_years') }} as years on items.due_date between years.start_date and years.end_date
    where items.withdrawn_on is null or items.withdrawn_on > years.end_date

    union all

    -- Where a system does not export due dates, the district's map says them: by assignment, or for all others of a source (assignment_id `*`), where
    -- `first_export` stands for the date of the first file that had the assignment. Without either the due date stays unknown, and the work uncounted.
    select
        {{ concat_key(["'lms'", "assignments.source_system", "assignments.assignment_id"]) }} as assignment_key,
        {{ concat_key(["'lms'", "assignments.source_system", "assignments.lms_section_id"]) }} as section_key,
        classes.school_id as school_key,
        classes.course_id,
        courses.course_code,
        coalesce(
            assignments.due_date,
            {{ try_cast_date('dues.due_date') }},
            case when others.due_date = 'first_export' then assignments.first_seen_on else {{ try_cast_date('others.due_date') }} end
        ) as due_date,
        assignments.points_possible,
        'lms' as format,
        assignments.assignment_category as category,
        assignments.submission_type
    from {{ ref('stg_lms__assignments') }} as assignments
    left join {{ ref('int_lms_sections_placed') }} as sections
        on assignments.source_system = sections.source_system and assignments.lms_section_id = sections.lms_section_id
    left join {{ ref('stg_oneroster__classes') }} as classes on sections.class_id = classes.class_id
    left join {{ ref('stg_oneroster__courses') }} as courses on classes.course_id = courses.course_id
    left join (
        select source_id, assignment_id, min(due_date) as due_date
        from {{ source('settings', 'assignment_due_dates') }}
        group by source_id, assignment_id
    ) as dues
        on assignments.source_system = dues.source_id and split_part(assignments.assignment_id, '@', 1) = dues.assignment_id
    left join (
        select source_id, min(due_date) as due_date
        from {{ source('settings', 'assignment_due_dates') }}
        where assignment_id = '*'
        group by source_id
    ) as others
        on assignments.source_system = others.source_id

    union all

    -- Ed-Fi: an entry without a due date falls due on the day it was assigned; one without a section reference may name the section as its source does
    select
        entries.assignment_key,
        coalesce(entries.section_key, named.section_key) as section_key,
        coalesce(entries.school_id, named.school_id) as school_key,
        coalesce(sections.local_course_code, named.local_course_code) as course_id,
        cast(null as {{ dbt.type_string() }}) as course_code,
        coalesce(entries.due_date, entries.date_assigned) as due_date,
        entries.max_points as points_possible,
        'edfi' as format,
        coalesce(nullif(split_part(entries.entry_type_descriptor, '#', 2), ''), entries.entry_type_descriptor) as category,
        cast(null as {{ dbt.type_string() }}) as submission_type
    from {{ ref('int_edfi_gradebook_entries') }} as entries
    left join (
        select section_key, min(local_course_code) as local_course_code
        from {{ ref('stg_edfi__sections') }}
        group by section_key
    ) as sections on entries.section_key = sections.section_key
    left join (
        select
            section_identifier, min(section_key) as section_key, min(school_id) as school_id, min(local_course_code) as local_course_code
        from {{ ref('stg_edfi__sections') }}
        group by section_identifier
        having count(distinct section_key) = 1
    ) as named on entries.source_section_identifier = named.section_identifier
),

mapped as (
    select lower(category) as category, max(lower(is_expected)) as is_expected
    from {{ source('settings', 'work_categories') }}
    group by lower(category)
)

select
    assignments.assignment_key,
    assignments.section_key,
    assignments.school_key,
    assignments.due_date,
    assignments.points_possible,
    coalesce(mapped.is_expected = 'true', ungraded_points.said is null and ungraded_type.said is null) as is_counted,
    {{ is_graded_by_standards('assignments.school_key', ['assignments.course_id', 'assignments.course_code']) }} as is_by_standards
from assignments
left join {{ ref('ungraded_work') }} as ungraded_points
    on
        ungraded_points.said_in = 'points_possible'
        and assignments.format = ungraded_points.format
        and assignments.points_possible = {{ try_cast_decimal('ungraded_points.said') }}
left join {{ ref('ungraded_work') }} as ungraded_type
    on
        ungraded_type.said_in = 'submission_type'
        and assignments.format = ungraded_type.format
        and replace(replace(replace(replace(lower(assignments.submission_type), '[', ''), ']', ''), chr(39), ''), chr(34), '') = ungraded_type.said
left join mapped on lower(trim(assignments.category)) = mapped.category
