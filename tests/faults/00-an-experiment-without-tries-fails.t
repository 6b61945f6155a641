#!/bin/bash
#
# The judge itself: an experiment that tried nothing fails, whatever it found, and so does a negative control
# that found nothing.

# shellcheck source=tests/faults/faults.sh
. "$(dirname "$0")/faults.sh"
test_open

# verdict TRIED VIOLATIONS [none|some]: in a process of its own, with a table of its own.
verdict() {
	(
		FAULTS_TABLE=$SCRATCH/table
		experiment "x" "$@"
	) 2>/dev/null | sed -n 's/^\(not ok\|ok\) .*/\1/p'
}

is "a promise that was kept" "$(verdict 7 0)" "ok"
is "a promise that was broken" "$(verdict 7 1)" "not ok"
is "a promise that was not tried" "$(verdict 0 0)" "not ok"
is "a control that is found out" "$(verdict 7 1 some)" "ok"
is "a control that is not found out" "$(verdict 7 0 some)" "not ok"
is "a control that was not tried" "$(verdict 0 1 some)" "not ok"
is "the table says which were wrong" "$(tests/faults/table "$SCRATCH/table" | awk '/ / && NR > 1 { print $4 }' | tr '\n' ' ')" \
	" WRONG WRONG as WRONG WRONG "
done_testing
