# Sourced: MariaDB and Redis of our own, without a service manager, on 127.0.0.1 only.
# Each lives in a folder under $services with its password in a file only its owner reads.

services=${services:-$CLOUDPORTAL_DATA/services}

# start_mariadb [OPTION...]: sets mariadb_url, mysql://user:password@127.0.0.1:port/cloudportal.
# The user may create any database, which Django's tests and `initdb` need.
start_mariadb() {
    local home=$services/mariadb
    mkdir -p "$home"
    (umask 077; [[ -s $home/password ]] || new_password > "$home/password")
    if ! is_running "$home/pid"; then
        [[ -d $home/data/mysql ]] || create_mariadb "$home"
        free_port 13306 > "$home/port"
        start_recorded "$home/pid" "$home/mariadb.log" mariadbd --no-defaults \
            --datadir="$home/data" --socket=server.sock --pid-file=server.pid \
            --user="$(id -un)" --bind-address=127.0.0.1 --port="$(cat "$home/port")" \
            --character-set-server=utf8mb4 --collation-server=utf8mb4_unicode_ci \
            --innodb-buffer-pool-size=256M --max-connections=200 "$@"
    fi
    mariadb_url="mysql://cloudportal:$(cat "$home/password")@127.0.0.1:$(cat "$home/port")/cloudportal"
    wait_for_service 30 "$home/pid" mariadb_answers "$home" || die "MariaDB does not answer; see $home/mariadb.log"
}

mariadb_answers() {
    MYSQL_PWD=$(cat "$1/password") mariadb --no-defaults -u cloudportal \
        -h 127.0.0.1 -P "$(cat "$1/port")" -e 'SELECT 1' >/dev/null 2>&1
}

# --bootstrap reads SQL without listening anywhere: there is never a server without a password.
create_mariadb() {
    local home=$1 password
    password=$(cat "$home/password")
    rm -rf "$home/data"
    mariadb-install-db --no-defaults --datadir="$home/data" --user="$(id -un)" \
        --auth-root-authentication-method=socket --skip-test-db >> "$home/mariadb.log" 2>&1 ||
        die "mariadb-install-db failed; see $home/mariadb.log"
    mariadbd --no-defaults --datadir="$home/data" --user="$(id -un)" --bootstrap \
        >> "$home/mariadb.log" 2>&1 <<END || die "creating the user failed; see $home/mariadb.log"
FLUSH PRIVILEGES;
CREATE DATABASE cloudportal CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE USER cloudportal@'127.0.0.1' IDENTIFIED BY '$password';
CREATE USER cloudportal@localhost IDENTIFIED BY '$password';
GRANT ALL ON *.* TO cloudportal@'127.0.0.1';
GRANT ALL ON *.* TO cloudportal@localhost;
END
}

stop_mariadb() { stop_recorded "$services/mariadb/pid" 30; }

# start_redis: sets redis_url, redis://:password@127.0.0.1:port/0. Nothing is kept on disk.
start_redis() {
    local home=$services/redis
    mkdir -p "$home"
    (umask 077; [[ -s $home/password ]] || new_password > "$home/password")
    if ! is_running "$home/pid"; then
        free_port 16379 > "$home/port"
        (umask 077; redis_configuration "$home" > "$home/redis.conf")
        start_recorded "$home/pid" "$home/redis.log" redis-server "$home/redis.conf"
    fi
    redis_url="redis://:$(cat "$home/password")@127.0.0.1:$(cat "$home/port")/0"
    wait_for_service 10 "$home/pid" redis_answers "$home" || die "Redis does not answer; see $home/redis.log"
}

redis_configuration() {
    cat <<END
bind 127.0.0.1
port $(cat "$1/port")
requirepass $(cat "$1/password")
dir $1
save ""
appendonly no
daemonize no
END
}

redis_answers() {
    [[ $(REDISCLI_AUTH=$(cat "$1/password") redis-cli -h 127.0.0.1 \
        -p "$(cat "$1/port")" ping 2>/dev/null) == PONG ]]
}

stop_redis() { stop_recorded "$services/redis/pid" 10; }
