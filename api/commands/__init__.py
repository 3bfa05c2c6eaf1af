from api.commands import discovery, nothing_yet, signing_in  # noqa: F401
