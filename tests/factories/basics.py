"""What all factories need."""

import itertools

PASSWORD = "correct horse"
_number = itertools.count(1)


def next_number() -> int:
    return next(_number)


def unique(word: str) -> str:
    return f"{word}-{next_number()}"
