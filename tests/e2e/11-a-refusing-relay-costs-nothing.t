#!/bin/bash
#
# A relay that refuses connections, mail waiting: flushd, with its children, may use 0.1 % of a core.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
[ -r "/proc/$$/schedstat" ] || skip_all "needs /proc/PID/schedstat"
test_open
# Nothing will listen there: the port is all we need of postfix.
port_reserve POSTFIX_PORT
spool_create "$SCRATCH/spool"
letters_write 3
ok "three messages are taken" letters_submit
flushd_start
ok "flushd says that the relay is down" wait_until 10 flushd_logged state=down

# Microseconds of CPU time so far of flushd, its living children, and those it has waited for. The
# scheduler counts in ns for the living; for the dead there are ticks (of 10 ms) only.
cpu_us() {
	local stat total=0 pid ns
	for pid in "$FLUSHD_PID" $(pgrep -P "$FLUSHD_PID" || true); do
		{ read -r ns _ <"/proc/$pid/schedstat"; } 2>/dev/null || continue
		total=$((total + ns / 1000))
	done
	stat=$(<"/proc/$FLUSHD_PID/stat")
	# shellcheck disable=SC2086 # fields
	set -- ${stat##*) }
	echo $((total + (${14} + ${15}) * 1000000 / $(getconf CLK_TCK)))
}

# Startup is not what is measured: let it try, fail and settle first.
sleep 3
seconds=15
[ -z "${E2E_LONG:-}" ] || seconds=60
before=$(cpu_us)
sleep "$seconds"
used=$(($(cpu_us) - before))
diag "$used µs of CPU time in $seconds s: $(perl -e 'printf "%.3f", $ARGV[0] / $ARGV[1] / 1e4' "$used" "$seconds") %"
at_most "at most 0.1 % of a core (µs in $seconds s)" "$used" $((seconds * 1000))
ok "flushd is still there" is_running "$FLUSHD_PID"
is "and so is the mail" "$(queue_field queue_id | wc -l)" 3
at_most "the outage is logged when it begins, not at each try" "$(grep -c state=down "$FLUSHD_LOG")" 3
ok "flushd ends in order" flushd_stop
done_testing
