"""The one range a pod had becomes a row of its own."""

import ipaddress

from django.db import migrations


def move(apps, schema_editor):
    ranges = apps.get_model("infra", "PodIpRange")
    for pod in apps.get_model("infra", "Pod").objects.filter(removed=None).exclude(start_ip=""):
        ranges.objects.create(
            pod=pod, gateway=pod.gateway, netmask=pod.netmask, start_ip=pod.start_ip,
            end_ip=pod.end_ip or pod.start_ip,
            first=int(ipaddress.IPv4Address(pod.start_ip)),
            last=int(ipaddress.IPv4Address(pod.end_ip or pod.start_ip)),
        )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("infra", "0006_pod_ranges")]
    operations = [migrations.RunPython(move, migrations.RunPython.noop)]
