-- The subject of an Ed-Fi assessment, one row an assessment: its academic subject, of several all of them as one text in the order of the alphabet, null where
-- it names none. A result on several subjects is one result, of the subject that they are together: which area of learning that is the district's map says.
with assessments as (
    select newest.assessment_id, newest.academic_subjects
    from {{ newest_records(ref('stg_edfi__assessments')) }} as newest
),

items as (
    select assessment_id, {{ json_items('academic_subjects') }} as item
    from assessments
),

subjects as (
    -- one may be named twice
    select distinct assessment_id, {{ json_field('item', 'academicSubjectDescriptor') }} as subject
    from items
)

select
    assessments.assessment_id,
    {{ ordered_list('subjects.subject', 'subjects.subject', '; ') }} as subject
from assessments
left join subjects on assessments.assessment_id = subjects.assessment_id and subjects.subject is not null
group by assessments.assessment_id
