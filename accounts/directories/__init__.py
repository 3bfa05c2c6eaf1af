"""LDAP: whose passwords are kept in a directory, and who comes in from it.

``connection`` speaks to servers, ``searching`` knows what users and groups look like, ``links``
say which groups come in where, ``signing_in`` checks passwords and makes newcomers, ``importing``
makes users before they ever come.
"""
