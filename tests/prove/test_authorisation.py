"""How the report of the matrix is read: a group that failed, or could not begin, is said to have failed."""

from prove.authorisation import read

REPORT = """<?xml version="1.0"?><testsuites><testsuite name="pytest" tests="3">
<testcase classname="m" name="test_p4_whoever_may_can" time="5.12"><properties><property name="calls" value="140" />
</properties></testcase>
<testcase classname="m" name="test_p4_a_token_with_a_defect_opens_nothing" time="1.0"><properties>
<property name="calls" value="7" /></properties><failure message="getMe, expired: let in">…</failure></testcase>
<testcase classname="m" name="test_p4_a_table_without_its_policy_is_found[domains]" time="0">
<error message="failed on setup">…</error></testcase>
</testsuite></testsuites>"""


def test_a_report_is_read_group_by_group() -> None:
    passed, failed, unbegun = read(REPORT)
    assert (passed.check, passed.ok, passed.figures) == ("whoever may can", True, {"calls": 140, "seconds": 5.1})
    assert (failed.ok, failed.figures["told"]) == (False, "getMe, expired: let in")
    assert (unbegun.check, unbegun.ok) == ("a table without its policy is found[domains]", False)
    assert unbegun.figures["calls"] == 0


def test_an_empty_report_tells_of_nothing() -> None:
    assert list(read("<testsuites/>")) == []
