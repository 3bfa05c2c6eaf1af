"""Reading and writing gettext's text files: as much of the format as our catalogue uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

Key = tuple[str | None, str]

HEADER = (
    "Project-Id-Version: cloudportal\n"
    "PO-Revision-Date: 2026-11-20 00:00+0000\n"
    "Last-Translator: cloudportal\n"
    "Language-Team: zh_Hans\n"
    "Language: zh_Hans\n"
    "MIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: 8bit\n"
    "Plural-Forms: nplurals=1; plural=0;\n"
)


@dataclass
class Message:
    """``texts``: one translation, or one for each plural form."""

    context: str | None
    text: str
    plural: str | None = None
    texts: list[str] = field(default_factory=list)
    fuzzy: bool = False

    @property
    def key(self) -> Key:
        return self.context, self.text

    @property
    def is_done(self) -> bool:
        return bool(self.texts) and all(self.texts) and not self.fuzzy


def read(path: Path) -> dict[Key, Message]:
    """The messages of a file, without its header; ValueError names a line that makes no sense."""
    found = {}
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        message = _message(block)
        if message.text:
            found[message.key] = message
    return found


def _message(block: str) -> Message:
    values: dict[str, str] = {}
    name, fuzzy = "", False
    for line in block.splitlines():
        if line.startswith("#"):
            fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
        elif line.startswith('"'):
            values[name] += ast.literal_eval(line)
        elif line.strip():
            name, _space, text = line.partition(" ")
            values[name] = ast.literal_eval(text)
    texts = [values[n] for n in sorted(values) if n.startswith("msgstr")]
    return Message(
        values.get("msgctxt"), values.get("msgid", ""), values.get("msgid_plural"), texts, fuzzy
    )


def write(path: Path, messages: list[Message]) -> None:
    blocks = ['msgid ""\nmsgstr ""\n' + "\n".join(_quoted(x) for x in HEADER.splitlines(True))]
    blocks += ["\n".join(_lines(m)) for m in messages]
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def _lines(message: Message) -> Iterator[str]:
    if "%(" in message.text:
        yield "#, python-format"
    if message.context is not None:
        yield f"msgctxt {_quoted(message.context)}"
    yield f"msgid {_quoted(message.text)}"
    if message.plural is None:
        yield f"msgstr {_quoted(message.texts[0] if message.texts else '')}"
        return
    yield f"msgid_plural {_quoted(message.plural)}"
    yield f"msgstr[0] {_quoted(message.texts[0] if message.texts else '')}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t") + '"'
