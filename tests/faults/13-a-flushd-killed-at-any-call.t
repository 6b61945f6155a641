#!/bin/bash
#
# Supervisor and worker are killed at each of their system calls, from their start until the spool is empty and its file
# has been replaced by a small one.

# shellcheck source=tests/faults/worker.sh
. "$(dirname "$0")/worker.sh"
needs_strace
worker_open

# kill_at CALL:NUMBER
kill_at() {
	worker_try "$BIN/flushd" "$1" signal=SIGKILL from_the_start_on
}

FIRST=large_body
mapfile -t places < <(worker_places from_the_start_on "$BIN/flushd" | bounded)
trials_begin kill_at "${places[@]}"
trials_end
experiment "supervisor and worker killed at each system call" "$tried" "$violations"
done_testing
