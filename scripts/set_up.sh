#!/usr/bin/env bash
# Sets this server up: ten questions, each answer tried at once; set_up.sh QUESTION asks one of them again
# (docs/vi/quan-tri/cai-dat.md). Needs Docker and nothing else. As root in a container of its own: it writes the files for whoever
# owns this folder, and gives folders to the services' user.
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
