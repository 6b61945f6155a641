#!/bin/bash
#
# Each system call of the worker that can fail does so, from the moment when the relay wants the text: once, and from
# then on for ever. Nothing is lost, and nothing is sent twice: what cannot be recorded now is recorded later.

# shellcheck source=tests/faults/worker.sh
. "$(dirname "$0")/worker.sh"
needs_root "traces a process that nobody else may"
needs_strace
LANES=8
worker_open

# fail_at CALL:NUMBER:ERROR
fail_at() {
	worker_try "$BIN/flushd" "${1%:*}" "error=${1##*:}" from_data_on
}

fail_for_good_at() {
	worker_try "$BIN/flushd" "${1%:*}+" "error=${1##*:}" from_data_on
}

mapfile -t places < <(worker_places from_data_on "$BIN/flushd" | with_errors | bounded)
trials_begin fail_at "${places[@]}"
trials_end
experiment "an error of one system call of a worker behind DATA" "$tried" "$violations"

LASTS=4
BOUNDED=8
# No call is interrupted for ever.
mapfile -t places < <(worker_places from_data_on "$BIN/flushd" | with_errors | grep -v EINTR | bounded)
trials_begin fail_for_good_at "${places[@]}"
trials_end
experiment "an error of one system call and all that follow of a worker behind DATA" "$tried" "$violations"

# The same for every worker that is started.
fail_each_worker_at() {
	worker_try "$BIN/flushd" "${1%:*}+" "error=${1##*:}" from_the_start_on
}

ONCE=""
BOUNDED=4
mapfile -t places < <(printf '%s\n' writev:1 pwrite64:1 fdatasync:1 | with_errors | grep -v EINTR | bounded)
trials_begin fail_each_worker_at "${places[@]}"
trials_end
experiment "a disk that takes no write any more, whatever worker comes" "$tried" "$violations"
done_testing
