# Sourced: run steps, saying what each does and how long it takes.

now_ms() { date +%s%3N; }

# seconds_since MS: one decimal.
seconds_since() {
    local ms=$(($(now_ms) - $1))
    echo "$((ms / 1000)).$((ms % 1000 / 100))"
}

# step TITLE COMMAND...: the last line COMMAND prints is its result. Ends the script if it fails.
step() {
    run_step "$@"
    ((step_status == 0)) && return
    echo "$(basename "$0"): this step failed: $1. More in $setup_log" >&2
    exit 1
}

# As step, but a failure is only shown.
optional_step() { run_step "$@"; }

# Sets step_status. In a subshell, so that die ends the step and not the script; not as part of
# a condition, where bash would ignore every error inside.
run_step() {
    local title=$1 begun result
    shift
    begun=$(now_ms)
    printf '  %-16s ' "$title"
    set +e
    result=$(set -e; "$@")
    step_status=$?
    set -e
    ((step_status == 0)) || result="FAILED"
    printf '%s (%s s)\n' "$(tail -1 <<< "$result")" "$(seconds_since "$begun")"
}
