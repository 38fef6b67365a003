#!/usr/bin/env bash
# Sets this server up with ten questions and tries each answer at once. set_up.sh QUESTION asks one question again
# (docs/vi/quan-tri/cai-dat.md). It needs only Docker. It runs as root in its own container, because it writes files for
# the owner of this folder and makes the services' user the owner of their folders.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
# shellcheck source=scripts/image.sh
. scripts/image.sh
make_image || exit 2
terminal=(--interactive)
if [ -t 0 ] && [ -t 1 ]; then
    terminal+=(--tty)
fi
run_in_image "${terminal[@]}" --user 0 --volume "$PWD:/installation" -- \
    motcua set-up /installation "$@" --machine /host
