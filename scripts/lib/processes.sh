# Sourced: processes that outlive the script which starts them, known by their recorded pid.
# A record is "PID START", START being the kernel's start time of that process, so that a
# number used again by somebody else, after a reboot for instance, is never mistaken for ours.

# Nothing for a process that has ended, even where nobody has collected it yet (state Z).
start_time_of() { sed -n 's/.*) \([^ZX] .*\)/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# is_running RECORD: true while the recorded process lives.
is_running() {
    local pid start
    read -r pid start 2>/dev/null < "$1" || return 1
    [[ -n $start && $(start_time_of "$pid") == "$start" ]]
}

# start_recorded RECORD LOG COMMAND...: in a session of its own, so Ctrl-C does not reach it.
# COMMAND must stay in the foreground: its pid is the one recorded.
start_recorded() {
    local record=$1 log=$2
    shift 2
    (
        # Locks held by this script must not live on in the service.
        exec 8>&- 9>&-
        exec setsid "$@" < /dev/null >> "$log" 2>&1
    ) &
    local pid=$!
    echo "$pid $(start_time_of "$pid")" > "$record"
    disown "$pid"
}

# stop_recorded RECORD [SECONDS]: ask it to end, insist after SECONDS (default 20).
stop_recorded() {
    local record=$1 seconds=${2:-20} pid
    if is_running "$record"; then
        read -r pid _ < "$record"
        kill "$pid"
        wait_until "$seconds" is_gone "$record" || kill -KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$record"
}

is_gone() { ! is_running "$1"; }

# wait_until SECONDS COMMAND...: true as soon as COMMAND is, false after SECONDS.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

# wait_for_service SECONDS RECORD COMMAND...: as wait_until, but gives up when the service dies.
wait_for_service() {
    local deadline=$((SECONDS + $1)) record=$2
    shift 2
    until "$@"; do
        is_running "$record" && ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

port_is_free() { ! (exec 3<> "/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port WANTED: WANTED, or the next free one above it.
free_port() {
    local port=$1
    until port_is_free "$port"; do port=$((port + 1)); done
    echo "$port"
}

new_password() { od -An -N18 -tx1 /dev/urandom | tr -d ' \n'; }
