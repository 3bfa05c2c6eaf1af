from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0011_saml_authorisations"),
    ]

    operations = [
        migrations.AddField(
            model_name="letter",
            name="about",
            field=models.CharField(blank=True, max_length=16),
        ),
    ]
