-- The floor that `dbt build` is measured against: both marts straight from the accepted tables, in plain DuckDB SQL written without the models.
-- It reads `build.held.*` and `build.settings.*` and writes `agg_indicator_values` and `fct_student_indicators` beside it. It knows the bench's
-- district and nothing more: OneRoster 1.2 with roles, positive attendance, one survey, five programs, one assessment on a continuum of levels.
-- Statements end with a semicolon at the end of a line; the bench runs them one by one and compares the result with dbt's marts.

-- When.
create temp table day as
select
    d.day, y.school_year, y.start_date as year_start, t.term_id, t.start_date as term_start,
    date_trunc('week', d.day)::date as week_start, date_trunc('month', d.day)::date as month_start,
    min(d.day) over (partition by y.school_year, date_trunc('week', d.day), date_trunc('month', d.day), coalesce(t.term_id, '')) as piece
from build.settings.school_years y
cross join lateral (select unnest(generate_series(y.start_date, y.end_date, interval 1 day))::date as day) d
left join build.settings.terms t on t.school_year = y.school_year and d.day between t.start_date and t.end_date;

create temp table period as
with named as (
    select day, piece, school_year, 'week' as period_type, week_start as period_start from day
    union all select day, piece, school_year, 'month', month_start from day
    union all select day, piece, school_year, 'term', term_start from day where term_id is not null
    union all select day, piece, school_year, 'year_to_date', year_start from day
)
select period_type, period_start, school_year, piece, max(max(day)) over (partition by period_type, period_start, school_year) as period_end
from named
group by period_type, period_start, school_year, piece;

create temp table as_of as select as_of from build.settings.night;

-- Who: students, the schools they are at, the groups they are in and when.
create temp table student as
with named as (
    select sourced_id as student_id from build.held.oneroster__users where role = 'student' and _is_open
    union select user_sourced_id from build.held.oneroster__roles where role = 'student' and _is_open
), raced as (
    select sourced_id as student_id, sex, hispanic_or_latino_ethnicity as hispanic, demographic_race_two_or_more_races as several, list_filter([
            case when american_indian_or_alaska_native = 'true' then 'american_indian_or_alaska_native' end,
            case when asian = 'true' then 'asian' end,
            case when black_or_african_american = 'true' then 'black_or_african_american' end,
            case when native_hawaiian_or_other_pacific_islander = 'true' then 'native_hawaiian_or_other_pacific_islander' end,
            case when white = 'true' then 'white' end
        ], lambda r: r is not null) as races
    from build.held.oneroster__demographics where _is_open
)
select
    n.student_id,
    coalesce(nullif(split_part(u.grades, ',', 1), ''), 'unknown') as grade,
    coalesce(r.sex, 'unknown') as gender,
    case
        when r.hispanic = 'true' then 'hispanic_or_latino'
        when r.several = 'true' or len(r.races) > 1 then 'two_or_more_races'
        when len(r.races) = 1 then r.races[1]
        else 'unknown'
    end as race
from named n
left join build.held.oneroster__users u on u.sourced_id = n.student_id and u._is_open
left join raced r on r.student_id = n.student_id;

create temp table stint as
select user_sourced_id as student_id, org_sourced_id as school_id, coalesce(begin_date::date, date '1900-01-01') as entry,
    max(coalesce(least(end_date::date, _withdrawn_on), date '9999-12-31')) as exit
from build.held.oneroster__roles
where role = 'student' and _is_open and coalesce(least(end_date::date, _withdrawn_on), date '9999-12-31') > coalesce(begin_date::date, date '1900-01-01')
group by all;

create temp table span as
with program as (
    select p.student_id, c.group_family as family, coalesce(p.begin_date::date, p._first_seen_on) as begins,
        coalesce(least(p.end_date::date + 1, p._withdrawn_on), date '9999-12-31') as ends
    from build.held.extract__programs p
    join build.settings.program_codes c on c.code = p.program_code
    where p._is_open
), cut as (
    select student_id, date '1900-01-01' as from_day from student
    union select student_id, begins from program where begins < ends
    union select student_id, ends from program where begins < ends and ends < date '9999-12-31'
), piece as (
    select student_id, from_day, lead(from_day, 1, date '9999-12-31') over (partition by student_id order by from_day) as to_day from cut
)
select
    s.student_id, s.from_day, s.to_day, st.race, st.gender,
    coalesce(bool_or(p.family = 'english_learner'), false) as el,
    coalesce(bool_or(p.family = 'disability'), false) as dis,
    coalesce(bool_or(p.family = 'economic_disadvantage'), false) as eco,
    coalesce(bool_or(p.family = 'homeless'), false) as hml,
    coalesce(bool_or(p.family = 'foster'), false) as fst
from piece s
join student st on st.student_id = s.student_id
left join program p on p.student_id = s.student_id and s.from_day >= p.begins and s.from_day < p.ends
group by all;

-- Groups as one number: on the day, on the last day, at any time this year.
create temp table yearly as
with of_year as (
    select s.*, y.school_year
    from span s
    join build.settings.school_years y on s.to_day > y.start_date and s.from_day <= y.end_date
    join as_of n on s.from_day <= n.as_of and y.start_date <= n.as_of
)
select student_id, school_year, 'last_day' as rule, any_value(race) as race, any_value(gender) as gender, arg_max(el, from_day) as el,
    arg_max(dis, from_day) as dis, arg_max(eco, from_day) as eco, arg_max(hml, from_day) as hml, arg_max(fst, from_day) as fst
from of_year group by student_id, school_year
union all
select student_id, school_year, 'any_time', any_value(race), any_value(gender), bool_or(el), bool_or(dis), bool_or(eco), bool_or(hml), bool_or(fst)
from of_year group by student_id, school_year;

create temp table combo as
select row_number() over () as combo, *
from (
    select distinct race, gender, el, dis, eco, hml, fst from span
    union select distinct race, gender, el, dis, eco, hml, fst from yearly
);

create temp table version as
select s.student_id, s.from_day, s.to_day, c.combo, st.grade
from span s join combo c using (race, gender, el, dis, eco, hml, fst) join student st on st.student_id = s.student_id;

create temp table year_group as
select y.student_id, y.school_year, y.rule, c.combo
from yearly y join combo c using (race, gender, el, dis, eco, hml, fst);

-- Who has not left: with a stay that is not over, or that ended after the last day of school there.
create temp table here as
select distinct s.student_id
from stint s
cross join as_of n
left join (
    select c.school_id, max(c.calendar_date::date) as last_day
    from build.held.extract__calendar c
    join build.settings.calendar_codes k on k.code = c.day_type and k.is_instructional = 'true'
    where c._is_open
    group by all
) c on c.school_id = s.school_id
where s.entry <= n.as_of and (s.exit > n.as_of or s.exit > c.last_day);

-- What was counted, by student, school, groups and week piece.
create temp table attended as
with school_day as (
    select distinct c.school_id, c.calendar_date::date as day
    from build.held.extract__calendar c
    join build.settings.calendar_codes k on k.code = c.day_type and k.is_instructional = 'true'
    where c._is_open
), counted as (
    select a.student_id, a.school_id, coalesce(a.modality, 'in_person') as modality, d.day, d.piece, (k.absent_share::decimal(18, 6) * 1000)::bigint as absent,
        k.absent_share::decimal(18, 6) * 2 >= 1 as half, k.is_tardy = 'true' as tardy
    from build.held.extract__attendance a
    join build.settings.attendance_codes k on k.code = a.attendance_code
    join day d on d.day = a.attendance_date::date
    join school_day c on c.school_id = a.school_id and c.day = d.day
    where a._is_open and d.day <= (select as_of from as_of)
      and exists (select 1 from stint s where s.student_id = a.student_id and s.school_id = a.school_id and d.day >= s.entry and d.day < s.exit)
)
select c.student_id, c.school_id, v.grade, v.combo, c.modality, c.piece, count(*) * 1000 as enrolled, sum(c.absent)::bigint as absent,
    count(*) filter (where c.half) * 1000 as halves, coalesce(sum(1000 - c.absent) filter (where c.tardy), 0)::bigint as tardy
from counted c
join version v on v.student_id = c.student_id and c.day >= v.from_day and c.day < v.to_day
group by all;

-- School days missed in a row, by how many in each row: days of a school's calendar that follow one another.
create temp table in_a_row as
with school_day as (
    select c.school_id, d.day, row_number() over (partition by c.school_id order by d.day) as nth
    from (
        select distinct c.school_id, c.calendar_date::date as day
        from build.held.extract__calendar c
        join build.settings.calendar_codes k on k.code = c.day_type and k.is_instructional = 'true'
        where c._is_open
    ) c
    join day d on d.day = c.day
), missed as (
    select a.student_id, a.school_id, s.nth, k.absent_share::decimal(18, 6) as share
    from build.held.extract__attendance a
    join build.settings.attendance_codes k on k.code = a.attendance_code
    join school_day s on s.school_id = a.school_id and s.day = a.attendance_date::date
    where a._is_open and s.day <= (select as_of from as_of)
      and exists (select 1 from stint t where t.student_id = a.student_id and t.school_id = a.school_id and s.day >= t.entry and s.day < t.exit)
), island as (
    select l.least, m.student_id, m.school_id, m.nth - row_number() over (partition by l.least, m.student_id, m.school_id order by m.nth) as island
    from missed m join (values (1.0), (0.5)) l (least) on m.share >= l.least
)
select least, student_id, school_id, count(*) as days from island group by least, student_id, school_id, island;

create temp table result as
select
    r.line_item_sourced_id as item_id, r.student_sourced_id as student_id, i.class_sourced_id as class_id, coalesce(c.school_sourced_id, '') as school_id,
    d.day as due, d.piece, d.school_year, d.term_id, r.score::decimal(18, 6) as earned, i.result_value_max::decimal(18, 6) as possible,
    w.is_missing or coalesce(r.missing = 'true', false) as missing,
    w.is_submitted and not coalesce(r.missing = 'true', false) as submitted,
    w.is_late or coalesce(r.late = 'true', false) as late
from build.held.oneroster__results r
join build.held.oneroster__line_items i on i.sourced_id = r.line_item_sourced_id and i._is_open
join day d on d.day = left(i.due_date, 10)::date
join build.registry.work_statuses w on w.format = 'oneroster' and w.status = r.score_status and w.is_expected
left join build.held.oneroster__classes c on c.sourced_id = i.class_sourced_id and c._is_open
where r._is_open and d.day <= (select as_of from as_of);

create temp table assigned as
with enrolled as (
    select user_sourced_id as student_id, class_sourced_id as class_id, coalesce(begin_date::date, date '1900-01-01') as begins,
        coalesce(least(end_date::date, _withdrawn_on), date '9999-12-31') as ends
    from build.held.oneroster__enrollments
    where role = 'student' and _is_open
), counted as (
    select distinct r.item_id, r.student_id, r.school_id, r.due, r.piece, r.missing, r.submitted, r.late, coalesce((r.possible * 10)::bigint, 0) as points
    from result r
    join enrolled e on e.student_id = r.student_id and e.class_id = r.class_id and r.due >= e.begins and r.due < e.ends
)
select c.student_id, c.school_id, v.grade, v.combo, c.piece, count(*) as expected, count(*) filter (where not c.missing) as completed,
    count(*) filter (where c.submitted) as submitted, count(*) filter (where c.submitted and c.late) as late,
    sum(c.points)::bigint as points, coalesce(sum(c.points) filter (where c.missing), 0)::bigint as points_missing
from counted c
join version v on v.student_id = c.student_id and c.due >= v.from_day and c.due < v.to_day
group by all;

-- Marks as they stood at the end of every piece in which the student had graded work: each section's running totals in the term.
create temp table marked as
with graded as (
    select student_id, school_id, class_id, school_year, coalesce(term_id, '') as term_id, piece, sum(earned) as earned, sum(possible) as possible
    from result where earned is not null and possible > 0 group by all
), running as (
    select student_id, school_id, class_id, school_year, term_id, piece, sum(earned) over so_far as earned, sum(possible) over so_far as possible
    from graded window so_far as (partition by student_id, school_id, class_id, school_year, term_id order by piece)
), standing as (
    select distinct student_id, school_year, term_id, piece from graded
), section as (
    select distinct student_id, school_id, class_id, school_year, term_id from graded
), state as (
    select p.student_id, s.school_id, p.piece, r.earned, r.possible
    from (select p.*, s.school_id, s.class_id from standing p join section s using (student_id, school_year, term_id)) s
    join standing p using (student_id, school_year, term_id, piece)
    asof join running r
        on r.student_id = s.student_id and r.school_id = s.school_id and r.class_id = s.class_id and r.school_year = s.school_year
        and r.term_id = s.term_id and r.piece <= s.piece
)
select t.student_id, t.school_id, v.grade, v.combo, t.piece, count(*) as marks,
    round(sum(greatest(t.earned, 0)) * 1000)::bigint as earned, round(sum(t.possible) * 1000)::bigint as possible,
    count(*) filter (where t.earned * 100 < (select min(min_percent) from build.registry.grade_scale where not is_d_or_f) * t.possible) as marks_d_f
from state t
join version v on v.student_id = t.student_id and t.piece >= v.from_day and t.piece < v.to_day
group by all;

create temp table answered as
select r.survey_id || '|' || r.wave_id || '|' || r.response_id as response_id, coalesce(r.school_id, '') as school_id, coalesce(r.grade, 'unknown') as grade,
    d.piece, count(*) filter (where v is not null) as valid, count(*) filter (where v >= favorable_from) as favorable,
    count(*) filter (where v is not null and construct = 'belonging') as b_valid,
    count(*) filter (where v >= favorable_from and construct = 'belonging') as b_favorable,
    (coalesce(sum(v) filter (where construct = 'belonging'), 0))::bigint as b_points,
    count(*) filter (where v is not null and construct = 'known_by_adult') as k_valid,
    count(*) filter (where v >= favorable_from and construct = 'known_by_adult') as k_favorable,
    (coalesce(sum(v) filter (where construct = 'known_by_adult'), 0))::bigint as k_points,
    count(*) filter (where v is not null and also_in = 'connection') as c_valid,
    count(*) filter (where v >= favorable_from and also_in = 'connection') as c_favorable
from (
    select a.*, i.construct, i.also_in, s.favorable_from::decimal(18, 6) as favorable_from,
        case when i.is_reversed = 'true' then s.minimum::decimal(18, 6) + s.maximum::decimal(18, 6) - s.value::decimal(18, 6) else s.value::decimal(18, 6) end as v
    from build.held.survey__answers a
    join build.settings.survey_items i on i.survey_id = a.survey_id and i.item_title = a.item_title
    join build.settings.survey_scales s on s.scale_id = i.scale_id and s.answer = a.answer
    where a._is_open
) r
join day d on d.day = left(r.answered_on, 10)::date
group by all;

-- Whom the waves asked by name, by the roster of the day on which they opened (the one kept, or else that of the stints), and whether each answered; of a
-- wave once somebody whom it asked has.
create temp table asked as
with kept as (
    select w.survey_id, w.wave_id, r.student_key as student_id, r.school_key as school_id, r.grade_level
    from build.settings.survey_waves w
    join build.held.survey_rosters r on r.survey_id = w.survey_id and r.wave_id = w.wave_id and r.opened_on = w.opens
), roster as (
    from kept
    union all
    select w.survey_id, w.wave_id, s.student_id, s.school_id, t.grade
    from build.settings.survey_waves w
    join stint s on w.opens >= s.entry and w.opens < s.exit
    join student t on t.student_id = s.student_id
    where not exists (from kept k where k.survey_id = w.survey_id and k.wave_id = w.wave_id)
), told as (
    select r.*, w.opens, a.respondent_id is not null as answers, bool_or(a.respondent_id is not null) over (partition by r.survey_id, r.wave_id) as is_told
    from roster r
    join build.settings.survey_waves w on w.survey_id = r.survey_id and w.wave_id = r.wave_id
    left join (select distinct survey_id, wave_id, respondent_id from build.held.survey__answers where _is_open and answer is not null) a
        on a.survey_id = r.survey_id and a.wave_id = r.wave_id and a.respondent_id = r.student_id
    where w.respondent = 'linked' and w.opens <= (select as_of from as_of)
        and r.grade_level in (select value from build.settings.survey_eligible e where e.survey_id = r.survey_id and e.wave_id = r.wave_id and e.kind = 'grade')
)
select r.student_id, min(r.school_id) as school_id, v.grade, v.combo, d.piece, count(distinct r.wave_id) as asked,
    count(distinct r.wave_id) filter (where r.answers) as answered
from told r
join day d on d.day = r.opens
join version v on v.student_id = r.student_id and d.day >= v.from_day and d.day < v.to_day
where r.is_told
group by r.student_id, v.grade, v.combo, d.piece;

-- Periods are sums of pieces; of marks, the latest piece of each period.
create temp table person as
with attendance as (
    select p.period_type, p.period_start, p.period_end, p.school_year, a.student_id, a.school_id, a.grade, a.combo, a.modality,
        sum(a.enrolled)::bigint as enrolled, sum(a.absent)::bigint as absent, sum(a.tardy)::bigint as tardy
    from attended a join period p using (piece) group by all
), work as (
    select p.period_type, p.period_start, p.period_end, p.school_year, a.student_id, a.school_id, a.grade, a.combo,
        sum(a.expected)::bigint as expected, sum(a.completed)::bigint as completed, sum(a.submitted)::bigint as submitted, sum(a.late)::bigint as late,
        sum(a.points)::bigint as points, sum(a.points_missing)::bigint as points_missing
    from assigned a join period p using (piece) group by all
), latest as (
    select p.period_type, p.period_start, p.school_year, m.student_id, max(m.piece) as piece from marked m join period p using (piece) group by all
), mark as (
    select l.period_type, l.period_start, p.period_end, l.school_year, m.*
    from latest l join marked m using (student_id, piece) join period p using (period_type, period_start, school_year, piece)
), survey as (
    select p.period_type, p.period_start, p.period_end, p.school_year, a.response_id, a.school_id, a.grade,
        sum(a.favorable)::bigint as favorable, sum(a.valid)::bigint as valid, sum(b_valid)::bigint as b_valid, sum(b_favorable)::bigint as b_favorable,
        sum(b_points)::bigint as b_points, sum(k_valid)::bigint as k_valid, sum(k_favorable)::bigint as k_favorable, sum(k_points)::bigint as k_points,
        sum(c_valid)::bigint as c_valid, sum(c_favorable)::bigint as c_favorable
    from answered a join period p using (piece) group by all
)
select 'attendance_rate' as indicator_id, period_type, period_start, period_end, school_year, student_id, school_id, grade, combo, modality,
    enrolled - absent as n, enrolled as d, 1000 as scale, true as is_student
from attendance
union all
select 'tardy_rate', period_type, period_start, period_end, school_year, student_id, school_id, grade, combo, modality, tardy, enrolled - absent, 1000, true
from attendance where enrolled > absent
union all
select 'assignment_completion', period_type, period_start, period_end, school_year, student_id, school_id, grade, combo, null, completed, expected, 1, true
from work
union all
select 'missing_work', period_type, period_start, period_end, school_year, student_id, school_id, grade, combo, null, expected - completed, expected, 1, true
from work
union all
select 'on_time_work', period_type, period_start, period_end, school_year, student_id, school_id, grade, combo, null, submitted - late, expected, 1, true
from work
union all
select 'late_work', period_type, period_start, period_end, school_year, student_id, school_id, grade, combo, null, late, submitted, 1, true
from work where submitted > 0
union all
select 'weighted_missing_work', period_type, period_start, period_end, school_year, student_id, school_id, grade, combo, null, points_missing, points, 10, true
from work where points > 0
union all
select 'd_f_rate', period_type, period_start, period_end, school_year, student_id, school_id, grade, combo, null, marks_d_f, marks, 1, true from mark
union all
select 'survey_favorable', period_type, period_start, period_end, school_year, response_id, school_id, grade, null, null, favorable, valid, 1, false
from survey where valid > 0
union all
select 'belonging_favorable', period_type, period_start, period_end, school_year, response_id, school_id, grade, null, null, b_favorable, b_valid, 1, false
from survey where b_valid > 0
union all
select 'known_by_adult_favorable', period_type, period_start, period_end, school_year, response_id, school_id, grade, null, null, k_favorable, k_valid, 1, false
from survey where k_valid > 0
union all
select 'belonging_scale_mean', period_type, period_start, period_end, school_year, response_id, school_id, grade, null, null, (2000 * b_points + b_valid) // (2 * b_valid), 1, 1,
    false
from survey where b_valid >= 2
union all
select 'known_by_adult_scale_mean', period_type, period_start, period_end, school_year, response_id, school_id, grade, null, null, (2000 * k_points + k_valid) // (2 * k_valid), 1, 1,
    false
from survey where k_valid >= 2
union all
select 'connection', period_type, period_start, period_end, school_year, response_id, school_id, grade, null, null, (c_favorable = c_valid)::bigint, 1, 1, false
from survey where c_valid > 0
union all
select 'survey_reach', p.period_type, p.period_start, p.period_end, p.school_year, a.student_id, a.school_id, a.grade, a.combo, null,
    sum(a.answered)::bigint, sum(a.asked)::bigint, 1, true
from asked a join period p using (piece) group by all;

-- Absence as a flag of the year's total, from a share on and (tiers) below another. Some profiles judge at each school and pool for the district,
-- others pool for both.
create temp table flagged as
with total as (
    select p.period_type, p.period_start, p.period_end, p.school_year, a.student_id, a.school_id, min(a.grade) as grade,
        sum(a.absent)::bigint as absent, sum(a.halves)::bigint as halves, sum(a.enrolled)::bigint as enrolled
    from attended a join period p using (piece) where p.period_type = 'year_to_date' group by all
), pooled as (
    select *, sum(absent) over mine as all_absent, sum(halves) over mine as all_halves, sum(enrolled) over mine as all_enrolled, row_number() over mine as nth
    from total window mine as (partition by student_id, school_year)
), profile (indicator_id, profile_id, own, by_half, rule, least, must_come, to_grade_8, from_grade_6, more, of_20, below) as (
    values ('chronic_absence', 'edfacts', true, true, 'any_time', 10000, false, false, false, false, 2, 99),
        ('chronic_absence', 'california', true, false, 'any_time', 31000, true, true, false, false, 2, 99),
        ('chronic_absence', 'edu', true, false, 'last_day', 20000, false, false, false, true, 2, 99),
        ('chronic_absence', 'city', false, false, 'last_day', 10000, true, false, false, false, 2, 99),
        ('chronic_absence', 'district', false, false, 'last_day', 20000, false, false, false, false, 2, 99),
        ('absence_at_risk', 'district', false, false, 'last_day', 20000, false, false, false, false, 1, 2),
        ('moderate_chronic_absence', 'district', false, false, 'last_day', 20000, false, false, false, false, 2, 4),
        ('severe_chronic_absence', 'district', false, false, 'last_day', 20000, false, false, false, false, 4, 99),
        ('early_warning_attendance', 'abc', false, false, 'last_day', 20000, false, false, true, true, 2, 99)
), judged as (
    select f.*, 'school' as counts_at,
        case when by_half then case when own then halves else all_halves end when own then absent else all_absent end as absent,
        case when own then enrolled else all_enrolled end as enrolled, p.* exclude (absent, enrolled)
    from pooled p cross join profile f
    union all
    select f.*, 'district', case when by_half then all_halves else all_absent end, all_enrolled, p.* exclude (absent, enrolled) replace (null as school_id)
    from pooled p cross join profile f where nth = 1
)
select j.indicator_id, j.profile_id, j.counts_at, j.period_type, j.period_start, j.period_end, j.school_year, j.student_id, j.school_id, j.least,
    j.enrolled >= j.least as is_judged, min(j.grade) over (partition by j.student_id, j.school_year) as grade, g.combo, j.of_20, j.below, j.more, j.from_grade_6,
    (j.absent * 20 < j.enrolled * j.below and (j.absent * 20 > j.enrolled * j.of_20 or (not j.more and j.absent * 20 = j.enrolled * j.of_20)))::bigint as n,
    j.absent::bigint as absent, j.enrolled::bigint as enrolled
from judged j
join year_group g on g.student_id = j.student_id and g.school_year = j.school_year and g.rule = j.rule
where (not j.must_come or j.absent < j.enrolled)
    and (not j.to_grade_8 or j.grade in ('TK', 'KG', '01', '02', '03', '04', '05', '06', '07', '08'))
    and (not j.from_grade_6 or j.student_id in (select student_id from here))
    and (not j.from_grade_6 or j.grade in ('06', '07', '08', '09', '10', '11', '12'));

insert into flagged
with times as (
    select p.profile_id, r.student_id, count(*) as n
    from in_a_row r
    join (values ('three_days', 3, 1.0), ('five_days', 5, 1.0), ('ten_days', 10, 1.0), ('three_days_by_half', 3, 0.5)) p (profile_id, days, least)
        on r.least = p.least and r.days >= p.days
    group by all
)
select 'consecutive_absence', p.profile_id, f.counts_at, f.period_type, f.period_start, f.period_end, f.school_year, f.student_id, f.school_id, 0, true, f.grade,
    f.combo, f.of_20, f.below, f.more, false, (coalesce(t.n, 0) > 0)::bigint, coalesce(t.n, 0) * 1000,
    f.enrolled
from flagged f
cross join (values ('three_days'), ('five_days'), ('ten_days'), ('three_days_by_half')) p (profile_id)
left join times t on t.student_id = f.student_id and t.profile_id = p.profile_id
where f.indicator_id = 'absence_at_risk';

-- Current averages: of the points that could be had in the term of the student's last piece with graded work, up to that piece, those earned.
create temp table averaged as
with last_piece as (
    select p.period_type, p.period_start, p.period_end, p.school_year, m.student_id, max(m.piece) as piece
    from marked m join period p using (piece) where p.period_type = 'year_to_date' group by all
), own as (
    select l.*, m.school_id, m.grade, m.earned, m.possible from last_piece l join marked m using (student_id, piece)
), placed as (
    select *, 'school' as counts_at from own where school_id <> ''
    union all
    select any_value(period_type), period_start, any_value(period_end), school_year, student_id, any_value(piece), null, min(grade), sum(earned)::bigint,
        sum(possible)::bigint, 'district'
    from own group by period_start, school_year, student_id
)
select p.*, g.combo, (2000 * p.earned + p.possible) // (2 * p.possible) as n
from placed p join year_group g on g.student_id = p.student_id and g.school_year = p.school_year and g.rule = 'last_day';

-- Results of assessments, levels in thousandths: what is expected of the grade by the day, how far behind it, and at which school the student was that day.
create temp table scored as
with expected as (
    select l.assessment_id, l.subject, l.grade_level as grade, (l.start_level::decimal(18, 3) * 1000)::bigint as low,
        (l.end_level::decimal(18, 3) * 1000)::bigint as high
    from build.settings.learning_levels l
), told as (
    select r.student_id, st.grade, r.assessment_id, r.subject, k.learning_area as area, k.kind, d.day, d.school_year, p.is_proficient = 'true' as is_proficient,
        (r.scale_score::decimal(18, 3) * 1000)::bigint as score,
        case when e.low is not null then (r.level_number::decimal(18, 3) * 1000)::bigint end as level, e.low, e.high,
        y.end_date - y.start_date as n_days, d.day - y.start_date as nth
    from build.held.extract__assessments r
    join day d on d.day = r.administered_on::date
    join build.settings.school_years y on y.school_year = d.school_year
    join student st on st.student_id = r.student_id
    join build.settings.assessment_kinds k on k.assessment_id = r.assessment_id and k.subject = r.subject
    left join build.settings.performance_levels p on p.assessment_id = r.assessment_id and p.performance_level = r.performance_level
    left join expected e on e.assessment_id = r.assessment_id and e.subject = r.subject and e.grade = st.grade
    where r._is_open and d.day <= (select as_of from as_of)
), placed as (
    select t.student_id, t.day, arg_min(s.org_sourced_id, ((s.role_type <> 'primary')::int, s.begin_date, s.org_sourced_id)) as school_id
    from (select distinct student_id, day from told) t
    join build.held.oneroster__roles s on s.user_sourced_id = t.student_id and s.role = 'student' and s._is_open
        and t.day >= s.begin_date::date and t.day < coalesce(least(s.end_date::date, s._withdrawn_on), date '9999-12-31')
    group by all
)
select t.*, p.school_id, greatest(0, n_days * (low - level) + nth * (high - low)) // n_days as behind
from told t left join placed p using (student_id, day);

-- Of whose grade a level is expected: at which schools they have been this year, and since when without a break.
create temp table expecting as
with area as (
    select distinct l.grade_level as grade, k.learning_area as area
    from build.settings.learning_levels l join build.settings.assessment_kinds k on k.assessment_id = l.assessment_id and k.subject = l.subject
    where exists (select 1 from scored)
), last_day as (
    select c.school_id, max(c.calendar_date::date) as last_day
    from build.held.extract__calendar c join build.settings.calendar_codes k on k.code = c.day_type and k.is_instructional = 'true'
    where c._is_open group by all
), stay as (
    select s.student_id, s.school_id, y.school_year, greatest(s.entry, y.start_date) as begins, s.exit,
        least(s.exit - 1, coalesce(l.last_day, y.end_date)) as known_to,
        max(s.exit) over (
            partition by s.student_id, y.school_year order by greatest(s.entry, y.start_date), s.exit, s.school_id
            rows between unbounded preceding and 1 preceding
        ) as gone_before
    from stint s
    join build.settings.school_years y on s.entry <= y.end_date and s.exit > y.start_date
    left join last_day l on l.school_id = s.school_id
    where s.entry <= (select as_of from as_of)
), came as (
    select *, max(begins) filter (where gone_before is null or gone_before < begins) over (partition by student_id, school_year) as since from stay
)
select c.student_id, c.school_year, a.area, c.since, max(c.known_to) filter (where c.begins >= c.since) as known_to, list(distinct c.school_id) as schools
from came c join student st on st.student_id = c.student_id join area a on a.grade = st.grade
group by all;

-- Growth: of a score in a window on the one in the window before, beside the line through all pairs of the grade.
create temp table grown as
with given as (
    select s.*, w.first_day::date as window_start
    from scored s
    join build.settings.assessment_windows w on w.assessment_id = s.assessment_id and s.day between w.first_day::date and w.last_day::date
    where w.last_day::date <= (select as_of from as_of) and s.score is not null
), taken as (
    select assessment_id, subject, area, school_year, grade, student_id, window_start, max(day) as day, arg_max(score, day) as score,
        arg_max(school_id, day) as school_id
    from given group by all
), pair as (
    select *, lag(score) over mine as earlier, lag(window_start) over mine as earlier_start
    from taken window mine as (partition by assessment_id, subject, student_id order by window_start)
), line as (
    select p.*, p.earlier - min(p.earlier) over alike as x, p.score - min(p.score) over alike as y
    from pair p where p.earlier is not null
    window alike as (partition by assessment_id, subject, school_year, grade, earlier_start, window_start)
), fitted as (
    select assessment_id, subject, school_year, grade, earlier_start, window_start, count(*) as n, regr_slope(y, x) as slope, regr_intercept(y, x) as intercept,
        regr_syy(y, x) as of_later, regr_syy(y, x) - regr_sxy(y, x) ** 2 / nullif(regr_sxx(y, x), 0) as left_over
    from line group by all
), compared as (
    select l.student_id, l.area, l.school_year, l.school_id, l.day,
        case when f.n >= 30 and f.left_over > f.of_later * 1e-9
            then round((l.y - f.intercept - f.slope * l.x) / sqrt(f.left_over / (f.n - 2)) * 1000)::bigint
        end as z
    from line l join fitted f using (assessment_id, subject, school_year, grade, earlier_start, window_start)
)
select student_id, area, school_year, arg_max(z, (z is not null, day)) as z, arg_max(school_id, (z is not null, day)) as school_id
from compared group by student_id, area, school_year;

-- What is known of each student by the last results, with the schools where it counts: where the last result was taken, or wherever the student has been.
create temp table learning as
with leveled as (
    select student_id, area, school_year, min(day) as first_on, max(day) as last_on, arg_min(level, day) as first_level, arg_max(level, day) as last_level,
        arg_min(behind, day) as first_behind, arg_max(behind, day) as last_behind, any_value(high) as high, any_value(n_days) as n_days, max(nth) as nth,
        arg_max(school_id, day) as school_id
    from scored where level is not null group by all
), paced as (
    select *, (last_level - high) * (last_on - first_on) + (last_level - first_level) * (n_days - nth) as over, last_on - first_on as apart
    from leveled where last_on - first_on >= 60
), judged as (
    select student_id, area, school_year, kind, arg_max(is_proficient, day)::bigint as n, arg_max(school_id, day) as school_id
    from scored where is_proficient is not null group by all
), asked as (
    select e.*, l.last_behind, l.last_level, l.first_level, l.first_on < l.last_on as is_pair, p.over, p.apart,
        greatest(e.since, (select max(day) from scored s where s.student_id = e.student_id and s.area = e.area and s.school_year = e.school_year)) as since_when
    from expecting e left join leveled l using (student_id, area, school_year) left join paced p using (student_id, area, school_year)
)
select 'far_behind' as kind, 'two_or_more' as profile_id, student_id, area, school_year, schools, coalesce(last_behind, 0) as n,
    (last_behind is not null)::bigint * 1000 as d, last_behind >= 2000 as flag
from asked
union all
select 'advancing_fast', 'two_levels', student_id, area, school_year, schools, if(is_pair, greatest(0, last_level - first_level), 0),
    coalesce(is_pair, false)::bigint * 1000, if(is_pair, last_level - first_level >= 2000, null)
from asked
union all
select 'behind_pace', 'half_a_level', student_id, area, school_year, schools, coalesce(greatest(0, -over) // apart, 0), (over is not null)::bigint * 1000,
    greatest(0, -over) // apart >= 500
from asked
union all
select 'ahead_of_pace', 'one_level', student_id, area, school_year, schools, coalesce(greatest(0, over) // apart, 0), (over is not null)::bigint * 1000,
    greatest(0, over) // apart >= 1000
from asked
union all
select 'no_new_evidence', 'standard', student_id, area, school_year, schools, is_late::bigint * 1000, 1000, is_late
from (
    select *, coalesce(since_when, since) + (select evidence_days from build.settings.learning)::int <= least(known_to, (select as_of from as_of)) as is_late
    from asked
)
union all
select 'gap_repair', 'any_gain', student_id, area, school_year, [school_id], greatest(0, first_behind - last_behind), first_behind,
    if(first_behind >= 1000, first_behind > last_behind, null)
from leveled where first_on < last_on and first_behind > 0
union all
select 'level_gain', 'standard', student_id, area, school_year, [school_id], last_level - first_level, 1000, null from leveled where first_on < last_on
union all
select 'growth', 'standard', student_id, area, school_year, [school_id], coalesce(z, 0), (z is not null)::bigint * 1000, null from grown
union all
select 'proficient_' || kind, 'standard', student_id, area, school_year, [school_id], n * 1000, 1000, n = 1 from judged;

create temp table learned as
with placed as (
    select *, 'school' as counts_at, unnest(schools) as school_id from learning
    union all
    select *, 'district', null from learning
)
select l.* exclude (schools, kind, area), l.kind || '_' || l.area as indicator_id, y.period_type, y.period_start, y.period_end, st.grade, g.combo,
    case
        when l.kind = 'far_behind' and l.d > 0
            then format('Levels behind what is expected of the grade by the day of the last result in {}: {:g}; the line is 2.', l.area, l.n / 1000)
        when l.kind = 'far_behind' then format('Not judged yet: no result in {} this school year says a level.', l.area)
        when l.kind = 'advancing_fast' and l.flag
            then format('Levels gained in {} since the first result of this school year: {:g}; the line is 2.', l.area, l.n / 1000)
        when l.kind = 'advancing_fast' and l.d = 0
            then format('Not judged yet: it takes results in {} on two days of this school year on one assessment.', l.area)
        when l.kind like '%pace' and l.d = 0
            then format('Not judged yet: it takes results in {} on one assessment of this school year that are 60 days apart or more.', l.area)
        when l.kind = 'behind_pace' and l.flag
            then format('At the pace since the first result of this school year, {:g} levels short in {} of what is expected at its end.', l.n / 1000, l.area)
        when l.kind = 'ahead_of_pace' and l.flag
            then format('At the pace since the first result of this school year, {:g} levels above what is expected in {} at its end; the line is 1.',
                l.n / 1000, l.area)
        when l.kind = 'no_new_evidence' and l.flag then format('No new evidence in {} for longer than the district waits.', l.area)
        when l.kind = 'gap_repair' and l.flag is null
            then format('Not judged: {:g} levels behind in {} at the first result of this school year; a gap is spoken of from 1 on.', l.d / 1000, l.area)
        when l.kind = 'gap_repair'
            then format('Caught up in {} since the first result of this school year: {:g} of {:g} levels.', l.area, l.n / 1000, l.d / 1000)
        when l.kind like 'proficient%'
            then format('{}roficient at the last {} result in {} of this school year.', if(l.flag, 'P', 'Not yet p'), split_part(l.kind, '_', 2), l.area)
        when l.kind = 'growth' and l.d = 0
            then format('Not compared yet: too few students of the grade have scores in {} in the same two windows, or their scores do not differ.', l.area)
    end as flag_reason
from placed l
join student st on st.student_id = l.student_id
join (select distinct period_type, period_start, period_end, school_year from period where period_type = 'year_to_date') y on y.school_year = l.school_year
join year_group g on g.student_id = l.student_id and g.school_year = l.school_year and g.rule = 'last_day';

create table fct_student_indicators as
select p.student_id as student_key, p.school_id, p.school_year, p.period_type, p.period_start, p.period_end, p.indicator_id, 'standard' as profile_id,
    if(p.indicator_id = 'd_f_rate', 2, 1) as profile_version, (sum(p.n) / p.scale)::decimal(18, 3) as numerator, (sum(p.d) / p.scale)::decimal(18, 3) as denominator,
    sum(p.n)::double / sum(p.d)::double as value, null::boolean as flag, null::varchar as flag_reason
from person p where p.is_student
group by p.student_id, p.school_id, p.school_year, p.period_type, p.period_start, p.period_end, p.indicator_id, p.scale
union all
select student_id, school_id, school_year, period_type, period_start, period_end, indicator_id, profile_id,
    if(profile_id = 'edfacts' or from_grade_6, 2, 1), absent::decimal(18, 3) / 1000, enrolled::decimal(18, 3) / 1000, absent::double / enrolled, if(is_judged, n = 1, null),
    case when not is_judged then format('Not judged yet: enrolled for {:g} days so far this year; this rule judges from {:d} on.', enrolled / 1000, least // 1000)
        when indicator_id = 'consecutive_absence' then if(n = 1, format('Times of {:d} school days or more missed in a row so far this year{}: {:d}; the line is 1.',
            case profile_id when 'five_days' then 5 when 'ten_days' then 10 else 3 end,
            if(profile_id = 'three_days_by_half', ', counting a day missed by half or more', ''), (absent // 1000)::int), null)
        when n = 1 or from_grade_6 then format('Missed {:g} of {:g} days so far this year{}; the line is {}1 in {:d}{}.', absent / 1000, enrolled / 1000,
        if(profile_id = 'edfacts', ', counting a day missed by half as missed and one missed by less as not', ''), if(more, 'more than ', ''), (20 // of_20)::int, if(below < 20, ' to under 1 in ' || (20 // below), '')) end
from flagged
union all
select student_id, school_id, school_year, period_type, period_start, period_end, 'current_average', 'standard', 1, earned::decimal(18, 3) / 1000,
    possible::decimal(18, 3) / 1000, n / 1000.0, null, null
from averaged
union all
select student_id, school_id, school_year, period_type, period_start, period_end, indicator_id, profile_id, 1, n::decimal(18, 3) / 1000,
    d::decimal(18, 3) / 1000, if(d > 0, n::double / d, null), flag, flag_reason
from learned
union all
-- of the early warning signs the district sends that of attendance alone: nobody is judged by all three
select f.student_id, f.school_id, f.school_year, f.period_type, f.period_start, f.period_end, 'early_warning_flags', p.profile_id, 2,
    if(is_judged, n, 0), is_judged::int, if(is_judged, n::double, null), null,
    format('Not judged yet: early warning signs {:d} of {:d} that are known; the line is {:d}. ', if(is_judged, n, 0), is_judged::int, p.line)
        || if(is_judged, format('Missed {:g} of {:g} days so far this year; the line is more than 1 in 10.', absent / 1000, enrolled / 1000),
            format('Not judged yet: enrolled for {:g} days so far this year; this rule judges from {:d} on.', enrolled / 1000, least // 1000))
from flagged f cross join (values ('one_or_more', 1), ('two_or_more', 2)) p (profile_id, line)
where f.indicator_id = 'early_warning_attendance';

-- Cells. People with one row in a period are summed by all their attributes together first; the few with several count once in each cell.
create temp table fact as
select indicator_id, 'standard' as profile_id, 'both' as counts_at, period_type, period_start, period_end, school_year, student_id, school_id, grade, combo,
    modality, n, d, count(*) over (partition by indicator_id, period_type, period_start, school_year, student_id) > 1 as is_several
from person
union all
select indicator_id, profile_id, counts_at, period_type, period_start, period_end, school_year, student_id, school_id, grade, combo, null, n, 1, false
from flagged where is_judged
union all
select 'current_average', 'standard', counts_at, period_type, period_start, period_end, school_year, student_id, school_id, grade, combo, null, n, 1, false
from averaged
union all
select indicator_id, profile_id, counts_at, period_type, period_start, period_end, school_year, student_id, school_id, grade, combo, null,
    if(flag is null, n, flag::bigint), 1, false
from learned where flag is not null or (d > 0 and (indicator_id like 'level_gain%' or indicator_id like 'growth%'));

create temp table together as
select f.* exclude (combo), c.* exclude (combo)
from (
    select indicator_id, profile_id, counts_at, period_type, period_start, period_end, school_year, school_id, grade, combo, modality, '' as student_id,
        count(*) as people, sum(n)::bigint as n, sum(d)::bigint as d, sum(n * n)::bigint as nn, sum(d * d)::bigint as dd, sum(n * d)::bigint as nd
    from fact where not is_several group by all
    union all
    select indicator_id, profile_id, counts_at, period_type, period_start, period_end, school_year, school_id, grade, combo, modality, student_id,
        1, n, d, 0, 0, 0
    from fact where is_several
) f
left join combo c on c.combo = f.combo;

create temp table cell as
with counted as (
    select indicator_id, profile_id, period_type, period_start, period_end, school_year, school_id, grade, race, gender, el, dis, eco, hml, fst, modality, student_id,
        grouping(grade) = 0 as by_grade, grouping(race, gender, el, dis, eco, hml, fst, modality) as family,
        sum(people) as people, sum(n) as n, sum(d) as d, sum(nn) as nn, sum(dd) as dd, sum(nd) as nd
    from together where counts_at <> 'district' and school_id <> ''
    group by indicator_id, profile_id, period_type, period_start, period_end, school_year, school_id, student_id,
        grouping sets ((grade), ()), grouping sets ((), (race), (gender), (el), (dis), (eco), (hml), (fst), (modality))
    union all
    select indicator_id, profile_id, period_type, period_start, period_end, school_year, null, grade, race, gender, el, dis, eco, hml, fst, modality, student_id,
        grouping(grade) = 0, grouping(race, gender, el, dis, eco, hml, fst, modality),
        sum(people), sum(n), sum(d), sum(nn), sum(dd), sum(nd)
    from together where counts_at <> 'school'
    group by indicator_id, profile_id, period_type, period_start, period_end, school_year, student_id,
        grouping sets ((grade), ()), grouping sets ((), (race), (gender), (el), (dis), (eco), (hml), (fst), (modality))
), named as (
    select * exclude (race, gender, el, dis, eco, hml, fst, modality, family),
        case family
            when 255 then 'all' when 127 then 'race_ethnicity' when 191 then 'gender' when 254 then 'modality' when 223 then 'english_learner'
            when 239 then 'disability' when 247 then 'economic_disadvantage' when 251 then 'homeless' when 253 then 'foster'
        end as group_family,
        case family
            when 255 then 'all' when 127 then race when 191 then gender when 254 then modality
            when 223 then case when el then 'yes' when not el then 'no' end when 239 then case when dis then 'yes' when not dis then 'no' end when 247 then case when eco then 'yes' when not eco then 'no' end
            when 251 then case when hml then 'yes' when not hml then 'no' end when 253 then case when fst then 'yes' when not fst then 'no' end
        end as group_value
    from counted
)
select indicator_id, profile_id, period_type, period_start, period_end, school_year, school_id, case when by_grade then grade end as grade_level,
    group_family, group_value,
    sum(case when student_id = '' then people else 1 end)::bigint as n_subjects, sum(n)::bigint as n, sum(d)::bigint as d,
    sum(case when student_id = '' then nn else n * n end)::double as nn,
    sum(case when student_id = '' then dd else d * d end)::double as dd,
    sum(case when student_id = '' then nd else n * d end)::double as nd
from named
where group_value is not null
group by all;

create table agg_indicator_values as
with rated as (
    select *, n::double / d as rate, n_subjects::double as m, indicator_id like '%absence%' or indicator_id = 'connection' or indicator_id like 'early_warning%'
            or regexp_matches(indicator_id, '^(far_behind|advancing_fast|gap_repair|behind_pace|ahead_of_pace|no_new_evidence|proficient)_') as is_share,
        regexp_matches(indicator_id, 'scale_mean$|^current_average$|^(level_gain|growth)_') as is_mean,
        regexp_matches(indicator_id, '^(level_gain|growth)_') as may_fall, if(is_mean, 1000, 1) as value_scale, 1.959963984540054 as z,
        case when indicator_id in ('attendance_rate', 'tardy_rate') then 1000 when indicator_id = 'weighted_missing_work' then 10 else 1 end as scale
    from cell
), spread as (
    select r.*, q.t_975,
        case when n_subjects > 1 then greatest(0, m / (m - 1) * (nn - 2 * rate * nd + rate * rate * dd) / (d::double * d)) end as variance
    from rated r left join build.registry.t_quantiles q on q.degrees_of_freedom = least(r.n_subjects - 1, 200)
), chosen as (
    select *, case
            when is_share then 'wilson' when n_subjects < 2 or (is_mean and variance <= 1e-6) then 'none' when is_mean then 't_people' when rate <= 0 or rate >= 1 or variance <= 1e-12 then 'wilson_people'
            else 'clustered_logit' end as ci_method
    from spread
), bounded as (
    select *,
        case when ci_method like 'wilson%' then (rate + z * z / (2 * m)) / (1 + z * z / m) when ci_method = 'clustered_logit' then ln(rate / (1 - rate)) when is_mean then rate end as mid,
        case
            when ci_method like 'wilson%' then z * sqrt(rate * (1 - rate) / m + z * z / (4 * m * m)) / (1 + z * z / m)
            when ci_method = 'clustered_logit' then t_975 * sqrt(variance) / (rate * (1 - rate))
            when ci_method = 't_people' then t_975 * sqrt(variance)
        end as half
    from chosen
)
select school_year, school_id, grade_level, group_family, group_value, period_type, period_start, period_end, indicator_id, profile_id,
    if(profile_id = 'edfacts' or indicator_id like 'early_warning%' or indicator_id = 'd_f_rate', 2, 1) as profile_version, (n / scale / value_scale)::decimal(18, 3) as numerator, (d / scale)::decimal(18, 3) as denominator, n_subjects, round(rate / value_scale, 12) as value,
    round(case when ci_method like 'wilson%' then greatest(0, mid - half) when ci_method = 'clustered_logit' then 1 / (1 + exp(half - mid)) when ci_method = 't_people' then if(may_fall, mid - half, greatest(0, mid - half)) / value_scale end, 9) as ci_low,
    round(case when ci_method like 'wilson%' then least(1, mid + half) when ci_method = 'clustered_logit' then 1 / (1 + exp(-mid - half)) when ci_method = 't_people' then (mid + half) / value_scale end, 9) as ci_high,
    ci_method
from bounded;

-- Averages a school day: what the attendance rate's cells add up to, over the days on which anybody of the school has attendance; the district's is the sum
-- of its schools' own, each to a thousandth.
create temp table in_session as
with school_day as (
    select distinct c.school_id, c.calendar_date::date as day
    from build.held.extract__calendar c
    join build.settings.calendar_codes k on k.code = c.day_type and k.is_instructional = 'true'
    where c._is_open
), taken as (
    select distinct a.school_id, d.day, d.piece
    from build.held.extract__attendance a
    join build.settings.attendance_codes k on k.code = a.attendance_code
    join day d on d.day = a.attendance_date::date
    join school_day c on c.school_id = a.school_id and c.day = d.day
    where a._is_open and d.day <= (select as_of from as_of)
      and exists (select 1 from stint s where s.student_id = a.student_id and s.school_id = a.school_id and d.day >= s.entry and d.day < s.exit)
)
select p.period_type, p.period_start, p.school_year, t.school_id, count(distinct t.day) as days
from taken t join period p using (piece)
group by grouping sets ((p.period_type, p.period_start, p.school_year, t.school_id), (p.period_type, p.period_start, p.school_year));

insert into agg_indicator_values
with sides as (
    select c.*, s.indicator_id as average_id, if(s.of_numerator, c.n, c.d) as total, i.days
    from cell c
    cross join (values ('average_daily_attendance', true), ('average_daily_membership', false)) s (indicator_id, of_numerator)
    join in_session i on i.school_id is not distinct from c.school_id and i.period_type = c.period_type and i.period_start = c.period_start
        and i.school_year = c.school_year
    where c.indicator_id = 'attendance_rate'
), averaged as (
    select *, (2 * total + days) // (2 * days) as own,
        sum((2 * total + days) // (2 * days)) filter (where school_id is not null) over (
            partition by average_id, school_year, grade_level, group_family, group_value, period_type, period_start
        ) as of_schools
    from sides
)
select school_year, school_id, grade_level, group_family, group_value, period_type, period_start, period_end, average_id, 'standard', 1,
    (total / 1000)::decimal(18, 3), days::decimal(18, 3), n_subjects, if(school_id is null, of_schools, own) / 1000.0, null, null, 'none'
from averaged;
