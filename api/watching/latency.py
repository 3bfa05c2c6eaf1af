"""How long requests take, counted in this process: a histogram for each kind of request."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator

from django.http import HttpRequest, HttpResponse

from api.watching.exposition import Family

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Histogram:
    """Counts by (kind, class of status): how many fell below each bound, and all seconds."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._counts: dict[tuple[str, str], list[int]] = {}
        self._seconds: dict[tuple[str, str], float] = {}

    def observe(self, kind: str, status: int, seconds: float) -> None:
        key = (kind, f"{status // 100}xx")
        with self._guard:
            counts = self._counts.setdefault(key, [0] * (len(BOUNDS_S) + 1))
            counts[bisect_left(BOUNDS_S, seconds)] += 1
            self._seconds[key] = self._seconds.get(key, 0.0) + seconds

    def family(self) -> Family:
        with self._guard:
            counts = {key: list(row) for key, row in self._counts.items()}
            seconds = dict(self._seconds)
        return Family(
            "cloudportal_request_seconds",
            "histogram",
            "How long requests to this process took, by kind and class of status.",
            _samples(counts, seconds),
        )


def _samples(
    counts: dict[tuple[str, str], list[int]], seconds: dict[tuple[str, str], float]
) -> Iterator[tuple[str, dict[str, str], float]]:
    for (kind, code), row in sorted(counts.items()):
        labels, below = {"kind": kind, "code": code}, 0
        for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), row, strict=True):
            below += count
            yield "_bucket", {**labels, "le": bound}, below
        yield "_sum", labels, seconds[kind, code]
        yield "_count", labels, below


REQUESTS = Histogram()


class LatencyMiddleware:
    """Outermost, so that it times everything a request waits for in here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        REQUESTS.observe(kind_of(request.path), response.status_code, time.perf_counter() - began)
        return response


def kind_of(path: str) -> str:
    if path.startswith("/client/"):
        return "api"
    if path.startswith(("/static/", "/icons.svg")):
        return "static"
    return "watch" if path in ("/metrics", "/healthz", "/readyz") else "page"
