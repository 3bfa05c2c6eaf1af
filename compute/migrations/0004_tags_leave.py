from django.db import migrations


class Migration(migrations.Migration):
    """Tags belong to things of every context now: accounts has them. The table is renamed, so
    no row is touched."""

    dependencies = [("compute", "0003_machines_by_zone_and_age")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.AlterModelTable("resourcetag", "accounts_resourcetag"),
            ],
            state_operations=[migrations.DeleteModel("ResourceTag")],
        ),
    ]
