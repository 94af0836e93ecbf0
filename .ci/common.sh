# shellcheck shell=bash
# What .ci/run and .ci/nightly share: a directory of their own, fresh environments in it, and parts with a log each.
# Who sources this is in the checkout's root then, which is only read. PYTHON chooses the interpreter.
set -euo pipefail

cd "$(dirname "$0")/.."
python="${PYTHON:-python3}"
work="$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
path="$PATH"
unset PYTHONPATH PYSPIKE_HOSTS PYSPIKE_DEBUG PYSPIKE_SANITIZE PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK=1

step() { printf '\n=== %d:%02d %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
environment() { # NAME EXTRA: a fresh one with what an extra of the package needs, but not the package
    "$work/uv/bin/uv" venv --quiet --seed --python "$(command -v "$python")" "$work/$1" 2>/dev/null ||
        "$python" -m venv --clear "$work/$1"
    needs "$1" "$2" >"$work/$1/needs.txt"
    install "$1" --requirement "$work/$1/needs.txt"
}
more() { # NAME EXTRA: what an extra needs besides, if there are wheels
    needs "$1" "$2" >"$work/$1/$2.txt"
    install "$1" --only-binary :all: --requirement "$work/$1/$2.txt"
}
install() { # NAME ARGUMENTS...: by uv, in a tenth of pip's time; by pip if there is no uv, or if it fails
    "$work/uv/bin/uv" pip install --quiet --python "$work/$1/bin/python" "${@:2}" 2>/dev/null && return
    "$work/$1/bin/python" -m pip install --quiet --no-compile "${@:2}"
}
enter() { export PATH="$work/$1/bin:$path"; }
needs() { # what an extra needs, or for `build` what building does
    "$work/$1/bin/python" - "$work/tree/pyproject.toml" "$2" <<'PY'
import re, sys
try:
    import tomllib
except ImportError:  # before 3.11
    from pip._vendor import tomli as tomllib

settings = tomllib.load(open(sys.argv[1], "rb"))
project, extras = settings["project"], [sys.argv[2]]
project["optional-dependencies"]["build"] = ["build", *settings["build-system"]["requires"]]
for extra in extras:  # which grows
    for need in project["optional-dependencies"][extra]:
        own = re.fullmatch(rf"{project['name']}\[([\w,]+)\]", need)
        extras.extend(own[1].split(",")) if own else print(need)
PY
}
copy_checkout() { # without what it ignores
    mkdir "$work/tree"
    git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
        if [ -e "$file" ]; then printf '%s\0' "$file"; fi
    done | xargs -0 cp --parents --target-directory "$work/tree"
}
bring_uv() {
    "$python" -m venv "$work/uv"
    "$work/uv/bin/python" -m pip install --quiet --only-binary :all: uv || echo "there is no uv: all is installed by pip, which takes longer"
}
took() { # NAME: the wall's time of a part, and the CPU's: its own, and the system's for it
    times >"$work/$1.times"
    printf '%-20s %4d s, CPU %s\n' "$1" "$SECONDS" "$(tail -n 1 "$work/$1.times")"
}
part() { # NAME COMMAND...
    local name="$1" status
    shift
    set +e # not `|| status=$?`: behind that the commands of a function would go on after one that failed
    (set -e; trap 'took "$name" >>"$work/parts.txt"' EXIT; SECONDS=0; "$@") >"$work/$name.log" 2>&1
    status=$?
    set -e
    echo "$status" >"$work/$name.begun"
    mv "$work/$name.begun" "$work/$name.status"
    return "$status"
}
