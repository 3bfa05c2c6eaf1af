# Sourced by the scripts: folders, words and small helpers.

CLOUDPORTAL_REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CLOUDPORTAL_DATA=$(realpath -m "${CLOUDPORTAL_DATA:-$CLOUDPORTAL_REPOSITORY/var}")
export CLOUDPORTAL_DATA

# Debian keeps system programs out of an ordinary user's path.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

need_programs() {
    local missing=() program
    for program in "$@"; do command -v "$program" >/dev/null || missing+=("$program"); done
    ((${#missing[@]} == 0)) || die "missing programs: ${missing[*]}; run scripts/setup as root first"
}

# Reads NUL-separated names; the answer changes when a name, a mode or a content does.
hash_of_files() {
    local file
    while IFS= read -r -d '' file; do
        echo "$(stat -c %a "$file") ${file#"$CLOUDPORTAL_REPOSITORY"/} $(sha256sum < "$file")"
    done | sha256sum | cut -d' ' -f1
}
