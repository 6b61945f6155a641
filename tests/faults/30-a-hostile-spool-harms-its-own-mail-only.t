#!/bin/bash
#
# The owner of a spool, or a disk, does to its file what can be done: scribbles, zeros and noise in pages of each kind,
# numbers that cannot be, pages that lead to each other in circles, free pages that are in use, and other things than a
# file in its place.

# shellcheck source=tests/faults/hostile.sh
. "$(dirname "$0")/hostile.sh"
hostile_open

# half WORD...: every other one, if there is no time for all.
half() {
	local i=$SEED word
	for word; do
		[ $((i++ % $(share 1 2))) -ne 0 ] || echo "$word"
	done
}

# seeds COUNT KIND...: KIND:SEED for each of them.
seeds() {
	local kind n count=$1
	shift
	for ((n = 0; n < count; n++)); do
		for kind; do
			echo "$kind:$((SEED + n))"
		done
	done
}

mapfile -t kinds < <(tests/faults/tools/spool_damage --kinds)
mapfile -t kinds < <(half "${kinds[@]}")
mapfile -t trials < <(seeds "$(share 40 1)" "${kinds[@]}")
# By which letters were sent again and again: the worker that died had sent several, or the tree showed them once more.
[ -n "${FAULTS_LONG:-}" ] || trials+=(branch-header:13 freed-in-use:24 leaf-noise:14 freed-too-much:10 branch-key:5
	meta-fields:33 leaf-zeroed:7)
trials_begin hostile_trial "${trials[@]}"
trials_end
experiment "a damaged or hostile spool" "$tried" "$violations"

IS_CONTROL=1
FLUSHD=$CONTROLS/unverified/flushd
trials_begin hostile_trial overflow-bit:1 envelope-bit:2 leaf-bit:1
trials_end
experiment "the same with a flushd that compares no checksum" "$tried" "$violations" some

FLUSHD=$CONTROLS/unwary/flushd
trials_begin hostile_trial free-key:1 free-key:6 free-key:7 free-key:16 free-key:22 free-key:39
trials_end
experiment "the same with a flushd that sends again what it could not record" "$tried" "$violations" some
done_testing
