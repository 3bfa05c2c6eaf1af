"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """argon2id at the first of OWASP's equal choices (19 MiB, two passes, one lane).

    Django's own 100 MiB and eight lanes would let a few sign-ins at once outgrow a small
    portal's memory.
    """

    time_cost = 2
    memory_cost = 19456
    parallelism = 1
