"""A line of the log, and never two: what somebody sent may have line ends in it."""

from __future__ import annotations

import logging
import re

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Line(logging.Formatter):
    """Traces of errors, which follow the line, keep their own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the library's name)
        return _CONTROL.sub(lambda found: repr(found[0])[1:-1], super().formatMessage(record))
