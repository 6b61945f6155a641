#!/bin/bash
#
# A relay that misbehaves in any phase, in any way of tests/rig/replies.table: what becomes of a message is what that
# table says, flushd goes on afterwards, nothing is lost, and nothing arrives twice but behind a final dot whose reply
# did not come.

# shellcheck source=tests/faults/faults.sh
. "$(dirname "$0")/faults.sh"
needs_tools
test_open
export TOOLS HURRY=$CONTROLS/hurry/flushd

# play NAME [PATTERN]: the cells, in $SCRATCH/NAME.tsv.
play() {
	mkdir "$SCRATCH/$1"
	tests/rig/replies "$SCRATCH/$1" "${2:-.}" >"$SCRATCH/$1.tsv"
}

wrong() {
	awk -F '\t' '$2 != $3 { n++ } END { print n + 0 }' "$SCRATCH/$1.tsv"
}

tried() {
	wc -l <"$SCRATCH/$1.tsv"
}

# judge NAME: each cell of it is a claim.
judge() {
	local cell got want
	while IFS=$'\t' read -r cell got want; do
		is "$cell, $1" "$got" "$want"
	done <"$SCRATCH/$1.tsv"
}

ok "each cell is played" play pipelined
judge pipelined
experiment "a relay with a fault in some phase" "$(tried pipelined)" "$(wrong pipelined)"

if [ -n "${FAULTS_LONG:-}" ]; then
	export PLAIN=1
	ok "each cell is played in turns" play in-turns
	unset PLAIN
	judge in-turns
	experiment "the same, which takes one command at a time" "$(tried in-turns)" "$(wrong in-turns)"
fi

# The message is gone before its outcome is known.
export FLUSHD=$CONTROLS/early_commit/flushd PATIENCE=1
ok "each cell is played with the control" play control '^(450|421|550 5.1.1|close) at dot$'
experiment "the same with a worker that removes before the dot's reply" "$(tried control)" "$(wrong control)" some
done_testing
