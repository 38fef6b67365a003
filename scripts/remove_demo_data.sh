#!/usr/bin/env bash
# Removes the files that demo and smoke leave in a data folder: remove_demo_data.sh FOLDER
# It removes files only by their known names, because MOTCUA_DATA may be a folder with other files.
set -euo pipefail
folder=$1

if [ ! -d "$folder" ]; then
    echo "There is no demo's data in $folder."
    exit 0
fi
if [ -e "$folder/lock" ] && command -v flock >/dev/null && ! flock --nonblock "$folder/lock" true; then
    echo "A demo is running in $folder: stop it with Ctrl-C first." >&2
    exit 2
fi
cd "$folder"
rm -rf -- agencies.yaml airflow backups calendar.yaml clerk environment.json files/khanhson journal lock logs mailbox phone-network pids.json postgres publications secrets.json statements tokens vendor watch world motcua-smoke-*
rmdir -- files 2>/dev/null || true
cd /
if rmdir -- "$folder" 2>/dev/null; then
    echo "Removed $folder."
else
    echo "Removed the demo's data; other files remain in $folder."
fi
