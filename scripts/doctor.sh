#!/usr/bin/env bash
# Names everything that is wrong with the installation whose docker-compose.yaml stands here: first what its files say,
# before anything runs, then what can be asked (docs/operations/doctor.md). Changes nothing. Exit 1: there is an error; warnings
# alone are none.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
# shellcheck source=scripts/image.sh
. scripts/image.sh
make_image >/dev/null || exit 2

wrong=0
echo "The files:"
# As whoever types it: the services' own user may not read them.
run_in_image --network none --user "$(id -u):$(id -g)" --volume "$PWD:/installation:ro" -- \
    motcua doctor --files /installation --machine /host || wrong=$?

echo
if reason=$(docker compose config --quiet 2>&1); then
    echo "What runs:"
    docker compose run --rm --no-deps -T airflow-scheduler motcua doctor || wrong=$?
else
    echo "What runs cannot be asked yet: Compose refuses the files. ${reason##*$'\n'}"
    [ "$wrong" -ne 0 ] || wrong=1
fi
exit "$wrong"
