"""With ``-p tests.plugins.noskip`` a skipped test is a failed one. CI runs so: a machine that
lacks what a test needs must not look like a machine on which the test passes."""

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return _without_skip((yield), item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return _without_skip((yield), collector.nodeid)


def _without_skip(report, nodeid):
    # An expected failure is reported as skipped too, but it did run.
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{nodeid} was skipped where nothing may be: {reason}"
    return report
