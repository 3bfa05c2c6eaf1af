#!/usr/bin/env python3
"""Makes ``commands.json.gz`` from a ``commands.jsonl`` description of the CloudStack API.

Usage: ``reduce.py path/to/commands.jsonl path/to/usage.csv``. Descriptions are left behind; what
stays are the names, types and flags that clients depend on, and how much clients use a command.
Response objects are written once by name, since objects of one name have the same fields. The
output is the same for the same input.
"""

import csv
import gzip
import json
import sys
from pathlib import Path
from typing import Any

_COMMAND = ("envelope", "key", "list", "createid", "since", "post", "plugin", "roles")
_PARAM = ("of", "entity", "since", "length", "roles", "adminonly")


def reduced(lines: list[str], scores: dict[str, int]) -> dict[str, Any]:
    """``{"commands": {name: …}, "objects": {response object: [[name, type, object], …]}}``."""
    commands: dict[str, Any] = {}
    objects: dict[str, Any] = {}
    for line in lines:
        row = json.loads(line)
        entry = {k: row[k] for k in _COMMAND if row.get(k)}
        entry["async"] = row["isasync"]
        entry["object"] = row["responseobject"]
        if scores.get(row["name"]):
            entry["score"] = scores[row["name"]]
        entry["params"] = [_param(p) for p in row["params"]]
        commands[row["name"]] = entry
        _remember(objects, row["responseobject"], row["response"])
    return {"commands": commands, "objects": dict(sorted(objects.items()))}


def _param(row: dict[str, Any]) -> dict[str, Any]:
    short = {k: row[k] for k in _PARAM if row.get(k)}
    return {"name": row["name"], "type": row["type"], "required": row["required"], **short}


def _remember(objects: dict[str, Any], name: str, fields: list[dict[str, Any]]) -> None:
    """A nested object whose fields were not spelled out again does not erase known ones."""
    if name not in objects or len(fields) > len(objects[name]):
        objects[name] = [[f["name"], f["type"], f.get("object", "")] for f in fields]
    for field in fields:
        if field.get("response"):
            _remember(objects, field["object"], field["response"])


def main(source: str, usage: str) -> None:
    with Path(usage).open(newline="") as file:
        scores = {row["command"]: int(row["score"]) for row in csv.DictReader(file)}
    data = reduced(Path(source).read_text().splitlines(), scores)
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
    target = Path(__file__).with_name("commands.json.gz")
    # No time stamp and no name inside: the same input gives the same bytes.
    target.write_bytes(gzip.compress(text, 9, mtime=0))
    print(f"{target.name}: {len(data['commands'])} commands, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
