#!/bin/bash
#
# What fuzzing has found so far does no harm any more: each target reads its corpus again. And a spool
# whose file is damaged never gives a message that nobody has put in, nor loses one that it has taken.

set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
BIN=${BIN:-build/release}
DAMAGE_ROUNDS=100
DAMAGE_SEED=350 # in round 408 only spool_put()'s second look saves a message

count=0
failures=0
output=$(mktemp "${TMPDIR:-/tmp}/fuzz-replay.XXXXXX")
trap 'rm -f "$output"' EXIT

# claim TEXT CMD...: CMD succeeds; what it says last is said with it.
claim() {
	local text=$1 result="ok"
	shift
	count=$((count + 1))
	if ! "$@" >"$output" 2>&1; then
		result="not ok"
		failures=$((failures + 1))
		sed 's/^/# /' "$output" >&2
	fi
	echo "$result $count - $text: $(tail -n 1 "$output")"
}

# A target that fails with its corpus fails with one file of it: which?
replay() {
	local name=$1 file
	"$BIN/fuzz_$name" "tests/fuzz/corpus/$name" && return
	for file in "tests/fuzz/corpus/$name"/*; do
		"$BIN/fuzz_$name" "$file" >/dev/null 2>&1 || echo "fails: $BIN/fuzz_$name $file"
	done
	return 1
}

for source in tests/fuzz/fuzz_*.c; do
	name=${source##*/fuzz_}
	name=${name%.c}
	claim "$name" replay "$name"
done
claim "damaged spools" "$BIN/damage" "$DAMAGE_ROUNDS" "$DAMAGE_SEED"
echo "1..$count"
[ "$failures" -eq 0 ]
