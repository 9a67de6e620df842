-- Assignments that a team reviewed and, of these, those judged worthy: whose score is the registry's share of its maximum or more. The subject is the review:
-- it is of no student. A review without a maximum says nothing.
with counted as (
    select
        reviews.review_id,
        coalesce(reviews.school_key, '') as school_key,
        coalesce(reviews.grade_level, 'unknown') as grade_level,
        reviews.piece_start,
        measures.measure_id,
        case
            when measures.measure_id = 'assignments_reviewed' then 1
            when reviews.score * measures.whole_from_denominator >= reviews.max_score * measures.whole_from_numerator then 1
            else 0
        end as quantity
    from {{ ref('int_touched_pieces') }} as touched
    inner join {{ ref('fct_assignment_reviews') }} as reviews
        on touched.subject_key = reviews.review_id and touched.piece_start = reviews.piece_start
    inner join {{ source('settings', 'night') }} as night on reviews.reviewed_on <= night.as_of
    cross join {{ ref('measures') }} as measures
    where touched.subject_type = 'review' and measures.model = 'msr_assignment_reviews' and reviews.score is not null and reviews.max_score > 0
)

select
    'review' as subject_type,
    review_id as subject_key,
    school_key,
    grade_level,
    cast(null as {{ dbt.type_string() }}) as signature,
    cast(null as {{ dbt.type_string() }}) as modality,
    piece_start,
    measure_id,
    cast(quantity as bigint) as quantity
from counted
where quantity <> 0
