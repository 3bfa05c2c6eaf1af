import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("network", "0004_ranges_and_providers_filled")]
    operations = [
        migrations.AlterField(
            model_name="iprange",
            name="zone",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="ip_ranges",
                to="infra.zone",
            ),
        ),
    ]
