"""The tables of a learning-management system, whichever system it is: the Ed-Fi LMS Toolkit's "unifying" shape, which several formats are read into."""

from __future__ import annotations

from pipelines.sources.shape import Table, snake

STAMPS = ("CreateDate", "LastModifiedDate", "SourceCreateDate", "SourceLastModifiedDate")
HEADERS: dict[str, tuple[str, ...]] = {
    "users": (
        "SourceSystemIdentifier", "SourceSystem", "UserRole", "LocalUserIdentifier", "SISUserIdentifier", "Name", "EmailAddress", *STAMPS,
    ),
    "sections": (
        "SourceSystemIdentifier", "SourceSystem", "SISSectionIdentifier", "Title", "SectionDescription", "Term", "LMSSectionStatus", *STAMPS,
    ),
    "section-associations": (
        "SourceSystemIdentifier", "SourceSystem", "EnrollmentStatus", "LMSUserSourceSystemIdentifier", "LMSSectionSourceSystemIdentifier", *STAMPS,
    ),
    "assignments": (
        "SourceSystemIdentifier", "SourceSystem", "Title", "AssignmentCategory", "AssignmentDescription", "StartDateTime", "EndDateTime",
        "DueDateTime", "SubmissionType", "MaxPoints", "LMSSectionSourceSystemIdentifier", *STAMPS,
    ),
    "submissions": (
        "SourceSystemIdentifier", "SourceSystem", "SubmissionStatus", "SubmissionDateTime", "EarnedPoints", "Grade",
        "AssignmentSourceSystemIdentifier", "LMSUserSourceSystemIdentifier", *STAMPS,
    ),
}  # fmt: skip
_SCOPES = {
    "section-associations": "LMSSectionSourceSystemIdentifier",
    "assignments": "LMSSectionSourceSystemIdentifier",
    "submissions": "AssignmentSourceSystemIdentifier",
}

TABLES: dict[str, Table] = {
    kind: Table(
        name=f"lms__{kind.replace('-', '_')}",
        columns=(*(snake(c) for c in header if c not in STAMPS), "create_date", *(("last_modified_date",) if kind == "section-associations" else ())),
        key=("source_system", "source_system_identifier"),
        required=tuple(snake(c) for c in header if c not in STAMPS),
        scope="rows" if kind in _SCOPES else "table",
        scope_column=snake(_SCOPES.get(kind, "")),
        withdrawal="ends" if kind == "section-associations" else "erases",
        dates=(*(snake(c) for c in header if c.endswith("DateTime")), "create_date"),
    )
    for kind, header in HEADERS.items()
}
