#!/usr/bin/env bash
# Makes the image, when it is typed. Read by set_up.sh and doctor.sh, in the folder of the program: runs a command in the image, and makes
# that where there is none.

# Build arguments come from the environment: another base image, and what a server without internet has (docs/operations/offline.md).
# By Compose, which labels what it builds: otherwise the next `docker compose build` makes another image of the same files, and all
# services are recreated. Not by docker-compose.yaml, which asks for the files that are to be written yet.
build_image() {
    local given="" name
    for name in PYTHON_IMAGE PIP_NO_INDEX PIP_FIND_LINKS; do
        # One that is named without a value is another build.
        [ -z "${!name:-}" ] || given+="${given:+, }$name"
    done
    docker compose --project-name motcua --file - build init \
        <<<"services: {init: {image: motcua, build: {context: ., args: [$given]}}}"
}

make_image() {
    docker image inspect motcua >/dev/null 2>&1 || build_image
}

# run_in_image [options of docker run] -- command; the folder is /installation there, this machine's root /host, not to be written.
run_in_image() {
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    docker run --rm "${options[@]}" --volume /:/host:ro motcua "$@"
}

if [ "$0" = "${BASH_SOURCE[0]}" ]; then
    cd "$(dirname "$0")/.." || exit 2
    build_image
fi
