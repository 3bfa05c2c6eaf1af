import io
import logging

from django.conf import settings

from cloudportal import logs


def written(text, *given):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.Line("%(levelname)s %(message)s"))
    handler.handle(logging.LogRecord("x", logging.WARNING, "f", 1, text, given, None))
    return stream.getvalue()


def test_nobody_writes_a_second_line_into_the_log():
    forged = "x\n2026-01-01 INFO all is well\r\x1b[31m\u2028"
    assert written("%s failed", forged) == (
        "WARNING x\\n2026-01-01 INFO all is well\\r\\x1b[31m\\u2028 failed\n"
    )
    assert written("研发 %s", "ok") == "WARNING 研发 ok\n"


def test_the_portals_own_log_is_written_so():
    assert settings.LOGGING["formatters"]["line"]["class"] == "cloudportal.logs.Line"
