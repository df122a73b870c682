"""The report for CI: JUnit's XML, a test case for each probe."""

from collections.abc import Sequence
from xml.etree import ElementTree

from workshop_lib.doctor.finding import Diagnosis
from workshop_lib.doctor.reports.machine import Report


def as_junit(report: Report, failing: Sequence[Diagnosis]) -> str:
    """Write a report as XML; `failing` fail, and what nothing was proved of is skipped."""
    suite = ElementTree.Element("testsuite", name=f"stream-doctor {report.target}")
    for one in report.diagnoses:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname="stream-doctor",
            name=f"{one.probe.id}: {one.probe.title}",
            time=f"{one.seconds:.1f}",
        )
        _outcome(case, one, failing)
    cases = report.diagnoses
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(len(failing)))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def _outcome(case: ElementTree.Element, one: Diagnosis, failing: Sequence[Diagnosis]) -> None:
    words = f"{one.finding.evidence} {one.remedy}".strip()
    if one in failing:
        ElementTree.SubElement(case, "failure", message=one.finding.evidence).text = one.remedy
    elif one.verdict == "healthy":
        ElementTree.SubElement(case, "system-out").text = words
    else:
        kind = "advice" if one.verdict == "sick" else one.verdict.replace("_", " ")
        ElementTree.SubElement(case, "skipped", message=f"{kind}: {words}")
