#!/usr/bin/env bash
# Read by set_up.sh and doctor.sh, in the folder of the program: runs a command in the image, and makes that where there is none.

# Build arguments come from the environment: another base image, and what a server without internet has (docs/operations/offline.md).
make_image() {
    docker image inspect motcua >/dev/null 2>&1 && return
    local arguments=() name
    for name in PYTHON_IMAGE PIP_NO_INDEX PIP_FIND_LINKS; do
        if [ -n "${!name:-}" ]; then
            arguments+=(--build-arg "$name")
        fi
    done
    docker build "${arguments[@]}" --tag motcua .
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
