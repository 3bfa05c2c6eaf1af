import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):
    """Tags come from compute with their rows; comments, icons and details are new."""

    dependencies = [
        ('accounts', '0004_signing_in'),
        ('compute', '0004_tags_leave'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='ResourceTag',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                        ('resource_type', models.CharField(max_length=64)),
                        ('resource_uuid', models.UUIDField()),
                        ('key', models.CharField(max_length=255)),
                        ('value', models.CharField(blank=True, max_length=255)),
                        ('customer', models.CharField(blank=True, max_length=255)),
                        ('created', models.DateTimeField(default=django.utils.timezone.now)),
                        ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tags', to='accounts.account')),
                    ],
                    options={
                        'verbose_name': 'tag',
                        'indexes': [models.Index(fields=['resource_type', 'key', 'value'], name='tag_lookup')],
                        'constraints': [models.UniqueConstraint(fields=('resource_uuid', 'key'), name='tag_key_once')],
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name='ResourceIcon',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('resource_type', models.CharField(max_length=64)),
                ('resource_uuid', models.UUIDField(unique=True)),
                ('png_base64', models.TextField()),
                ('updated', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'verbose_name': 'icon',
            },
        ),
        migrations.CreateModel(
            name='ResourceDetail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('resource_type', models.CharField(max_length=64)),
                ('resource_uuid', models.UUIDField()),
                ('name', models.CharField(max_length=255)),
                ('value', models.TextField(blank=True)),
                ('display', models.BooleanField(default=True)),
            ],
            options={
                'verbose_name': 'detail',
                'constraints': [models.UniqueConstraint(fields=('resource_uuid', 'name'), name='detail_name_once')],
            },
        ),
        migrations.CreateModel(
            name='Annotation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('username', models.CharField(max_length=255)),
                ('resource_type', models.CharField(max_length=64)),
                ('resource_uuid', models.UUIDField()),
                ('resource_name', models.CharField(blank=True, max_length=255)),
                ('text', models.TextField()),
                ('admins_only', models.BooleanField(default=False)),
                ('created', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('removed', models.DateTimeField(blank=True, editable=False, null=True)),
                ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.account')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.user')),
            ],
            options={
                'verbose_name': 'comment',
                'indexes': [models.Index(fields=['resource_uuid', 'removed'], name='comment_of_thing')],
            },
        ),
    ]
