import core.commands
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='LoginFailure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(max_length=255, unique=True)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('blocked_until', models.DateTimeField(null=True)),
                ('updated', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='Domain',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('removed', models.DateTimeField(blank=True, editable=False, null=True)),
                ('alive', models.BooleanField(default=True, editable=False, null=True)),
                ('name', models.CharField(max_length=255)),
                ('path', models.CharField(db_index=True, max_length=255)),
                ('name_path', models.CharField(max_length=2000)),
                ('level', models.PositiveIntegerField(default=0)),
                ('state', models.CharField(default='Active', max_length=16)),
                ('network_domain', models.CharField(blank=True, max_length=255)),
                ('parent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='accounts.domain')),
            ],
        ),
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('removed', models.DateTimeField(blank=True, editable=False, null=True)),
                ('alive', models.BooleanField(default=True, editable=False, null=True)),
                ('name', models.CharField(max_length=255)),
                ('state', models.CharField(default='enabled', max_length=16)),
                ('network_domain', models.CharField(blank=True, max_length=255)),
                ('details', models.JSONField(default=dict)),
                ('is_default', models.BooleanField(default=False)),
                ('api_key_access', models.CharField(default='INHERIT', max_length=8)),
                ('cleanup_needed', models.BooleanField(default=False)),
                ('domain', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='accounts.domain')),
            ],
        ),
        migrations.CreateModel(
            name='ResourceCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource', models.PositiveSmallIntegerField()),
                ('used', models.BigIntegerField(default=0)),
                ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='counts', to='accounts.account')),
                ('domain', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='counts', to='accounts.domain')),
            ],
        ),
        migrations.CreateModel(
            name='ResourceLimit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource', models.PositiveSmallIntegerField()),
                ('maximum', models.BigIntegerField()),
                ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='limits', to='accounts.account')),
                ('domain', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='limits', to='accounts.domain')),
            ],
        ),
        migrations.CreateModel(
            name='Role',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('removed', models.DateTimeField(blank=True, editable=False, null=True)),
                ('alive', models.BooleanField(default=True, editable=False, null=True)),
                ('name', models.CharField(max_length=255)),
                ('type', models.CharField(choices=[(core.commands.RoleType['ADMIN'], core.commands.RoleType['ADMIN']), (core.commands.RoleType['RESOURCE_ADMIN'], core.commands.RoleType['RESOURCE_ADMIN']), (core.commands.RoleType['DOMAIN_ADMIN'], core.commands.RoleType['DOMAIN_ADMIN']), (core.commands.RoleType['USER'], core.commands.RoleType['USER'])], max_length=16)),
                ('description', models.TextField(blank=True)),
                ('is_default', models.BooleanField(default=False)),
                ('is_public', models.BooleanField(default=True)),
                ('state', models.CharField(default='enabled', max_length=16)),
                ('rules_stamp', models.PositiveIntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('name', 'alive'), name='role_name_unique')],
            },
        ),
        migrations.AddField(
            model_name='account',
            name='role',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='accounts.role'),
        ),
        migrations.CreateModel(
            name='RoleRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('rule', models.CharField(max_length=255)),
                ('allow', models.BooleanField()),
                ('description', models.TextField(blank=True)),
                ('sort_order', models.PositiveIntegerField()),
                ('role', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='accounts.role')),
            ],
            options={
                'ordering': ['sort_order', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('removed', models.DateTimeField(blank=True, editable=False, null=True)),
                ('alive', models.BooleanField(default=True, editable=False, null=True)),
                ('username', models.CharField(max_length=255)),
                ('password', models.CharField(max_length=255)),
                ('firstname', models.CharField(max_length=255)),
                ('lastname', models.CharField(max_length=255)),
                ('email', models.CharField(blank=True, max_length=255)),
                ('timezone', models.CharField(blank=True, max_length=64)),
                ('language', models.CharField(blank=True, max_length=16)),
                ('state', models.CharField(default='enabled', max_length=16)),
                ('source', models.CharField(default='native', max_length=16)),
                ('is_default', models.BooleanField(default=False)),
                ('api_key_access', models.CharField(default='INHERIT', max_length=8)),
                ('session_epoch', models.PositiveIntegerField(default=0)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='users', to='accounts.account')),
                ('domain', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='users', to='accounts.domain')),
            ],
        ),
        migrations.CreateModel(
            name='Session',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('token_hash', models.CharField(max_length=64, unique=True)),
                ('key_hash', models.CharField(max_length=64)),
                ('epoch', models.PositiveIntegerField()),
                ('address', models.GenericIPAddressField(null=True)),
                ('created', models.DateTimeField(default=django.utils.timezone.now)),
                ('last_seen', models.DateTimeField(default=django.utils.timezone.now)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to='accounts.user')),
            ],
        ),
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255, unique=True)),
                ('sealed_secret', models.TextField()),
                ('created', models.DateTimeField(default=django.utils.timezone.now)),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='api_key', to='accounts.user')),
            ],
        ),
        migrations.AddConstraint(
            model_name='domain',
            constraint=models.UniqueConstraint(fields=('parent', 'name', 'alive'), name='domain_name_unique_in_parent'),
        ),
        migrations.AddConstraint(
            model_name='resourcecount',
            constraint=models.UniqueConstraint(fields=('account', 'resource'), name='one_count_per_account'),
        ),
        migrations.AddConstraint(
            model_name='resourcecount',
            constraint=models.UniqueConstraint(fields=('domain', 'resource'), name='one_count_per_domain'),
        ),
        migrations.AddConstraint(
            model_name='resourcecount',
            constraint=models.CheckConstraint(condition=models.Q(('account', None), ('domain', None), _connector='XOR'), name='count_has_one_holder'),
        ),
        migrations.AddConstraint(
            model_name='resourcelimit',
            constraint=models.UniqueConstraint(fields=('account', 'resource'), name='one_limit_per_account'),
        ),
        migrations.AddConstraint(
            model_name='resourcelimit',
            constraint=models.UniqueConstraint(fields=('domain', 'resource'), name='one_limit_per_domain'),
        ),
        migrations.AddConstraint(
            model_name='resourcelimit',
            constraint=models.CheckConstraint(condition=models.Q(('account', None), ('domain', None), _connector='XOR'), name='limit_has_one_holder'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.UniqueConstraint(fields=('domain', 'name', 'alive'), name='account_name_unique_in_domain'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.UniqueConstraint(fields=('domain', 'username', 'alive'), name='username_unique_in_domain'),
        ),
    ]
