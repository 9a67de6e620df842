-- One shape for a class section. `section_key` says which source's section it is, as in `int_section_enrollments_combined`. What the district's map of course
-- codes says of the subject goes before what the file says.
select
    {{ concat_key(["'extract'", "sections.section_id"]) }} as section_key,
    sections.section_id,
    sections.course_id,
    sections.course_title,
    sections.school_id as school_key,
    sections.term_id,
    coalesce(courses.subject, sections.subject) as subject,
    sections.delivery_id,
    sections.line_number
from {{ ref('stg_extract__sections') }} as sections
left join {{ source('settings', 'course_codes') }} as courses on sections.course_id = courses.course_id

union all

-- Ed-Fi: of two records of a section the newer counts; its title is the offering's, else the course's
select
    sections.section_key,
    sections.section_identifier as section_id,
    sections.local_course_code as course_id,
    coalesce(offerings.course_title, courses.course_title) as course_title,
    sections.school_id as school_key,
    sections.session_name as term_id,
    coalesce(codes.subject, courses.subject) as subject,
    sections.delivery_id,
    sections.line_number
from (
    select
        *,
        row_number() over (partition by section_key order by known_on desc, record_id desc) as recency
    from {{ ref('stg_edfi__sections') }}
) as sections
left join (
    select
        *,
        row_number() over (
            partition by local_course_code, school_id, school_year, session_name order by known_on desc, record_id desc
        ) as recency
    from {{ ref('stg_edfi__course_offerings') }}
) as offerings
    on
        sections.local_course_code = offerings.local_course_code
        and sections.school_id = offerings.school_id
        and sections.school_year = offerings.school_year
        and sections.session_name = offerings.session_name
        and offerings.recency = 1
left join (
    select
        course_code,
        education_organization_id,
        min(course_title) as course_title,
        min({{ json_field('academic_subjects', '[0].academicSubjectDescriptor') }}) as subject
    from {{ ref('stg_edfi__courses') }}
    group by course_code, education_organization_id
) as courses
    on offerings.course_code = courses.course_code and offerings.course_education_organization_id = courses.education_organization_id
left join {{ source('settings', 'course_codes') }} as codes on sections.local_course_code = codes.course_id
where sections.recency = 1
