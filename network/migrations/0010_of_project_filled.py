from django.db import migrations


def fill(apps, schema_editor):
    rows = apps.get_model("network", "Router").objects.using(schema_editor.connection.alias)
    rows.filter(network__account__is_project=True).update(of_project=True)


class Migration(migrations.Migration):
    dependencies = [("network", "0009_of_project")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
