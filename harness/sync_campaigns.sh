#!/bin/sh
# sync_campaigns.sh: several machines fuzz one target by AFL++: each is given what the others have
# found, as AFL++'s own recipe does it. On every machine, in the campaign's folder there, afl-fuzz
# has one main instance, called after the machine: `afl-fuzz -M main-NAME -o FOLDER ...`. Of each
# folder this copies only that one instance's directory, into all the others, whose instances read
# it of their own accord. Called now and then, on any machine:
#
#   sync_campaigns.sh NAME=PLACE NAME=PLACE...
#
#   NAME=PLACE    the machine's name, and where its folder lies: HOST:FOLDER as rsync and ssh know
#                 it, or FOLDER on this machine; the NAME of HOST:FOLDER may be left out if it is
#                 HOST
#
# Nothing is ever deleted. Exit code 0: all were copied; 1: some could not be; 2: usage.
set -u

fail() {
    printf 'sync_campaigns.sh: %s\n' "$1" >&2
    exit 2
}

# copy FROM TO: a directory's contents, with their times, so that what is there already is seen to
# be. Files with a dot belong to the running instance alone.
copy() {
    rsync -rt '--exclude=.*' -- "$1/" "$2/"
}

name_of() {
    case $1 in
    *=*) printf '%s\n' "${1%%=*}" ;;
    *:*) host=${1%%:*} && printf '%s\n' "${host#*@}" ;;
    esac
}

# Copies from everywhere to the hub, then from the hub to wherever it did not come from.
pull() {
    for machine in "$@"; do
        name=$(name_of "$machine")
        copy "${machine#*=}/main-$name" "$hub/main-$name" || {
            printf 'sync_campaigns.sh: not all of main-%s could be read\n' "$name" >&2
            status=1
            rmdir "$hub/main-$name" 2>/dev/null
        }
    done
}

push() {
    for machine in "$@"; do
        name=$(name_of "$machine")
        for own in "$hub"/main-*; do
            [ -d "$own" ] && [ "$own" != "$hub/main-$name" ] || continue
            copy "$own" "${machine#*=}/${own##*/}" || {
                printf 'sync_campaigns.sh: %s has not got all of %s\n' "$name" "${own##*/}" >&2
                status=1
            }
        done
    done
}

[ $# -ge 2 ] || fail 'wants two machines at least: NAME=PLACE NAME=PLACE...'
seen=' '
for machine in "$@"; do
    name=$(name_of "$machine")
    case $name in
    '' | *[!A-Za-z0-9._-]*) fail "$machine has no name; write NAME=$machine" ;;
    esac
    case $seen in
    *" $name "*) fail "two machines are called $name" ;;
    esac
    seen="$seen$name "
done
command -v rsync >/dev/null || fail 'there is no rsync here; install the package rsync'

hub=$(mktemp -d) || exit 2
trap 'rm -rf -- "$hub"' EXIT
trap 'exit 1' HUP INT TERM
status=0
pull "$@"
push "$@"
exit "$status"
