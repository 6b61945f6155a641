#!/bin/bash
#
# Each line that flushd can log stands in the table of docs/operations.md, and that table has no line that is gone.

# shellcheck disable=SC2016 # the backquotes are those of the table

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
test_open

tests/rig/log_lines src/flushd/*.c src/site/*.c >"$SCRATCH/logged"
sed -n "/^## Every line of flushd's log/,/^## Lines of/p" docs/operations.md >"$SCRATCH/table"
sed -nE 's/^\| `([^`]*)` \| .*[a-z].* \| .*[a-z].* \|$/\1/p' "$SCRATCH/table" | sort -u >"$SCRATCH/explained"

ok "lines are found in the source" test "$(wc -l <"$SCRATCH/logged")" -ge 40
while IFS= read -r line; do
	ok "explained: ${line//#/}" grep -qxF -- "$line" "$SCRATCH/explained"
done <"$SCRATCH/logged"
is "none is explained that is never logged" "$(grep -vxFf "$SCRATCH/logged" "$SCRATCH/explained" || true)" ""
cat >"$SCRATCH/new.c" <<'END'
	log_error("site=%s a new "
		  "line; in %d s", a, b);
END
is "a new line would be found" "$(tests/rig/log_lines "$SCRATCH/new.c")" "site=… a new line; in … s"
done_testing
