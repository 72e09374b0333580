# Read by backup.sh and restore.sh: which server and database, in the variables that PostgreSQL's own programs read.
#
# DATABASE_DIRECT_URL, else DATABASE_URL, as the service has them: in the environment, in the file that DATABASE_URL_FILE names, or
# in the release's .env. pg_dump can't work through PgBouncer. With none, PGHOST, PGDATABASE, PGPASSFILE and so on hold as they are.
# A password stands in the environment, where only this user can read it, and never on a command line, which all users can.
# shellcheck shell=bash

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# %40 and the like, as addresses write what has a meaning in them.
decoded() {
    local text=${1//\\/\\\\}
    printf '%b' "${text//%/\\x}"
}

# The value of a setting, as the service reads it.
setting() {
    local file=${1}_FILE value
    value=${!1:-} file=${!file:-}
    if [ -z "$value$file" ]; then
        value=$(in_dotenv "$1") file=$(in_dotenv "${1}_FILE")
    fi
    if [ -n "$value" ]; then
        printf '%s' "$value"
    elif [ -n "$file" ]; then
        cat "$file"
    fi
}

# What the release's .env says of a name.
in_dotenv() {
    local dotenv=${here:?}/../.env line
    [ -r "$dotenv" ] && [ "${READ_DOTENV:-true}" != false ] || return 0
    line=$(grep -E "^(export )?$1=" "$dotenv" | tail -n 1) || return 0
    line=${line#*=} line=${line#[\"\']}
    printf '%s' "${line%[\"\']}"
}

connect() {
    local url
    url=$(setting DATABASE_DIRECT_URL)
    [ -n "$url" ] || url=$(setting DATABASE_URL)
    [ -n "$url" ] || return 0
    local pattern='^(postgres|postgresql|pgsql)://(([^:@/]*)(:([^@/]*))?@)?(\[[^]]*\]|[^:/?]*)(:([0-9]+))?/([^?]*)(\?(.*))?$'
    [[ $url =~ $pattern ]] || fail "DATABASE_URL is not understood; it begins as ${url%%:*}:"
    local user=${BASH_REMATCH[3]} password=${BASH_REMATCH[5]} host=${BASH_REMATCH[6]} port=${BASH_REMATCH[8]}
    local name=${BASH_REMATCH[9]} options=${BASH_REMATCH[11]}
    host=${host#[} host=${host%]}
    PGDATABASE=$(decoded "$name")
    export PGDATABASE
    if [ -n "$user" ]; then PGUSER=$(decoded "$user"); export PGUSER; fi
    if [ -n "$password" ]; then PGPASSWORD=$(decoded "$password"); export PGPASSWORD; fi
    if [ -n "$host" ]; then PGHOST=$(decoded "$host"); export PGHOST; fi
    if [ -n "$port" ]; then export PGPORT=$port; fi
    local option
    for option in ${options//&/ }; do
        case $option in
            sslmode=*) export PGSSLMODE=${option#*=} ;;
            sslrootcert=*) PGSSLROOTCERT=$(decoded "${option#*=}"); export PGSSLROOTCERT ;;
            *) ;; # Django's own, such as the pool's.
        esac
    done
    unset DATABASE_URL DATABASE_DIRECT_URL
}

# Run SQL from the standard input in the server's own database, since the service's may not be there. Options are psql's.
server() { PGDATABASE=postgres psql -XAt --set=ON_ERROR_STOP=1 "$@"; }

# End, and say what to do, where the role may make no database.
need_createdb() {
    [ "$(server <<<'SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user')" = t ] ||
        fail "the role may make no database. Nothing was changed; as a superuser run: ALTER ROLE ${PGUSER:-…} CREATEDB"
}

# Make an empty database in UTF8, whatever the server's default is: its name, and the name of one whose locale it takes.
make_database() {
    local locale
    locale=$(server --set=like="$2" <<<"SELECT datcollate FROM pg_database WHERE datname = :'like' AND datcollate = datctype
        AND pg_encoding_to_char(encoding) = 'UTF8'")
    createdb --template=template0 --encoding=UTF8 --locale="${locale:-C.UTF-8}" "$1"
}

need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || fail "$program is missing; it comes with PostgreSQL's client (postgresql-client)."
    done
}
