"""What people pin to things of any kind: tags, comments, icons, details.

``types`` knows what kinds of things there are; each context registers its own in its
``resource_types.py``. Pinned rows name their thing by its uuid, so that they can stand below
all contexts and every list can show them.
"""
