#!/usr/bin/env bash
# Writes one backup of the service's database, looks whether it can be read, and removes the oldest ones.
#
#   deploy/backup.sh [--keep NUMBER] [--test-restore] FOLDER
#
#   FOLDER           where backups lie; best on another machine's disk. Files are for this user alone.
#   --keep NUMBER    how many stay, this one included (14)
#   --test-restore   restore it into a database of its own beside the real one, count its blogs, and drop it again
#
# The database is the one of DATABASE_DIRECT_URL or DATABASE_URL, or of PGHOST, PGDATABASE and so on. pg_dump must not be older
# than the server. docs/backup.md says when to run it, and what to do with a file.
set -euo pipefail
umask 077
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=deploy/connection.sh
. "$here/connection.sh"

usage() { sed -n '2,12s/^# \{0,1\}//p' "$0"; }

keep=14 test_restore='' folder=''
while [ $# -gt 0 ]; do
    case $1 in
        --keep) keep=${2:-}; shift ;;
        --test-restore) test_restore=yes ;;
        -h | --help) usage; exit 0 ;;
        -*) usage >&2; fail "$1 is no option." ;;
        *) [ -z "$folder" ] || fail "one folder only"; folder=$1 ;;
    esac
    shift
done
[ -n "$folder" ] || { usage >&2; exit 2; }
[[ $keep =~ ^[1-9][0-9]*$ ]] || fail "--keep takes a number, at least 1."
need pg_dump pg_restore
connect
mkdir -p "$folder"

file=$folder/${PGDATABASE:-blogs}-$(date -u +%Y%m%dT%H%M%SZ).dump
trap 'rm -f "$file.part"' EXIT
pg_dump --format=custom --no-owner --no-privileges --file="$file.part"

# A dump that broke off has no table of contents, or lacks the tables that come last.
contents=$(pg_restore --list "$file.part")
for table in blog_generations credits_credit workers_installation; do
    grep -q "TABLE DATA [^ ]* $table " <<<"$contents" || fail "the backup lacks the table $table; was migrate run?"
done

if [ -n "$test_restore" ]; then
    need createdb dropdb psql
    need_createdb
    copy=${PGDATABASE:-blogs}_test_restore_$$
    trap 'rm -f "$file.part"; dropdb --if-exists "$copy"' EXIT
    make_database "$copy" "${PGDATABASE:-blogs}"
    pg_restore --exit-on-error --no-owner --no-privileges --dbname="$copy" "$file.part"
    blogs=$(psql --dbname="$copy" -XAtc 'SELECT count(*) FROM blog_generations')
    dropdb "$copy"
    trap 'rm -f "$file.part"' EXIT
    echo "Restored once for a test: $blogs blogs."
fi

sync "$file.part"
mv "$file.part" "$file"
echo "$file: $(wc -c <"$file") bytes"

# Their names are in the order of time.
backups=("$folder/${PGDATABASE:-blogs}"-[0-9]*T[0-9]*Z.dump)
for old in "${backups[@]:0:$((${#backups[@]} > keep ? ${#backups[@]} - keep : 0))}"; do
    rm -- "$old"
    echo "removed $old"
done
