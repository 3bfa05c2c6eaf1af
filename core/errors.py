"""What can be wrong, in CloudStack's codes and a sentence for the person who reads it.

Codes: the HTTP status is ``code``; ``cs_code`` is the finer ``cserrorcode`` of the wire.
"""

from __future__ import annotations

from typing import Any


class CloudError(Exception):
    """Base of every refusal. ``details`` may hold a table that explains it (plain JSON)."""

    code = 530
    cs_code = 4250

    def __init__(self, message: str, *, details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InternalError(CloudError):
    """A defect of ours; the reader gets a reference number, the log gets everything."""


class BadMap(CloudError):
    code, cs_code = 430, 9999


class InvalidParameter(CloudError):
    code, cs_code = 431, 4350


class MissingParameter(InvalidParameter):
    def __init__(self, command: str, name: str) -> None:
        # Clients match this text (see the wire notes in docs/api.md).
        super().__init__(
            f"Unable to execute API command {command.lower()} due to missing parameter {name}"
        )


class NoSuchObject(InvalidParameter):
    """Unknown, or someone else's: the two must look the same, and Terraform reads the text."""

    def __init__(self, command: str, parameter: str, value: str) -> None:
        super().__init__(
            f"Unable to execute API command {command.lower()} due to invalid value. "
            f"Invalid parameter {parameter} value={value} due to incorrect long value format, "
            "or entity does not exist"
        )


class NotAllowedInState(CloudError):
    """The thing is in a state in which this cannot be done (CloudStack answers 431 there)."""

    code, cs_code = 431, 4350


class UnavailableCommand(CloudError):
    code, cs_code = 432, 4555


class NotAuthenticated(CloudError):
    code, cs_code = 401, 0

    def __init__(
        self,
        message: str = "unable to verify user credentials and/or request signature",
    ) -> None:
        super().__init__(message)


class SecondFactorNeeded(CloudError):
    """The password was right; until the second factor is proven, nothing else is allowed."""

    code, cs_code = 511, 9999


class LoginFailed(CloudError):
    code, cs_code = 531, 4290


class PermissionDenied(CloudError):
    code, cs_code = 531, 4365


class AccountLimit(CloudError):
    code, cs_code = 532, 4280


class InsufficientCapacity(CloudError):
    """No place fits; ``details`` is the table of every place and why it was refused."""

    code, cs_code = 533, 4320


class ResourceUnavailable(CloudError):
    code, cs_code = 534, 4380


class LimitExceeded(CloudError):
    code, cs_code = 535, 4370


class InUse(CloudError):
    code, cs_code = 536, 4375


class RuleConflict(CloudError):
    code, cs_code = 537, 4360


class Throttled(CloudError):
    code, cs_code = 429, 4545


class WrongMethod(CloudError):
    code, cs_code = 405, 9999


class BadRequest(CloudError):
    code, cs_code = 400, 9999
