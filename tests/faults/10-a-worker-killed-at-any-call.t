#!/bin/bash
#
# The worker is killed at each of its system calls from the moment when the relay wants the text: before and after
# the final dot, its reply, and the commit that records it.

# shellcheck source=tests/faults/worker.sh
. "$(dirname "$0")/worker.sh"
needs_root "traces a process that nobody else may"
needs_strace
worker_open

# kill_at CALL:NUMBER
kill_at() {
	worker_try "$PROGRAM" "$1" signal=SIGKILL from_data_on
}

PROGRAM=$BIN/flushd
mapfile -t places < <(worker_places from_data_on "$PROGRAM" | bounded)
trials_begin kill_at "${places[@]}"
trials_end
experiment "a worker killed at each system call behind DATA" "$tried" "$violations"

IS_CONTROL=1
BOUNDED=24
PROGRAM=$CONTROLS/early_commit/flushd
mapfile -t places < <(worker_places from_data_on "$PROGRAM" flock munmap sendto | bounded)
trials_begin kill_at "${places[@]}"
trials_end
experiment "the same with a worker that removes before the dot's reply" "$tried" "$violations" some
done_testing
