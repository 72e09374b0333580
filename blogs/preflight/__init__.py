"""Whether a process can do its work here, by its settings, this machine's clock and the database.

Each fault has a name and says what to do. They are asked for by `manage.py preflight`, by each worker and gunicorn before they
begin, and by `/health/ready`.
"""
