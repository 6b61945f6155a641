#!/bin/bash
#
# Somebody traces a worker, and it dies meanwhile. Until the tracer has taken note, the supervisor hears of a death
# that it cannot take note of itself; it must not forget it.

# shellcheck source=tests/faults/inject.sh
. "$(dirname "$0")/inject.sh"
needs_root "traces a process that nobody else may"
needs_tracing
test_open
letters_open
sink_start "$SCRATCH/sink"
spool_create "$SCRATCH/spool"
letter_send a
: >"$SINK/hold/a"
flushd_start
wait_until 20 test -e "$SINK/held/a"
worker=$(flushd_workers)

# A tracer that takes note of nothing, until its end takes it for it. Seizing is request 0x4206.
perl -MPOSIX=uname -e '
	$| = 1;
	my $ptrace = {x86_64 => 101, aarch64 => 117}->{(uname)[4]} or die "which call is ptrace?\n";
	syscall($ptrace, 0x4206, $ARGV[0] + 0, 0, 0) == 0 or die "ptrace: $!\n";
	print "attached\n";
	sleep 60;
' "$worker" >"$SCRATCH/tracer" &
tracer=$!
at_exit "has_ended $tracer || end_child $tracer || true"
wait_until 20 grep -q attached "$SCRATCH/tracer"
kill -KILL "$worker"
ok "the worker is dead" wait_until 10 has_ended "$worker"
# Time enough for a supervisor that would be content with one look.
sleep 0.2
end_child "$tracer" || true
ok "the supervisor knows" wait_until 10 flushd_logged "worker ended by signal 9"
rm "$SINK/hold/a"
ok "and starts another, which delivers" wait_until 20 queue_is_empty
is "once" "$(sink_copies a)" 1
ok "flushd ends in order" flushd_stop
done_testing
