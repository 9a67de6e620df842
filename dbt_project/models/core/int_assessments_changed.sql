{{ config(materialized='table', meta={'carries_lineage': false}) }}
-- Students' results on an assessment and day that changed since the last finished build, whatever their subject.
select distinct
    student_id as student_key,
    assessment_id,
    {{ try_cast_date('administered_on') }} as administered_on
from {{ source('changes', 'extract__assessments') }}
union
select
    student_unique_id as student_key,
    {{ edfi_assessment_id() }} as assessment_id,
    {{ edfi_day('administration_date') }} as administered_on
from {{ source('changes', 'edfi__student_assessments') }}
union
-- and the days on which the same result is said to have been by another record, which counts in its place or no longer does
select said.student_id as student_key, said.assessment_id, said.administration_date as administered_on
from {{ ref('stg_edfi__student_assessments') }} as said
inner join (
    select distinct natural_key from {{ source('changes', 'edfi__student_assessments') }}
) as changed on said.natural_key = changed.natural_key
union
-- all results of an assessment of which its own record says something else, or which was taken back
select said.student_id as student_key, said.assessment_id, said.administration_date as administered_on
from {{ ref('stg_edfi__student_assessments') }} as said
inner join (
    select distinct {{ edfi_assessment_id() }} as assessment_id from {{ source('changes', 'edfi__assessments') }}
) as changed on said.assessment_id = changed.assessment_id
