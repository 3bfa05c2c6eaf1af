"""Images from outside: fetched under rules, looked at before anything opens them."""
