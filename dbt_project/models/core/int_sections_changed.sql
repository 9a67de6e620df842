{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Sections that changed since the last finished build, or whose course did: the subject of their marks may be another one.
select {{ concat_key(["'extract'", "section_id"]) }} as section_key
from {{ source('changes', 'extract__sections') }}
union
select {{ edfi_section_key() }} as section_key
from {{ source('changes', 'edfi__sections') }}
union
select sections.section_key
from {{ ref('stg_edfi__sections') }} as sections
inner join {{ source('changes', 'edfi__course_offerings') }} as offerings
    on
        sections.local_course_code = offerings.local_course_code
        and sections.school_id = offerings.school_id
        and sections.school_year = offerings.school_year
        and sections.session_name = offerings.session_name
union
select sections.section_key
from {{ ref('stg_edfi__sections') }} as sections
inner join {{ ref('stg_edfi__course_offerings') }} as offerings
    on
        sections.local_course_code = offerings.local_course_code
        and sections.school_id = offerings.school_id
        and sections.school_year = offerings.school_year
        and sections.session_name = offerings.session_name
inner join {{ source('changes', 'edfi__courses') }} as courses
    on offerings.course_code = courses.course_code and offerings.course_education_organization_id = courses.education_organization_id
