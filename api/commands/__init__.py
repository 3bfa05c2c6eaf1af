from api.commands import discovery  # noqa: F401
