from storage.upkeep import cleaning, comparing, measuring, mending, replicating

__all__ = ["cleaning", "comparing", "measuring", "mending", "replicating"]
