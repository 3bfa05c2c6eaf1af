from django.db import migrations


def fill(apps, schema_editor):
    rows = apps.get_model("network", "PublicIp").objects.using(schema_editor.connection.alias)
    rows.filter(account__is_project=True).update(of_project=True)


class Migration(migrations.Migration):
    dependencies = [("network", "0011_addresses_of_projects")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
