# shellcheck shell=bash
#
# table.sh - the tables that benchmarks print: figure, what was measured, limit, verdict
#
# Sourced, not run.

missed=0

# row FIGURE VALUE UNIT [<=|>= LIMIT]
row() {
	local verdict="" limit="${*:4}"
	if [ -n "$limit" ]; then
		verdict=ok
		if awk "BEGIN { exit $2 $limit }"; then
			verdict=MISSED
			missed=$((missed + 1))
		fi
	fi
	printf '%-66s %10s %-6s %-8s %s\n' "$1" "$2" "$3" "$limit" "$verdict"
}

section() {
	printf '\n%s\n' "$1"
}

# calc EXPRESSION [DIGITS]
calc() {
	awk "BEGIN { printf \"%.${2:-2}f\", $1 }"
}

# The middle one of the numbers on standard input.
median() {
	sort -n | awk '{ line[NR] = $1 } END { print line[int((NR + 1) / 2)] }'
}

# machine DIR: what it was measured on.
machine() {
	echo "$(nproc) CPUs with a load of $(cut -d ' ' -f 1 /proc/loadavg), Linux $(uname -r), $(stat -f -c %T "$1")"
}

# Fails when a limit was missed.
verdict() {
	echo
	if [ "$missed" -gt 0 ]; then
		echo "$missed figures missed their limits."
		return 1
	fi
	echo "All figures are within their limits."
}
