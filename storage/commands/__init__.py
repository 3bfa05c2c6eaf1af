from storage.commands import isos, offerings, pools, snapshots, stores, templates, volumes

__all__ = ["isos", "offerings", "pools", "snapshots", "stores", "templates", "volumes"]
