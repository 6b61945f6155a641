#!/bin/bash
#
# The owner of a spool holds its lock, and that of the worker. Nobody waits for more than 30 seconds: senders and
# flushctl say so and leave, flushd says so and comes back. With E2E_LONG it is held for so long, otherwise for 2
# seconds, and then nobody fails.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
test_open
spool_create "$SCRATCH/spool"
moody_start well
seconds=2
[ -z "${E2E_LONG:-}" ] || seconds=33

# hold FILE: keep it locked for some time.
hold() {
	perl -MFcntl=:flock,O_RDONLY -e '
		my ($file, $sign, $seconds) = @ARGV;
		sysopen my $f, $file, O_RDONLY or die "$file: $!\n";
		flock $f, LOCK_EX or die "flock: $!\n";
		open my $held, ">", $sign or die "$sign: $!\n";
		sleep $seconds;
	' "$1" "$SCRATCH/held" "$seconds" &
	holder=$!
	at_exit "has_ended $holder || end_child $holder || true"
	wait_until 10 test -e "$SCRATCH/held"
	rm "$SCRATCH/held"
}

submit() {
	printf 'Subject: x\n\n\n' | timeout 60 "$BIN/mini_sendmail" -i -f "$1@site.test" reader@example.org
}

# run NAME CMD...: in the background; its exit status and how long it took are in files.
run() {
	local name=$1 status=0 begin=$SECONDS
	shift
	"$@" >"$SCRATCH/$name.stdout" 2>"$SCRATCH/$name.stderr" || status=$?
	echo "$status" >"$SCRATCH/$name.status"
	echo $((SECONDS - begin)) >"$SCRATCH/$name.took"
}

# gave_up NAME STATUS WORDS: after 30 seconds, with one line.
gave_up() {
	is "$1: exit status" "$(cat "$SCRATCH/$1.status")" "$2"
	at_most "$1: seconds" "$(cat "$SCRATCH/$1.took")" 32
	is "$1: why" "$(sed 's/.*: //' "$SCRATCH/$1.stderr")" "$3"
}

submit first
hold "$SPOOL"
pids=()
run sender submit second &
pids+=($!)
run list "$BIN/flushctl" --spool "$SPOOL" list &
pids+=($!)
run release "$BIN/flushctl" --spool "$SPOOL" release --all &
pids+=($!)
flushd_start
wait "${pids[@]}"
if [ -n "${E2E_LONG:-}" ]; then
	gave_up sender 73 "the spool was busy for 30 seconds"
	gave_up list 3 "the spool was locked for 30 seconds"
	is "release: exit status" "$(cat "$SCRATCH/release.status")" 3
	is "release: why" "$(sed 's/.*: //' "$SCRATCH/release.stderr")" "the spool was locked for 30 seconds"
	ok "flushd says it" wait_until 5 flushd_logged 'reading the queue: somebody holds the lock$'
	ok "and comes back" flushd_logged 'worker failed; again in 1 s$'
else
	is "the sender waits" "$(cat "$SCRATCH/sender.status" "$SCRATCH/sender.stderr")" 0
	is "flushctl list waits" "$(cat "$SCRATCH/list.status" "$SCRATCH/list.stderr")" 0
	is "flushctl release waits, and finds nothing" "$(cat "$SCRATCH/release.status" "$SCRATCH/release.stderr")" 1
	is "flushd has nothing to complain of" "$(grep 'lock' "$FLUSHD_LOG" || true)" ""
fi
wait "$holder"
ok "when it is let go, all is delivered" wait_until 10 queue_is_empty
ok "flushd ends in order" flushd_stop

# A flushd that starts waits for the end of an old worker, no longer.
hold "$SPOOL/worker"
status=0
timeout 20 "$BIN/flushd" --spool "$SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" --once 2>"$SCRATCH/once" || status=$?
if [ -n "${E2E_LONG:-}" ]; then
	is "the worker's lock is held: flushd leaves" "$status" 1
	is "and says why in one line" "$(sed 's/.*: already/already/' "$SCRATCH/once")" \
		"already being served by another flushd, or still by a worker of one that is gone"
else
	is "the worker's lock is held for a moment: flushd waits" "$status" 0
fi
end_child "$holder" || true

# The turnstile is a courtesy: who does not get it waits for the lock like anybody else.
hold "$SPOOL/incoming"
ok "the turnstile is held: a message is taken all the same" submit third
ok "and delivered" flushd_once
done_testing
