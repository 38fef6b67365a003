#!/usr/bin/env bash
# Builds the image if this file is called as a command. set_up.sh and doctor.sh source this file in the program's folder
# for functions that run a command in the image and build a missing image.

# Build arguments come from the environment: another base image, and pip's settings for a server without internet
# (docs/operations/offline.md). Compose builds the image, because it labels its images: otherwise the next
# `docker compose build` would make a new image of the same files and recreate all services. docker-compose.yaml cannot be
# used, because it demands files that are written only later.
build_image() {
    local given="" name
    for name in PYTHON_IMAGE PIP_NO_INDEX PIP_FIND_LINKS; do
        # An argument without a value would make another build, so that only set variables are passed.
        [ -z "${!name:-}" ] || given+="${given:+, }$name"
    done
    docker compose --project-name motcua --file - build init \
        <<<"services: {init: {image: motcua, build: {context: ., args: [$given]}}}"
}

make_image() {
    docker image inspect motcua >/dev/null 2>&1 || build_image
}

# run_in_image [options of docker run] -- command. The command finds this machine's root read-only at /host. Callers mount
# the program's folder at /installation.
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
