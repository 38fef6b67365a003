#!/usr/bin/env bash
# Builds the image if this file is run as a command. set_up.sh and doctor.sh source this file in the program's folder
# for its functions make_image and run_in_image.

# Builds the image. Environment variables give the build arguments: another base image, and pip's settings for a server
# without internet (docs/operations/offline.md). Compose builds the image, because Compose labels its images: without
# the label, the next `docker compose build` would make a new image from the same files and recreate all services.
# docker-compose.yaml cannot be used, because Compose would demand files that are written only later.
build_image() {
    local given="" name
    for name in PYTHON_IMAGE PIP_NO_INDEX PIP_FIND_LINKS; do
        # An empty argument would change the build, so only variables with a value are passed.
        [ -z "${!name:-}" ] || given+="${given:+, }$name"
    done
    docker compose --project-name motcua --file - build init \
        <<<"services: {init: {image: motcua, build: {context: ., args: [$given]}}}"
}

make_image() {
    docker image inspect motcua >/dev/null 2>&1 || build_image
}

# run_in_image [options of docker run] -- command: runs a command in the image. This machine's root is mounted read-only
# at /host. Callers mount the program's folder at /installation.
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
