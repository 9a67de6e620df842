-- How a student's score moved beside those of others, by area: the growth percentile of the last result that has one, which a source gives and nobody here
-- estimates; and how far the last score that can be compared is from what students of the grade with the same earlier score got on average, in spreads of
-- these (`int_growth_lines`). A comparison of fewer pairs than `least` of the measure says nothing, but that there is a pair. All of these are states: they
-- stand in the week piece of the result that they rest on, and a later one takes their place.
with measures as (
    select learning.measure_id, learning.counted, learning.learning_area, cast(learning.least as bigint) as least, measures.scale
    from {{ ref('learning_measures') }} as learning
    inner join {{ ref('measures') }} as measures on learning.measure_id = measures.measure_id
    where measures.model = 'msr_growth'
),

touched as (
    select subject_key as student_key, piece_start
    from {{ ref('int_touched_pieces') }}
    where subject_type = 'student'
),

percentiles as (
    select
        results.*,
        row_number() over (
            partition by results.student_key, results.learning_area, results.piece_start
            order by results.administered_on desc, results.growth_percentile desc, results.assessment_id asc, results.subject asc
        ) as recency
    from touched
    inner join {{ ref('fct_assessment_results') }} as results
        on touched.student_key = results.student_key and touched.piece_start = results.piece_start
    inner join {{ source('settings', 'night') }} as night on results.administered_on <= night.as_of
    where results.learning_area is not null and results.growth_percentile is not null
),

compared as (
    select
        pairs.student_key,
        pairs.learning_area,
        pairs.assessment_id,
        pairs.subject,
        pairs.piece_start,
        pairs.administered_on,
        lines.n_pairs,
        {{ safe_divide('pairs.score - lines.base - lines.intercept - lines.slope * (pairs.earlier_score - lines.earlier_base)', 'lines.spread') }}
            as growth_index
    from touched
    inner join {{ ref('int_growth_pairs') }} as pairs on touched.student_key = pairs.student_key and touched.piece_start = pairs.piece_start
    inner join {{ ref('int_growth_lines') }} as lines
        on
            pairs.assessment_id = lines.assessment_id
            and pairs.subject = lines.subject
            and pairs.school_year = lines.school_year
            and pairs.grade_level = lines.grade_level
            and pairs.earlier_start = lines.earlier_start
            and pairs.window_start = lines.window_start
),

growths as (
    select
        compared.*,
        measures.measure_id,
        measures.counted,
        measures.scale,
        row_number() over (
            partition by compared.student_key, measures.measure_id, compared.piece_start
            order by compared.administered_on desc, compared.n_pairs desc, compared.assessment_id asc, compared.subject asc
        ) as recency
    from compared
    inner join measures
        on
            compared.learning_area = measures.learning_area
            and (
                measures.counted = 'growth_pair'
                or measures.counted in ('growth_index', 'growth_known') and compared.growth_index is not null and compared.n_pairs >= measures.least
            )
),

counted as (
    select
        percentiles.student_key, percentiles.piece_start, percentiles.administered_on as on_date,
        measures.measure_id,
        case measures.counted when 'growth_percentile' then cast(round(percentiles.growth_percentile * measures.scale) as bigint) else measures.scale end
            as quantity
    from percentiles
    inner join measures on percentiles.learning_area = measures.learning_area and measures.counted in ('growth_percentile', 'growth_percentile_known')
    where percentiles.recency = 1
    union all
    select
        growths.student_key, growths.piece_start, growths.administered_on as on_date,
        growths.measure_id,
        case growths.counted when 'growth_index' then cast(round(growths.growth_index * growths.scale) as bigint) else growths.scale end as quantity
    from growths
    where growths.recency = 1
)

select
    'student' as subject_type,
    counted.student_key as subject_key,
    coalesce(schools.school_key, '') as school_key,
    cast(null as {{ dbt.type_string() }}) as grade_level,
    versions.signature,
    cast(null as {{ dbt.type_string() }}) as modality,
    counted.piece_start,
    counted.measure_id,
    counted.quantity
from counted
inner join {{ ref('dim_student_versions') }} as versions
    on
        counted.student_key = versions.student_key
        and counted.on_date >= versions.valid_from
        and counted.on_date < versions.valid_to
left join {{ schools_on_days('counted') }} as schools
    on counted.student_key = schools.student_key and counted.on_date = schools.on_date and schools.place = 1
