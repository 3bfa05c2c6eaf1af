from django.db import migrations


def fill(apps, schema_editor):
    rows = apps.get_model("compute", "VirtualMachine").objects.using(schema_editor.connection.alias)
    rows.filter(account__is_project=True).update(of_project=True)


class Migration(migrations.Migration):
    dependencies = [("compute", "0012_of_project")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
