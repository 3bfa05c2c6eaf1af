# Sourced by setup: Python and npm packages, translations. Each is redone only when the file
# that lists it has changed since.

# made_from STAMP TEXT: true if STAMP records TEXT.
made_from() { [[ -f $1 && $(cat "$1") == "$2" ]]; }

python_at_least_3_11() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 /usr/bin/python3; do
        if command -v "$candidate" >/dev/null && python_at_least_3_11 "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    die "Python 3.11 or newer with venv is needed; Debian 12 and later have it (python3-venv)"
}

ensure_python() {
    local python wanted stamp=.venv/.cloudportal-requirements
    if [[ ! -x .venv/bin/python ]]; then
        python=$(find_python)
        rm -rf .venv
        "$python" -m venv .venv >> "$setup_log" 2>&1
    fi
    wanted="$(.venv/bin/python -V) $(printf '%s\0' requirements.txt requirements-dev.txt | hash_of_files)"
    if made_from "$stamp" "$wanted"; then
        echo "already there"
        return
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        -r requirements-dev.txt >> "$setup_log" 2>&1 || {
        tail -5 "$setup_log" >&2
        return 1
    }
    echo "$wanted" > "$stamp"
    echo "installed for $(.venv/bin/python -V)"
}

ensure_npm() {
    local wanted stamp=node_modules/.cloudportal-lock
    wanted=$(printf '%s\0' package.json package-lock.json .npmrc | hash_of_files)
    if made_from "$stamp" "$wanted"; then
        echo "already there"
        return
    fi
    npm ci --silent >> "$setup_log" 2>&1 || {
        tail -5 "$setup_log" >&2
        return 1
    }
    echo "$wanted" > "$stamp"
    echo "installed $(npm ls --all --parseable 2>/dev/null | tail -n +2 | wc -l)"
}

compile_translations() {
    local file compiled=0 all=0
    while IFS= read -r file; do
        all=$((all + 1))
        [[ ${file%.po}.mo -nt $file ]] && continue
        msgfmt --check-format -o "${file%.po}.mo" "$file" >> "$setup_log" 2>&1 || {
            echo "$file does not compile:" >&2
            tail -5 "$setup_log" >&2
            return 1
        }
        compiled=$((compiled + 1))
    done < <(find . -path ./node_modules -prune -o -path ./.venv -prune -o -path ./var -prune \
        -o -name '*.po' -print)
    echo "compiled $compiled of $all"
}
