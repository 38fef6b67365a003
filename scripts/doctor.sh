#!/usr/bin/env bash
# Lists all faults of the installation whose docker-compose.yaml is in this folder (docs/operations/doctor.md). It
# checks the files, which needs no running service, and then the running services. It changes nothing. The exit code is
# 1 if there is an error, and 0 if there are only warnings.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
# shellcheck source=scripts/image.sh
. scripts/image.sh
make_image >/dev/null || exit 2

wrong=0
echo "The files:"
# The check runs as the calling user, because the services' own user may not read the files.
run_in_image --network none --user "$(id -u):$(id -g)" --volume "$PWD:/installation:ro" -- \
    motcua doctor --files /installation --machine /host || wrong=$?

echo
if reason=$(docker compose config --quiet 2>&1); then
    echo "What runs:"
    docker compose run --rm --no-deps -T airflow-scheduler motcua doctor || wrong=$?
else
    echo "What runs cannot be checked yet: Compose refuses the files. ${reason##*$'\n'}"
    [ "$wrong" -ne 0 ] || wrong=1
fi
exit "$wrong"
