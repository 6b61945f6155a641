#!/bin/bash
#
# Each page of a spool is damaged in some ways. What flushd can still read it may send, but not every time it is
# started again because it could not record that; and what it sends is what was given.

# shellcheck source=tests/faults/worker.sh
. "$(dirname "$0")/worker.sh"
LANES=8
worker_open

# damaged_spool NAME: one with a past, so that it has a list of free pages.
damaged_spool() {
	TRIAL=$SCRATCH/$1
	mkdir "$TRIAL"
	spool_create "$TRIAL/spool"
	letter_send "$1-past"
	flushd_once
	letter_send "$1-a"
	letter_send "$1-b"
}

# damage PAGE KIND
damage() {
	perl -e '
		my ($file, $page, $kind) = @ARGV;
		my %bytes = (
			zeros  => [ 0, "\0" x 4096 ],
			noise  => [ 0, join "", map { chr 255 & 37 * $_ + 11 } 1 .. 4096 ],
			header => [ 8, "\xff" x 8 ],
			body   => [ 2048, join "", map { chr 255 & 91 * $_ } 1 .. 2048 ],
		);
		open my $f, "+<:raw", $file or die "$file: $!\n";
		seek $f, 4096 * $page + $bytes{$kind}[0], 0;
		print $f $bytes{$kind}[1];
	' "$SPOOL/data.mdb" "$@"
}

# damage_at PAGE:KIND
damage_at() {
	local name=${1//:/-} token copies
	damaged_spool "$name"
	damage "${1%:*}" "${1#*:}"
	"$BIN/flushd" --spool "$SPOOL" --relay "127.0.0.1:$POSTFIX_PORT" 2>>"$TRIAL/flushd.log" &
	flushd=$!
	supervisor=$!
	worker_wait
	for token in "$name-a" "$name-b"; do
		copies=$(sink_copies "$token")
		[ "$copies" -le 2 ] || echo "${token##*-} sent $copies times"
	done >"$RESULTS/$1"
	[ ! -e "$TRIAL/stuck" ] || cat "$TRIAL/stuck" >>"$RESULTS/$1"
	[ -n "${RIG_KEEP:-}" ] || rm -rf "$TRIAL"
}

# The first two are LMDB's own, which it writes anew each time.
places() {
	local kind page pages
	damaged_spool probe
	pages=$(($(stat -c %s "$SPOOL/data.mdb") / 4096))
	for kind in zeros noise header body; do
		for ((page = 2; page < pages; page++)); do
			echo "$page:$kind"
		done
	done
}

# A worker that fails is started again after 1 s, 2 more, 4 more.
LASTS=4
BOUNDED=16
mapfile -t places < <(places | bounded)
trials_begin damage_at "${places[@]}"
trials_end
experiment "a damaged page, and a message sent three times" "$tried" "$violations"

altered=0
sent=0
for sink in "${sinks[@]}"; do
	MAILDIR=${sink%% *}
	sent=$((sent + $(wc -l <"$MAILDIR/taken")))
	counts=$(tests/rig/letters compare "$JOURNAL" "$MAILDIR" 2>/dev/null)
	counts=${counts#*altered=}
	altered=$((altered + ${counts%% *}))
done
experiment "a damaged page, and a message sent that was altered" "$sent" "$altered"
done_testing
