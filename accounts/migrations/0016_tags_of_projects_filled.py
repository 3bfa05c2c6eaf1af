from django.db import migrations


def fill(apps, schema_editor):
    rows = apps.get_model("accounts", "ResourceTag").objects.using(schema_editor.connection.alias)
    rows.filter(account__is_project=True).update(of_project=True)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0015_tags_of_projects")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
