import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    # The table is as new as this: there are no rows whose ids would have to differ.

    dependencies = [
        ('accounts', '0010_project_moves'),
    ]

    operations = [
        migrations.AddField(
            model_name='samlauthorization',
            name='uuid',
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True),
        ),
    ]
