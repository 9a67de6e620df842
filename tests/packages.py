"""OneRoster packages written to the standard with every file of a version: the text is ours, so that a change of the product's own column table shows."""

from __future__ import annotations

from pathlib import Path

STAMP = "sourcedId,status,dateLastModified,"
V12: dict[str, list[str]] = {
    "academicSessions": [
        STAMP + "title,type,startDate,endDate,parentSourcedId,schoolYear",
        "sy26,,,2025-2026,schoolYear,2025-08-01,2026-06-30,,2026",
        "t1,,,Fall,term,2025-08-01,2026-01-15,sy26,2026",
    ],
    "orgs": [
        STAMP + "name,type,identifier,parentSourcedId,metadata.city",
        "d1,,,Maple Hollow,district,,,",
        's1,,,"Alder, School",school,0100,d1,Maple',
        "s2,,,Birch School,school,0200,d1,",
    ],
    "courses": [
        STAMP + "schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes",
        'c1,,,sy26,Algebra,ALG,"09,10",s1,"Algebra,Mathematics","02052,02001"',
    ],
    "classes": [
        STAMP + "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods",
        'k1,,,Algebra 1,09,c1,A1,scheduled,Room 1,s1,"sy26,t1",Algebra,02052,"1,2"',
        "k2,,,Algebra 2,09,c1,A2,ext:lab,,s1,t1,Algebra,02052,",
    ],
    "users": [
        STAMP + "enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,"
        "userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns,metadata.iepStatus",
        'u1,,,true,ada,"{sis:1},{local:2}",Ada,Example,,1,ada@example.org,,,u2,09,,,,,,s1,,Y',
        "u2,,,true,bea,,Bea,Example,,,,,,u1,,,,,,,s1,,",
        "u3,,,true,cy,,Cy,Example,,,,,,,,,,,,,s1,she/her,",
        "u4,,,true,dot,,Dot,Example,,,,,,,,,,,,,s1,,",
    ],
    "roles": [
        STAMP + "userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId",
        "r1,,,u1,primary,student,2025-08-18,,s1,p1",
        "r2,,,u2,primary,guardian,,,s1,",
        "r3,,,u3,primary,teacher,,,s1,",
        "r4,,,u4,primary,student,2025-08-18,2026-06-01,s1,",
    ],
    "userProfiles": [
        STAMP + "userSourcedId,profileType,vendorId,applicationId,description,credentialType,username,password",
        "p1,,,u1,portal,v1,,,local,ada,",
        "p2,,,u2,portal,v1,a1,Family portal,local,bea,",
    ],
    "enrollments": [
        STAMP + "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
        "e1,,,k1,s1,u1,student,,2025-08-18,2026-06-01",
        "e2,,,k1,s1,u3,teacher,true,,",
        "e3,,,k2,s1,u4,student,false,,",
    ],
    "demographics": [
        STAMP + "birthDate,sex,americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,nativeHawaiianOrOtherPacificIslander,white,"
        "demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus",
        "u1,,,2011-02-28,female,false,true,false,false,false,false,false,US,,,",
    ],
    "categories": [STAMP + "title,weight", "g1,,,Homework,40"],
    "lineItems": [
        STAMP + "title,description,assignDate,dueDate,classSourcedId,categorySourcedId,academicSessionSourcedId,resultValueMin,resultValueMax,schoolSourcedId",
        "l1,,,Sums,,2025-09-01,2025-09-08,k1,g1,t1,0,20,s1",
        "l2,,,Terms,Chapter 2,2025-09-08,2025-09-15,k1,g1,t1,,,s1",
    ],
    "results": [
        STAMP + "lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment,textScore,classSourcedId,inProgress,incomplete,late,missing",
        "x1,,,l1,u1,fully graded,18.5,2025-09-09,,,k1,,,false,false",
        "x2,,,l2,u1,not submitted,,2025-09-16,,,,,,,true",
    ],
    "scoreScales": [
        STAMP + "title,type,orgSourcedId,courseSourcedId,classSourcedId,scoreScaleValue",
        'z1,,,Letters,letter,s1,c1,k1,"{A:90-100},{B:80-89}"',
    ],
    "lineItemLearningObjectiveIds": [STAMP + "lineItemSourcedId,source,learningObjectiveId", "lo1,,,l1,case,3f8b1a2c-0000-4000-8000-000000000001"],
    "lineItemScoreScales": [STAMP + "title,lineItemSourcedId,scoreScaleSourcedId", "ls1,,,,l1,z1"],
    "resultLearningObjectiveIds": [STAMP + "resultSourcedId,source,learningObjectiveId,score,textScore", "ro1,,,x1,unknown,obj-1,3.5,"],
    "resultScoreScales": [STAMP + "title,resultSourcedId,scoreScaleSourcedId", "rs1,,,,x1,z1"],
    "resources": [STAMP + "vendorResourceId,title,roles,importance,vendorId,applicationId", 'b1,,,isbn-1,Algebra Book,"student,teacher",primary,v1,a1'],
    "classResources": [STAMP + "title,classSourcedId,resourceSourcedId", "kb1,,,,k1,b1"],
    "courseResources": [STAMP + "title,courseSourcedId,resourceSourcedId", "cb1,,,,c1,b1"],
    "userResources": [STAMP + "userSourcedId,orgSourcedId,classSourcedId,resourceSourcedId", "ub1,,,u1,s1,k1,b1"],
}
_SAME = ("academicSessions", "orgs", "courses", "classes", "enrollments", "demographics", "resources", "classResources", "courseResources")
V11: dict[str, list[str]] = {f: V12[f] for f in _SAME} | {
    "users": [
        STAMP + "enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password",
        'u1,,,true,"s1,s2",student,ada,{sis:1},Ada,Example,,1,,,,u2,09,',
        "u2,,,true,s1,guardian,bea,,Bea,Example,,,,,,u1,,",
        "u3,,,true,s1,teacher,cy,,Cy,Example,,,,,,,,",
        "u4,,,true,s1,student,dot,,Dot,Example,,,,,,,,",
    ],
    "categories": [STAMP + "title", "g1,,,Homework"],
    "lineItems": [
        STAMP + "title,description,assignDate,dueDate,classSourcedId,categorySourcedId,gradingPeriodSourcedId,resultValueMin,resultValueMax",
        "l1,,,Sums,,2025-09-01,2025-09-08,k1,g1,t1,0,20",
    ],
    "results": [STAMP + "lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment", "x1,,,l1,u1,fully graded,18.5,2025-09-09,"],
}
PACKAGES = {"1.1": V11, "1.2": V12}


def manifest(version: str, modes: dict[str, str]) -> list[str]:
    """A manifest that declares every file of the version, absent unless `modes` says otherwise."""
    return [
        "propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}",
        *(f"file.{f},{modes.get(f, 'absent')}" for f in PACKAGES[version]), "source.systemName,Example SIS", "source.systemCode,ex",
    ]  # fmt: skip


def package(version: str, mode: str = "bulk") -> dict[str, list[str]]:
    """A faultless package, file to lines; in mode delta every row is active and has the time of its change."""
    files = {f: list(lines) for f, lines in PACKAGES[version].items()}
    if mode == "delta":
        files = {f: [h, *(r.replace(",,,", ",active,2025-09-20T01:02:03.000Z,", 1) for r in rows)] for f, (h, *rows) in files.items()}
    return {"manifest": manifest(version, dict.fromkeys(files, mode)), **files}


def write(folder: Path, files: dict[str, list[str]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for file, lines in files.items():
        (folder / f"{file}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
