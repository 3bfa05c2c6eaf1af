import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Worker',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=255, unique=True)),
                ('machine', models.CharField(max_length=64)),
                ('pid', models.PositiveIntegerField()),
                ('heartbeat', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('started', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('removed', models.DateTimeField(blank=True, editable=False, null=True)),
                ('alive', models.BooleanField(default=True, editable=False, null=True)),
                ('type', models.CharField(max_length=64)),
                ('level', models.CharField(default='INFO', max_length=8)),
                ('state', models.CharField(default='Completed', max_length=10)),
                ('description', models.TextField()),
                ('resource_type', models.CharField(blank=True, max_length=64)),
                ('resource_uuid', models.UUIDField(db_index=True, null=True)),
                ('resource_name', models.CharField(blank=True, max_length=255)),
                ('archived', models.BooleanField(default=False)),
                ('correlation_id', models.CharField(blank=True, db_index=True, max_length=36)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='accounts.account')),
                ('domain', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.domain')),
                ('parent', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='jobs.event')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.user')),
            ],
        ),
        migrations.CreateModel(
            name='AsyncJob',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('removed', models.DateTimeField(blank=True, editable=False, null=True)),
                ('alive', models.BooleanField(default=True, editable=False, null=True)),
                ('command', models.CharField(max_length=100)),
                ('plan', models.CharField(max_length=200)),
                ('subject', models.JSONField()),
                ('args', models.JSONField(default=dict)),
                ('resources', models.JSONField(default=list)),
                ('sealed', models.JSONField(default=dict)),
                ('response_row', models.JSONField(null=True)),
                ('event_type', models.CharField(blank=True, max_length=64)),
                ('instance_type', models.CharField(blank=True, max_length=64)),
                ('instance_uuid', models.UUIDField(db_index=True, null=True)),
                ('instance_name', models.CharField(blank=True, max_length=255)),
                ('status', models.PositiveSmallIntegerField(choices=[(0, 'Pending'), (1, 'Done'), (2, 'Failed'), (3, 'Cancelled')], default=0)),
                ('phase', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('unwinding', 'Unwinding'), ('ended', 'Ended')], default='queued', max_length=12)),
                ('due', models.DateTimeField(default=django.utils.timezone.now)),
                ('claim', models.PositiveIntegerField(default=0)),
                ('stumbles', models.PositiveIntegerField(default=0)),
                ('cancel_asked', models.BooleanField(default=False)),
                ('error_code', models.PositiveSmallIntegerField(default=0)),
                ('error_text', models.TextField(blank=True)),
                ('error_details', models.JSONField(null=True)),
                ('note', models.TextField(blank=True)),
                ('started', models.DateTimeField(null=True)),
                ('completed', models.DateTimeField(null=True)),
                ('correlation_id', models.CharField(db_index=True, max_length=36)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='accounts.account')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.user')),
                ('waits_for', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='jobs.asyncjob')),
                ('event', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='jobs.event')),
                ('worker', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='jobs', to='jobs.worker')),
            ],
        ),
        migrations.CreateModel(
            name='JobStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('index', models.PositiveSmallIntegerField()),
                ('name', models.CharField(max_length=100)),
                ('title', models.CharField(max_length=200)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('undoing', 'Undoing'), ('undone', 'Undone')], default='pending', max_length=12)),
                ('percent', models.FloatField(default=0)),
                ('note', models.TextField(blank=True)),
                ('result', models.JSONField(null=True)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('first_failed', models.DateTimeField(null=True)),
                ('started', models.DateTimeField(null=True)),
                ('completed', models.DateTimeField(null=True)),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='jobs.asyncjob')),
            ],
            options={
                'ordering': ['index'],
            },
        ),
        migrations.CreateModel(
            name='Lease',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource', models.CharField(max_length=100, unique=True)),
                ('number', models.PositiveBigIntegerField(default=0)),
                ('job', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='leases', to='jobs.asyncjob')),
            ],
        ),
        migrations.CreateModel(
            name='Trouble',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('kind', models.CharField(max_length=64)),
                ('resource_type', models.CharField(max_length=64)),
                ('resource_uuid', models.UUIDField()),
                ('resource_name', models.CharField(blank=True, max_length=255)),
                ('sentence', models.TextField()),
                ('evidence', models.JSONField(default=dict)),
                ('repair', models.CharField(blank=True, max_length=100)),
                ('first_seen', models.DateTimeField(default=django.utils.timezone.now)),
                ('last_seen', models.DateTimeField(default=django.utils.timezone.now)),
                ('closed', models.DateTimeField(db_index=True, null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('kind', 'resource_uuid'), name='trouble_once')],
            },
        ),
        migrations.CreateModel(
            name='Schedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('interval_s', models.PositiveIntegerField()),
                ('due', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('last_run', models.DateTimeField(null=True)),
                ('last_error', models.TextField(blank=True)),
                ('last_duration_ms', models.PositiveIntegerField(default=0)),
                ('worker', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='jobs.worker')),
            ],
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['account', 'created'], name='event_by_account'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['created'], name='event_by_time'),
        ),
        migrations.AddConstraint(
            model_name='jobstep',
            constraint=models.UniqueConstraint(fields=('job', 'index'), name='step_once'),
        ),
        migrations.AddIndex(
            model_name='asyncjob',
            index=models.Index(fields=['status', 'worker', 'due'], name='job_claim'),
        ),
        migrations.AddIndex(
            model_name='asyncjob',
            index=models.Index(fields=['account', 'created'], name='job_by_account'),
        ),
        migrations.AddIndex(
            model_name='asyncjob',
            index=models.Index(fields=['completed'], name='job_completed'),
        ),
    ]
