from django.apps import AppConfig


class CloudportalConfig(AppConfig):
    name = "cloudportal"
