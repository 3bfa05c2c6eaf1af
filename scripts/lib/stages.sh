# Sourced by test: the services stages need, and the stages themselves.

wants() { local stage; for stage in "$@"; do [[ " ${stages[*]} " == *" $stage "* ]] && return; done; return 1; }

# A service that cannot start leaves its variable empty: the tests that need it say so and skip.
start_services() {
    if wants unit-mariadb integration compat; then
        start_service MariaDB start_mariadb --innodb-flush-log-at-trx-commit=0 --skip-log-bin
    fi
    wants integration browser && start_service Redis start_redis
    wants integration browser compat && start_service libvirt start_test_libvirt
    return 0
}

start_service() {
    local name=$1 begun
    shift
    begun=$(now_ms)
    # die would end this script, so the first try is in a subshell; the second finds it running
    # and only sets variables.
    if (set -e; "$@"); then
        "$@"
        echo "  $name for the tests is up ($(seconds_since "$begun") s)"
    else
        echo "  $name for the tests did not start"
    fi
}

# Never the machine's own: tests destroy what they find.
start_test_libvirt() {
    start_private_libvirtd
    test_libvirt_uri=$CLOUDPORTAL_LIBVIRT_URI
}

stop_services() {
    local left name
    [[ -z ${test_data:-} ]] || rm -rf "$test_data"
    if is_running "$services/libvirt/pid"; then
        left=$(virsh -q -c "${test_libvirt_uri:-}" list --all --name 2>/dev/null | sed '/^$/d' || true)
        [[ -z $left ]] || echo "The tests left domains behind:" $left >&2
        for name in $left; do
            virsh -q -c "$test_libvirt_uri" destroy "$name" >/dev/null 2>&1 || true
            virsh -q -c "$test_libvirt_uri" undefine "$name" --nvram >/dev/null 2>&1 || true
        done
        stop_private_libvirtd
        rm -rf "$(dirname "$(libvirt_run_folder)")"
        remove_cgroup "$(basename "$(dirname "$(libvirt_run_folder)")")"
    fi
    stop_redis
    stop_mariadb
}

# Tests get a throw-away data folder, in /tmp because socket names must stay short, and know
# the real one only by its images.
use_test_environment() {
    test_data=$(mktemp -d -t cloudportal-test-XXXXXX)
    export CLOUDPORTAL_TEST_IMAGES=$CLOUDPORTAL_DATA/images
    export CLOUDPORTAL_TEST_MARIADB_URL=${mariadb_url:-}
    export CLOUDPORTAL_TEST_REDIS_URL=${redis_url:-}
    export CLOUDPORTAL_TEST_LIBVIRT_URI=${test_libvirt_uri:-}
    export PYTHONDONTWRITEBYTECODE=1
    unset CLOUDPORTAL_DATABASE_URL CLOUDPORTAL_REDIS_URL CLOUDPORTAL_LISTEN CLOUDPORTAL_VIRT
    unset CLOUDPORTAL_ADMIN_PASSWORD CLOUDPORTAL_LIBVIRT_URI
}

run_stage() {
    local stage=$1 begun status=0
    begun=$(now_ms)
    echo
    echo "== $stage"
    "stage_${stage//-/_}" "$stage" || status=$?
    echo "$stage $status $(seconds_since "$begun")" >> "$reports/stages"
}

stage_ruff() { .venv/bin/ruff check .; }
stage_check() { quiet_portal manage.py check --fail-level WARNING; }
stage_migrations() { quiet_portal manage.py makemigrations --check --dry-run; }
stage_mypy() { .venv/bin/mypy -p core -p agent; }

# A management command that neither reads nor writes the real data folder.
quiet_portal() {
    CLOUDPORTAL_DATA=$test_data DJANGO_SETTINGS_MODULE=cloudportal.settings_test .venv/bin/python "$@"
}

stage_unit() { run_pytest "$1" tests/unit -n 2 -m "not mariadb"; }
stage_unit_mariadb() {
    if [[ -z $CLOUDPORTAL_TEST_MARIADB_URL ]]; then
        echo "MariaDB did not start"
        return 1
    fi
    CLOUDPORTAL_DATABASE_URL=$CLOUDPORTAL_TEST_MARIADB_URL run_pytest "$1" tests/unit -n 2
}
stage_integration() { run_pytest "$1" tests/integration; }
stage_browser() { run_pytest "$1" tests/browser; }
stage_compat() { run_pytest "$1" tests/compat; }

# run_pytest STAGE FOLDER OPTION...: 5, pytest's own "no tests", when there are none.
run_pytest() {
    local stage=$1 folder=$2
    shift 2
    if [[ -z $(find "$folder" -name 'test_*.py' 2>/dev/null | head -1) ]]; then
        echo "there are no tests in $folder"
        return 5
    fi
    if [[ ${CI:-} == true ]]; then set -- "$@" -p tests.plugins.noskip; fi
    CLOUDPORTAL_DATA=$test_data timeout --foreground -k 30 3600 .venv/bin/python -m pytest -q \
        --durations 5 --junitxml "$reports/$stage.xml" "$@" "${pytest_options[@]}" "$folder"
}
