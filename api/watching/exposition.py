"""Prometheus' text format (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True)
class Family:
    """A metric: ``suffix`` of its samples' names is empty but for histograms'."""

    name: str
    kind: str  # gauge, counter, histogram
    help: str
    samples: Iterable[tuple[str, Mapping[str, str], float]]


def gauge(name: str, help: str, samples: Iterable[Sample]) -> Family:
    return Family(name, "gauge", help, (("", labels, value) for labels, value in samples))


def text(families: Iterable[Family]) -> Iterator[str]:
    """A piece for each metric."""
    for family in families:
        lines = [f"# HELP {family.name} {_help(family.help)}\n# TYPE {family.name} {family.kind}\n"]
        lines += [
            f"{family.name}{suffix}{_labels(labels)} {_number(value)}\n"
            for suffix, labels, value in family.samples
        ]
        yield "".join(lines)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_value(v)}"' for name, v in labels.items()) + "}"


def _value(text: str) -> str:
    return str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
