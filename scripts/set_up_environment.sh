#!/usr/bin/env bash
# Builds the virtual environment from the lock: set_up_environment.sh FOLDER
# --no-deps: the lock already names every package, and old versions of pip fail to resolve extras of pinned packages.
set -euo pipefail
venv=$1

usable() { "$1" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

python=""
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null && usable "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "MotcuaSMS needs Python 3.11, 3.12 or 3.13 with the venv module; none was found. Install one, or name it: make PYTHON=/path/to/python3.12 …" >&2
    exit 2
fi
free=$(df -Pk . | awk 'NR == 2 {print $4}')
if [ "$free" -lt 2500000 ] && [ ! -x "$venv/bin/pip" ]; then
    echo "The environment needs about 2.5 GB; only $((free / 1024)) MB are free here. Free some room and try again." >&2
    exit 2
fi

echo "Setting up $venv with $("$python" --version) (a minute or two) …"
if ! "$venv/bin/python" -c '' 2>/dev/null; then
    "$python" -m venv "$venv" || {
        echo "python -m venv failed: on Debian and Ubuntu the package python3-venv is needed." >&2
        exit 2
    }
fi
pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --no-deps)
# uv needs four seconds for an installation that takes pip forty-five. uv ignores pip's settings, so it is given the
# package registry and the certificates of these settings. If uv fails, pip installs the packages.
of_pip() { "$venv/bin/python" -m pip config list | sed -n "s/^.*\.$1='\(.*\)'\$/\1/p" | tail -n 1; }
export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$(of_pip index-url)}}
export SSL_CERT_FILE=${SSL_CERT_FILE:-${PIP_CERT:-$(of_pip cert)}}
[ -n "$UV_DEFAULT_INDEX" ] || unset UV_DEFAULT_INDEX
[ -n "$SSL_CERT_FILE" ] || unset SSL_CERT_FILE
locked_uv=$(mktemp)
trap 'rm -f "$locked_uv"' EXIT
awk '/^[a-z]/ { taken = /^uv==/ } taken' requirements.lock >"$locked_uv"
"${pip[@]}" --require-hashes -r "$locked_uv" \
    && "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --require-hashes -r requirements.lock \
    || { echo "uv cannot install here (see above); pip does, in about a minute …" >&2 && false; } \
    || "${pip[@]}" --require-hashes -r requirements.lock || {
    echo "Installing from requirements.lock failed (see above). Is the package registry reachable, and is there room on the disk?" >&2
    exit 2
}
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation -e . 2>/dev/null \
    || "${pip[@]}" --no-build-isolation -e .
# Compile the packages, because neither uv nor pip has done so. Errors are ignored, because a package may contain files
# for other versions of Python. Folders that neither the demo nor most tests import are left out: Python compiles their
# files at the first import. _pytest and hypothesis are left out too, because pytest compiles them itself.
seldom='tests?|testing|geodata|carrierdata|shortdata|scipy|matplotlib|mpl_toolkits|fontTools|pip|mypyc?|setuptools|distutils'
seldom+='|sqlfluff|lexers|textual|playwright|tornado|dns|libcst|coverage|cffi|pycparser|aiobotocore|prompt_toolkit|grpc'
seldom+='|celery|kombu|billiard|redis|procrastinate|pgqueuer|narwhals|wcwidth|_pytest|hypothesis'
"$venv/bin/python" -m compileall -qq -j 0 -x "/($seldom)/" "$venv"/lib/python*/site-packages || true
echo "Environment ready."
