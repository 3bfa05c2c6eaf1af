from storage.commands import isos, metrics, offerings, pools, snapshots, stores, templates, volumes

__all__ = ["isos", "metrics", "offerings", "pools", "snapshots", "stores", "templates", "volumes"]
