# shellcheck shell=bash
#
# faults.sh - experiments: a fault is tried at many places, and broken promises are counted
#
# Sourced first by each tests/faults/*.t; everything of tests/e2e/lib.sh is there too. From the repository
# root: `make faults`, or `prove tests/faults/NN-sentence.t` once `make test` has built what it needs.
#
#   CONTROLS=DIR         the programs with a defect on purpose are DIR/DEFECT/PROGRAM
#   TOOLS=DIR            what the experiments look and cut with, from tests/faults/tools
#   FAULTS_LONG=1        all places, not a share of them
#   FAULTS_TABLE=FILE    each experiment appends a line to it, for tests/faults/table

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

CONTROLS=$(realpath "${CONTROLS:-build/release/controls}")
TOOLS=$(realpath "${TOOLS:-build/release/tools}")

needs_tools() {
	[ -x "$TOOLS/audit" ] && [ -x "$TOOLS/cut_power" ] && [ -x "$TOOLS/make_due" ] && return
	diag "what is to be in $TOOLS must be built first, as make test does"
	exit 1
}

# share ALL BOUNDED: which of the two there is time for.
share() {
	if [ -n "${FAULTS_LONG:-}" ]; then
		echo "$1"
	else
		echo "$2"
	fi
}

# experiment NAME TRIED VIOLATIONS [none|some]: so many places were tried, and a promise was broken at so
# many of them. That must be none; of a negative control some, or the experiment cannot see anything.
experiment() {
	local name=$1 tried=$2 violations=$3 wanted=${4:-none} status=0
	case $wanted in
	none) [ "$violations" -eq 0 ] || status=1 ;;
	some) [ "$violations" -gt 0 ] || status=1 ;;
	*) status=1 ;;
	esac
	[ "$tried" -gt 0 ] || status=1
	claim "$status" "$name: $tried tried, violations: $wanted"
	[ "$status" -eq 0 ] || diag "$name: $tried tried, $violations violations, want $wanted"
	[ -z "${FAULTS_TABLE:-}" ] || printf '%s\t%d\t%d\t%s\n' "$name" "$tried" "$violations" "$wanted" >>"$FAULTS_TABLE"
}

# The sanitizers' runtime makes system calls of its own, hundreds of them, and ends the program when one
# fails.
needs_plain_programs() {
	! has_sanitizers || skip_all "needs programs without sanitizers: $1"
}
