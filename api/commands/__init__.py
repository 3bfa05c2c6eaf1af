from api.commands import discovery, signing_in  # noqa: F401
