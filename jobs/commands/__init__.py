from jobs.commands import asyncjobs, events, troubles

__all__ = ["asyncjobs", "events", "troubles"]
