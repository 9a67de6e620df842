-- What assessments say of a student's learning, by area: how far the last result on a continuum of levels is behind what is expected of the grade by then, what
-- was gained since the first result of the school year on the same assessment, how much of what was behind is caught up and where that pace leads, whether the
-- last result of a kind is proficient, and whether evidence is overdue. All of these are states: they stand in the week piece of the result that they rest on.
-- What is expected moves from `start_level` on the first day of the school year to `end_level` on its last; levels are counted in thousandths, and what is
-- behind is rounded down, so that rounding brings nobody over a line. Of two results of one day the better one counts. Without a result there is no state,
-- and never a level of nought: who lacks one is known from the stays at schools of students of whose grade a level is expected. Nobody is overdue before a
-- stay, after it, or after the last day of school of the year: nothing could have been given there.
with measures as (
    select learning.measure_id, learning.counted, learning.learning_area, learning.assessment_kind, cast(learning.least as bigint) as least, measures.scale
    from {{ ref('learning_measures') }} as learning
    inner join {{ ref('measures') }} as measures on learning.measure_id = measures.measure_id
),

touched as (
    select subject_key as student_key, piece_start, school_year
    from {{ ref('int_touched_pieces') }}
    where subject_type = 'student'
),

student_years as (
    select touched.student_key, years.school_year, years.start_date, years.end_date, grades.grade_level
    from (select distinct student_key, school_year from touched) as touched
    inner join {{ source('settings', 'school_years') }} as years on touched.school_year = years.school_year
    left join {{ ref('dim_student_grades') }} as grades
        on touched.student_key = grades.student_key and touched.school_year = grades.school_year
),

expected as (
    select
        levels.assessment_id,
        coalesce(levels.subject, '') as subject,
        levels.grade_level,
        lower(kinds.learning_area) as learning_area,
        cast(round({{ try_cast_decimal('levels.start_level') }} * 1000) as bigint) as start_level,
        cast(round({{ try_cast_decimal('levels.end_level') }} * 1000) as bigint) as end_level
    from {{ source('settings', 'learning_levels') }} as levels
    inner join {{ source('settings', 'assessment_kinds') }} as kinds
        on levels.assessment_id = kinds.assessment_id and coalesce(levels.subject, '') = coalesce(kinds.subject, '')
),

results as (
    select
        results.student_key,
        results.school_year,
        results.learning_area,
        results.assessment_kind,
        results.assessment_id,
        results.subject,
        results.piece_start,
        results.administered_on,
        results.is_proficient,
        case when results.is_on_continuum then cast(round(results.level_number * 1000) as bigint) end as level,
        expected.start_level,
        expected.end_level,
        {{ day_diff('student_years.start_date', 'student_years.end_date') }} as n_days,
        {{ day_diff('student_years.start_date', 'results.administered_on') }} as nth_day
    from student_years
    inner join {{ ref('fct_assessment_results') }} as results
        on student_years.student_key = results.student_key and student_years.school_year = results.school_year
    inner join {{ source('settings', 'night') }} as night on results.administered_on <= night.as_of
    left join expected
        on
            results.assessment_id = expected.assessment_id
            and coalesce(results.subject, '') = expected.subject
            and student_years.grade_level = expected.grade_level
    where results.learning_area is not null
),

leveled as (
    select
        results.*,
        case
            when level is not null and start_level is not null and n_days > 0
                then cast(floor(greatest(0, n_days * (start_level - level) + nth_day * (end_level - start_level)) / n_days) as bigint)
        end as behind
    from results
),

since_first as (
    select
        leveled.*,
        first_value(administered_on) over (
            partition by student_key, school_year, learning_area, assessment_id, subject order by administered_on
        ) as first_on,
        first_value(level) over (partition by student_key, school_year, learning_area, assessment_id, subject order by administered_on) as first_level,
        first_value(behind) over (partition by student_key, school_year, learning_area, assessment_id, subject order by administered_on) as first_behind
    from leveled
    where level is not null
),

last_levels as (
    select
        leveled.*,
        row_number() over (
            partition by student_key, learning_area, piece_start order by administered_on desc, behind asc
        ) as recency
    from leveled
    where behind is not null
),

last_gains as (
    select
        since_first.*,
        row_number() over (
            partition by student_key, learning_area, piece_start
            order by administered_on desc, first_on asc, level - first_level desc, assessment_id asc, subject asc
        ) as recency
    from since_first
    where administered_on > first_on
),

-- what would be reached by the end of the school year, if the level went on as it did from the first of these results to the last, above what is expected
-- then (below nought: short of it); where the two are as many days apart as a measure asks for
paced as (
    select
        since_first.student_key,
        since_first.piece_start,
        since_first.administered_on,
        measures.measure_id,
        measures.counted,
        measures.scale,
        {{ day_diff('since_first.first_on', 'since_first.administered_on') }} as n_days_apart,
        (since_first.level - since_first.end_level) * {{ day_diff('since_first.first_on', 'since_first.administered_on') }}
        + (since_first.level - since_first.first_level) * (since_first.n_days - since_first.nth_day) as over_by_days_apart,
        row_number() over (
            partition by since_first.student_key, measures.measure_id, since_first.piece_start
            order by
                since_first.administered_on desc, since_first.first_on asc, since_first.level - since_first.first_level desc, since_first.assessment_id asc,
                since_first.subject asc
        ) as recency
    from since_first
    inner join measures
        on
            since_first.learning_area = measures.learning_area
            and measures.counted in ('pace_known', 'levels_short', 'levels_over')
            and {{ day_diff('since_first.first_on', 'since_first.administered_on') }} >= measures.least
    where since_first.behind is not null
),

last_judged as (
    select
        results.*,
        row_number() over (
            partition by student_key, learning_area, assessment_kind, piece_start
            order by administered_on desc, case when is_proficient then 0 else 1 end
        ) as recency
    from results
    where is_proficient is not null
),

reported as (
    select max(case when table_name in ('extract__assessments', 'edfi__student_assessments') then 1 else 0 end) as says_assessments
    from {{ source('settings', 'fed_tables') }}
),

last_days as (
    select last_days.*
    from {{ last_school_days() }} as last_days
),

-- stays on their first day in the school year, for each area of which a level is expected of the student's grade
placed as (
    select
        student_years.student_key,
        student_years.school_year,
        learning.evidence_days,
        areas.learning_area,
        stints.school_key,
        stints.exit_date,
        dates.calendar_date,
        dates.piece_start,
        least({{ add_days('stints.exit_date', -1) }}, coalesce(last_days.last_day, student_years.end_date)) as known_to,
        max(stints.exit_date) over (
            partition by student_years.student_key, student_years.school_year, areas.learning_area
            order by dates.calendar_date, stints.exit_date, stints.school_key
            rows between unbounded preceding and 1 preceding
        ) as gone_before
    from student_years
    inner join (select distinct grade_level, learning_area from expected) as areas on student_years.grade_level = areas.grade_level
    inner join reported on reported.says_assessments = 1
    cross join {{ source('settings', 'learning') }} as learning
    inner join {{ ref('dim_stints') }} as stints
        on
            student_years.student_key = stints.student_key
            and stints.entry_date <= student_years.end_date
            and stints.exit_date > student_years.start_date
    inner join {{ ref('dim_dates') }} as dates on dates.calendar_date = greatest(stints.entry_date, student_years.start_date)
    left join last_days on stints.calendar_key = last_days.calendar_key and student_years.school_year = last_days.school_year
),

stays as (
    select
        placed.*,
        sum(case when gone_before is null or gone_before < calendar_date then 1 else 0 end) over (
            partition by student_key, school_year, learning_area
            order by calendar_date, exit_date, school_key
            rows between unbounded preceding and current row
        ) as nth_time
    from placed
),

-- each time that a student was at school without a break, whatever the school: nothing is awaited before and after it
times as (
    select
        spans.*,
        lead(begins) over (partition by student_key, school_year, learning_area order by begins) as next_begins
    from (
        select student_key, school_year, learning_area, evidence_days, nth_time, min(calendar_date) as begins, max(known_to) as known_to
        from stays
        group by student_key, school_year, learning_area, evidence_days, nth_time
    ) as spans
),

-- the day from which on evidence is awaited: that of the last result, else the day on which the student came, or came back
awaited as (
    select
        evidence.student_key,
        evidence.learning_area,
        evidence.piece_start,
        evidence.since,
        case when {{ add_days('evidence.since', 'evidence.evidence_days') }} <= least(night.as_of, evidence.known_to) then 1 else 0 end as is_overdue
    from (
        select student_key, learning_area, piece_start, evidence_days, max(since) as since, max(known_to) as known_to
        from (
            select times.student_key, times.learning_area, dates.piece_start, times.evidence_days, times.known_to, times.begins as since
            from times
            inner join {{ ref('dim_dates') }} as dates on times.begins = dates.calendar_date
            inner join {{ source('settings', 'night') }} as night on times.begins <= night.as_of
            union all
            select
                results.student_key, results.learning_area, results.piece_start, times.evidence_days, times.known_to,
                results.administered_on as since
            from results
            inner join times
                on
                    results.student_key = times.student_key
                    and results.school_year = times.school_year
                    and results.learning_area = times.learning_area
                    and results.administered_on >= times.begins
                    and (times.next_begins is null or results.administered_on < times.next_begins)
        ) as since
        group by student_key, learning_area, piece_start, evidence_days
    ) as evidence
    cross join {{ source('settings', 'night') }} as night
),

counted as (
    select
        last_levels.student_key, cast(null as {{ dbt.type_string() }}) as school_key, last_levels.piece_start, last_levels.administered_on as on_date,
        measures.measure_id,
        case measures.counted when 'levels_behind' then cast(floor(last_levels.behind * measures.scale / 1000) as bigint) else measures.scale end as quantity
    from last_levels
    inner join measures on last_levels.learning_area = measures.learning_area and measures.counted in ('levels_behind', 'level_known')
    where last_levels.recency = 1
    union all
    select
        last_gains.student_key, cast(null as {{ dbt.type_string() }}) as school_key, last_gains.piece_start, last_gains.administered_on as on_date,
        measures.measure_id,
        cast(floor(
            case measures.counted
                when 'gain_known' then 1000
                when 'levels_gained' then last_gains.level - last_gains.first_level
                when 'levels_advanced' then greatest(0, last_gains.level - last_gains.first_level)
                when 'levels_behind_at_first' then last_gains.first_behind
                else greatest(0, last_gains.first_behind - last_gains.behind)
            end * measures.scale / 1000
        ) as bigint) as quantity
    from last_gains
    inner join measures
        on
            last_gains.learning_area = measures.learning_area
            and (
                measures.counted in ('gain_known', 'levels_gained', 'levels_advanced')
                or measures.counted in ('levels_behind_at_first', 'levels_caught_up')
                and last_gains.first_behind is not null and last_gains.behind is not null
            )
    where last_gains.recency = 1
    union all
    select
        paced.student_key, cast(null as {{ dbt.type_string() }}) as school_key, paced.piece_start, paced.administered_on as on_date,
        paced.measure_id,
        case paced.counted
            when 'pace_known' then paced.scale
            when 'levels_short' then cast(floor(greatest(0, -paced.over_by_days_apart) * paced.scale / (1000 * paced.n_days_apart)) as bigint)
            else cast(floor(greatest(0, paced.over_by_days_apart) * paced.scale / (1000 * paced.n_days_apart)) as bigint)
        end as quantity
    from paced
    where paced.recency = 1
    union all
    select
        last_judged.student_key, cast(null as {{ dbt.type_string() }}) as school_key, last_judged.piece_start, last_judged.administered_on as on_date,
        measures.measure_id,
        case when measures.counted = 'result_judged' or last_judged.is_proficient then measures.scale else 0 end as quantity
    from last_judged
    inner join measures
        on
            last_judged.learning_area = measures.learning_area
            and last_judged.assessment_kind = measures.assessment_kind
            and measures.counted in ('result_judged', 'result_proficient')
    where last_judged.recency = 1
    union all
    select
        awaited.student_key, cast(null as {{ dbt.type_string() }}) as school_key, awaited.piece_start, awaited.since as on_date,
        measures.measure_id,
        case measures.counted when 'evidence_overdue' then awaited.is_overdue * measures.scale else measures.scale end as quantity
    from awaited
    inner join measures on awaited.learning_area = measures.learning_area and measures.counted in ('evidence_overdue', 'evidence_awaited')
    union all
    select
        stays.student_key, stays.school_key, stays.piece_start, stays.calendar_date as on_date,
        measures.measure_id,
        measures.scale as quantity
    from stays
    inner join measures on stays.learning_area = measures.learning_area and measures.counted = 'stay_with_level'
)

select
    'student' as subject_type,
    counted.student_key as subject_key,
    coalesce(counted.school_key, schools.school_key, '') as school_key,
    cast(null as {{ dbt.type_string() }}) as grade_level,
    versions.signature,
    cast(null as {{ dbt.type_string() }}) as modality,
    counted.piece_start,
    counted.measure_id,
    {{ sum_bigint('counted.quantity') }} as quantity
from counted
inner join touched on counted.student_key = touched.student_key and counted.piece_start = touched.piece_start
inner join {{ source('settings', 'night') }} as night on counted.on_date <= night.as_of
inner join {{ ref('dim_student_versions') }} as versions
    on
        counted.student_key = versions.student_key
        and counted.on_date >= versions.valid_from
        and counted.on_date < versions.valid_to
left join {{ schools_on_days('counted', where='school_key is null') }} as schools
    on counted.student_key = schools.student_key and counted.on_date = schools.on_date and schools.place = 1
group by counted.student_key, coalesce(counted.school_key, schools.school_key, ''), versions.signature, counted.piece_start, counted.measure_id
