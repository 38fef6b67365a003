#!/usr/bin/env bash
# Sets this server up with ten questions and tries each answer at once. set_up.sh QUESTION asks one question again
# (docs/vi/quan-tri/cai-dat.md). This script needs only Docker. motcua set-up runs as root in a container of its own,
# because it gives files to the owner of this folder, and the services' folders to the services' user.
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
