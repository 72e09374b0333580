#!/usr/bin/env bash
# Restores a backup into the database that the service uses.
#
#   deploy/restore.sh [--replace] [--jobs NUMBER] FILE
#
#   FILE             what deploy/backup.sh wrote
#   --replace        the database holds tables: give it another name, which stays, and make an empty one in its place
#   --jobs NUMBER    connections that load at once (2)
#
# The database is the one of DATABASE_DIRECT_URL or DATABASE_URL, or of PGHOST, PGDATABASE and so on; it is made if it isn't
# there. Stop all web processes and workers first. Workers start only when `manage.py after_restore` ran: docs/backup.md
set -euo pipefail
umask 077
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=deploy/connection.sh
. "$here/connection.sh"

usage() { sed -n '2,12s/^# \{0,1\}//p' "$0"; }

replace='' jobs=2 file=''
while [ $# -gt 0 ]; do
    case $1 in
        --replace) replace=yes ;;
        --jobs) jobs=${2:-}; shift ;;
        -h | --help) usage; exit 0 ;;
        -*) usage >&2; fail "$1 is no option." ;;
        *) [ -z "$file" ] || fail "one file only"; file=$1 ;;
    esac
    shift
done
[ -n "$file" ] || { usage >&2; exit 2; }
[ -r "$file" ] || fail "$file can't be read."
[[ $jobs =~ ^[1-9][0-9]*$ ]] || fail "--jobs takes a number, at least 1."
need pg_restore psql createdb dropdb
connect
name=${PGDATABASE:?names the database}
pg_restore --list "$file" >/dev/null || fail "$file is no backup that pg_restore can read; nothing was changed."

if [ "$(server --set=name="$name" <<<"SELECT count(*) FROM pg_database WHERE datname = :'name'")" = 1 ]; then
    tables=$(psql -XAtc "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    if [ "$tables" != 0 ]; then
        [ -n "$replace" ] || fail "the database $name holds $tables tables. Nothing was changed; --replace puts them aside."
        need_createdb
        [ "$(server --set=name="$name" <<<"SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = :'name'")" = t ] ||
            fail "the role does not own the database $name. Nothing was changed; as a superuser run: ALTER DATABASE $name OWNER TO ${PGUSER:-…}"
        # The server takes a moment to notice that a process was killed.
        for _ in 1 2 3 4 5; do
            others=$(server --set=name="$name" <<<"SELECT count(*) FROM pg_stat_activity WHERE datname = :'name'")
            [ "$others" != 0 ] || break
            sleep 1
        done
        [ "$others" = 0 ] || fail "$others sessions use the database $name. Stop web processes, workers and poolers first."
        aside=${name}_before_$(date -u +%Y%m%dT%H%M%SZ)
        empty=${name}_empty_$$
        make_database "$empty" "$name"
        server --quiet --single-transaction --set=name="$name" --set=aside="$aside" --set=empty="$empty" <<'EOF' || {
ALTER DATABASE :"name" RENAME TO :"aside";
ALTER DATABASE :"empty" RENAME TO :"name";
EOF
            dropdb "$empty"
            fail "the database $name could not be put aside; it is as it was."
        }
        echo "The database of before is now $aside; drop it when you are sure."
    fi
else
    need_createdb
    make_database "$name" "$name"
fi

pg_restore --exit-on-error --no-owner --no-privileges --jobs="$jobs" --dbname="$name" "$file"
psql -Xqc 'ANALYZE'
echo "Restored. Now, with the release's environment:"
echo "  python manage.py migrate"
echo "  python manage.py after_restore      # workers start only after it"
