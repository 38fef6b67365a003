#!/usr/bin/env bash
# Names everything that is wrong with the installation whose docker-compose.yaml stands here: first what its files say,
# before anything runs, then what can be asked (docs/operations/doctor.md). Changes nothing. Exit 1: something is wrong.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
if ! docker image inspect motcua >/dev/null 2>&1; then
    docker build --quiet --tag motcua . >/dev/null || exit 2
fi

wrong=0
echo "The files:"
# As whoever owns them: the services' own user may not read them.
docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$PWD:/installation:ro" motcua \
    motcua doctor --files /installation || wrong=$?

echo
if reason=$(docker compose config --quiet 2>&1); then
    echo "What runs:"
    docker compose run --rm --no-deps -T airflow-scheduler motcua doctor || wrong=$?
else
    echo "What runs cannot be asked yet: Compose refuses the files. ${reason##*$'\n'}"
    [ "$wrong" -ne 0 ] || wrong=1
fi
exit "$wrong"
