#!/bin/bash
#
# list, hold, release and remove of a long queue hold the lock for a page or a batch at a time, and senders come in
# between. What they submit meanwhile is there.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
POSTFIX_PORT=25
conf_write
site_add shop 20001
SPOOL=$JAILS/shop/$SPOOL_IN_JAIL
count=600
# Ten times what the slowest machine that is at rest needs, as others may be at work beside us.
limit_us=200000
trace=$SCRATCH/trace
export SPOOL

submit_one() {
	printf 'Subject: x\n\nx\n' | MINI_SENDMAIL_SPOOL=$SPOOL as_uid 20001 "$BIN/mini_sendmail" -i \
		-f "n$1@shop.test" reader@example.org
}
export -f submit_one as_uid
seq "$count" | xargs -P 4 -I '{}' bash -c 'submit_one {}'
is "a queue is there" "$(flushctl list --json | wc -l)" "$count"

# traced VERB...: sets turns, how often the spool's lock was had (for a change, if it changes something), and median,
# for how many microseconds.
traced() {
	strace -f -y -ttt -e trace=flock -o "$trace" "$BIN/flushctl" --config "$CONF" --site shop "$@" >"$SCRATCH/out" || true
	# shellcheck disable=SC2016 # the variables are Perl's
	read -r turns median < <(perl -ne '
		BEGIN { $dir = quotemeta shift @ARGV }
		next unless m{^\d+ +(\S+) flock\(\d+<$dir>, (\S+?)\) += 0};
		if ($2 eq "LOCK_UN") { push @{$held{$kind}}, $1 - $begun }
		else { ($begun, $kind) = ($1, substr $2, 0, 7) }
		END {
			@held = sort { $a <=> $b } @{$held{LOCK_EX} // $held{LOCK_SH}};
			printf "%d %d\n", scalar @held, 1e6 * $held[@held / 2];
		}' "$SPOOL" "$trace")
	note "$*: $turns turns, half of them longer than $median us"
}

# --- senders come in between ----------------------------------------------------------------------------

for verb in "list" "hold --all" "release --all"; do
	# shellcheck disable=SC2086 # a verb and its options
	traced $verb
	ok "$verb: a hundred messages a turn at most" [ "$turns" -ge $((count / 100)) ]
	at_most "$verb: half of its turns take at most so many microseconds" "$median" "$limit_us"
done

has_only_read() {
	! grep -qF "<$SPOOL>, LOCK_EX" "$trace"
}
traced release --all
ok "release of what is not held lets senders go on: it only reads" has_only_read
traced hold --state failed
ok "so does a filter that finds nothing" has_only_read

more=40
: >"$SCRATCH/slowest"
(
	slowest=0
	for n in $(seq "$more"); do
		begun=$(now_us)
		submit_one "more$n"
		took=$(($(now_us) - begun))
		[ "$took" -le "$slowest" ] || slowest=$took
	done
	echo "$slowest" >"$SCRATCH/slowest"
) &
senders=$!
at_exit "end_child $senders || true"
rounds=0
until has_ended "$senders"; do
	flushctl hold --all >/dev/null || true
	flushctl release --all >/dev/null || true
	rounds=$((rounds + 1))
done
ok "senders are served while an operator steers, again and again" wait "$senders"
note "$rounds rounds; the slowest sender took $(cat "$SCRATCH/slowest") us"
at_most "none waits as if he had to wait for all of it" "$(cat "$SCRATCH/slowest")" 2000000
is "what they submitted is there" "$(flushctl list --json | wc -l)" $((count + more))

traced remove --yes --sender @shop.test
is "all is removed" "$(cat "$SCRATCH/out")" "$((count + more)) messages removed"
ok "remove: a hundred messages a turn at most" [ "$turns" -ge $(((count + more) / 100)) ]
at_most "remove: half of its turns take at most so many microseconds" "$median" "$limit_us"
ok "the queue is empty" queue_is_empty
done_testing
