"""Django's backend for MySQL and MariaDB, with one message less for each transaction.

Django turns autocommit off and on around a transaction, each a message to the server. After BEGIN
it stays on, and mysqlclient, which knows that from the server's last reply, says nothing.
"""

from __future__ import annotations

from django.db.backends.mysql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def _start_transaction_under_autocommit(self) -> None:
        """What Django calls in the place of turning autocommit off, where a backend has it."""
        self.connection.query("BEGIN")
