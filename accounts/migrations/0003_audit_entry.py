"""The audit log, and the trigger that keeps every row as it was written."""

from django.db import migrations, models


KEEP = """
CREATE FUNCTION accounts_auditentry_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER accounts_auditentry_keep BEFORE UPDATE OR DELETE ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION accounts_auditentry_keep();
"""
KEEP_NOT = """
DROP TRIGGER accounts_auditentry_keep ON accounts_auditentry;
DROP FUNCTION accounts_auditentry_keep();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_account_ids_from_80000001'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_index=True, verbose_name='time')),
                ('actor_id', models.BigIntegerField(null=True, verbose_name='user id')),
                ('actor_name', models.CharField(max_length=150, verbose_name='who')),
                ('address', models.CharField(max_length=64, verbose_name='from')),
                ('action', models.CharField(max_length=48, verbose_name='action')),
                ('target', models.CharField(max_length=128, verbose_name='what')),
                ('outcome', models.CharField(choices=[('asked', 'asked'), ('done', 'done'), ('refused', 'refused'), ('unknown', 'unknown')], max_length=8, verbose_name='outcome')),
                ('code', models.IntegerField(null=True, verbose_name='code')),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                ('before', models.JSONField(default=dict, verbose_name='before')),
                ('after', models.JSONField(default=dict, verbose_name='after')),
                ('seq', models.BigIntegerField(null=True, verbose_name='sequence')),
                ('asked', models.BigIntegerField(null=True)),
                ('hash_before', models.CharField(max_length=64)),
                ('hash', models.CharField(max_length=64, unique=True, verbose_name='seal')),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit log',
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['target', '-id'], name='audit_by_target'), models.Index(condition=models.Q(('asked__isnull', False)), fields=['asked'], name='audit_by_asked')],
            },
        ),
        migrations.RunSQL(KEEP, reverse_sql=KEEP_NOT),
    ]
