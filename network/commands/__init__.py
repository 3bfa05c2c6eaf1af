from network.commands import networks, offerings, physical

__all__ = ["networks", "offerings", "physical"]
