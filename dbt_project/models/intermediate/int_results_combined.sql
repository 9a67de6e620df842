-- One shape for a student's result on an assignment. `work_statuses` says what each source's status means. `assignment_id` is the assignment as its source
-- names it, from which the key is made: rows are found by it without making the keys of all.
select
    {{ concat_key(["'oneroster'", "results.line_item_id"]) }} as assignment_key,
    results.line_item_id as assignment_id,
    results.student_id as student_key,
    results.result_id,
    results.points_earned,
    statuses.is_expected,
    statuses.is_excused,
    statuses.is_missing or coalesce(results.is_missing, false) as is_missing,
    statuses.is_submitted and not coalesce(results.is_missing, false) as is_submitted,
    statuses.is_late or coalesce(results.is_late, false) as is_late,
    statuses.is_graded or results.points_earned is not null as is_graded,
    results.scored_on as handed_in,
    results.withdrawn_on,
    results.known_on,
    results.precedence,
    results.delivery_id,
    results.line_number
from {{ ref('stg_oneroster__results') }} as results
inner join {{ ref('work_statuses') }} as statuses on statuses.format = 'oneroster' and results.score_status = statuses.status

union all

select
    {{ concat_key(["'lms'", "submissions.source_system", "submissions.assignment_id"]) }} as assignment_key,
    submissions.assignment_id,
    users.student_id as student_key,
    submissions.submission_id as result_id,
    submissions.points_earned,
    statuses.is_expected,
    statuses.is_excused,
    statuses.is_missing,
    statuses.is_submitted,
    statuses.is_late,
    statuses.is_graded or submissions.points_earned is not null as is_graded,
    submissions.submitted_at as handed_in,
    cast(null as date) as withdrawn_on,
    submissions.known_on,
    submissions.precedence,
    submissions.delivery_id,
    submissions.line_number
from {{ ref('stg_lms__submissions') }} as submissions
inner join {{ ref('work_statuses') }} as statuses on statuses.format = 'lms' and submissions.submission_status = statuses.status
inner join {{ ref('int_lms_users_identified') }} as users
    on submissions.source_system = users.source_system and submissions.lms_user_id = users.lms_user_id
where users.student_id is not null

union all

select
    results.assignment_key,
    results.gradebook_entry_identifier as assignment_id,
    results.student_id as student_key,
    results.record_id as result_id,
    results.points_earned,
    statuses.is_expected,
    statuses.is_excused,
    statuses.is_missing,
    statuses.is_submitted,
    statuses.is_late or coalesce(late.code = 'late' and statuses.is_submitted, false) as is_late,
    statuses.is_graded or results.points_earned is not null as is_graded,
    results.fulfilled_date as handed_in,
    cast(null as date) as withdrawn_on,
    results.known_on,
    results.precedence,
    results.delivery_id,
    results.line_number
from {{ ref('stg_edfi__student_gradebook_entries') }} as results
left join {{ source('settings', 'edfi_descriptors') }} as submissions
    on submissions.field = 'submission_status' and results.submission_status_descriptor = submissions.descriptor
left join {{ source('settings', 'edfi_descriptors') }} as late
    on late.field = 'late_status' and results.late_status_descriptor = late.descriptor
-- where no status is said, a mark says that the work was handed in and graded
inner join {{ ref('work_statuses') }} as statuses
    on
        statuses.format = 'edfi'
        and statuses.status = coalesce(
            submissions.code,
            case when coalesce(results.points_earned, results.numeric_grade) is not null or results.letter_grade is not null then 'graded' end,
            'not said'
        )
