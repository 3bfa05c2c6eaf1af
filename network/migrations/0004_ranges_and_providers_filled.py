"""Ranges know their zone and subnet; physical networks have the providers they worked with."""

from django.db import migrations

#: Those a physical network is made with; what was there so far used the virtual router.
PROVIDERS = {
    "VirtualRouter": ["Dhcp", "Dns", "SourceNat", "UserData"],
    "VpcVirtualRouter": [],
    "InternalLbVm": [],
    "ConfigDrive": ["UserData"],
    "SecurityGroupProvider": ["SecurityGroup"],
}
WITH_ELEMENT = ("VirtualRouter", "VpcVirtualRouter", "InternalLbVm")


def fill(apps, schema_editor):
    for row in apps.get_model("network", "IpRange").objects.select_related("network"):
        network = row.network
        row.zone_id = network.zone_id
        row.physical_network_id = network.physical_network_id
        row.gateway, row.netmask = network.gateway, network.netmask
        row.ip6_gateway, row.ip6_cidr = network.ip6_gateway, network.ip6_cidr
        row.vlan = network.vlan
        row.save()
    providers = apps.get_model("network", "NetworkServiceProvider").objects
    elements = apps.get_model("network", "ProviderElement").objects
    for physical in apps.get_model("network", "PhysicalNetwork").objects.filter(removed=None):
        for name, services in PROVIDERS.items():
            used = name == "VirtualRouter"
            made = providers.create(
                physical_network=physical, name=name, services=services,
                state="Enabled" if used else "Disabled",
            )  # fmt: skip
            if name in WITH_ELEMENT:
                elements.create(provider=made, enabled=used)


class Migration(migrations.Migration):
    dependencies = [("network", "0003_providers_and_ranges")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
