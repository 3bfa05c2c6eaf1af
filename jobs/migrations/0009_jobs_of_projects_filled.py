from django.db import migrations


def fill(apps, schema_editor):
    rows = apps.get_model("jobs", "AsyncJob").objects.using(schema_editor.connection.alias)
    rows.filter(account__is_project=True).update(of_project=True)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0008_jobs_of_projects")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
