#!/bin/bash
#
# Each system call of flushd that can fail does so once, in supervisor and worker: at the start, while the queue and
# the messages are read, at the relay, and while the spool is put in order. Whatever that stops, nothing is lost or
# sent twice.

# shellcheck source=tests/faults/worker.sh
. "$(dirname "$0")/worker.sh"
needs_strace
worker_open

# fail_at CALL:NUMBER:ERROR
fail_at() {
	worker_try "$BIN/flushd" "${1%:*}" "error=${1##*:}" from_the_start_on
}

FIRST=large_body
mapfile -t places < <(worker_places from_the_start_on "$BIN/flushd" | with_errors | bounded)
trials_begin fail_at "${places[@]}"
trials_end
experiment "an error of one system call of supervisor and worker" "$tried" "$violations"
done_testing
