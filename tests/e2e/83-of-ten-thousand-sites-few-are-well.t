#!/bin/bash
#
# Ten thousand sites, whose disk is not mounted but for a few; the files of some are wrong, the spools of others are
# hostile: flushd starts at once, serves those that are well, needs little memory, and does not fill the log.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start well
conf_write
COUNT=10000

# Each has a user of its own, in a host's list of users that is as long.
cp /etc/passwd "$SCRATCH/passwd"
seq -f 'mailtest-%g:x:20001:20001::/:/bin/false' $COUNT >>"$SCRATCH/passwd"
# shellcheck disable=SC2016 # the variables are those of the shell within
host=(unshare --mount --propagation private -- /bin/sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$SCRATCH/passwd")
"${host[@]}" true 2>"$SCRATCH/unshare" || skip_all "no mounts can be made: $(cat "$SCRATCH/unshare")"
WRONG=100

perl -e '
	my ($dir, $jails, $count, $wrong) = @ARGV;
	for my $n (1 .. $count) {
		open my $f, ">", "$dir/site$n.conf" or die;
		print $f "root = $jails/site$n\nuser = mailtest-$n\n", $n <= $wrong ? "quota = much\n" : "";
	}' "$CONF/sites.d" "$SCRATCH/unmounted" $COUNT $WRONG
for n in 1 2 3; do
	site_add "there$n" 20001
	site_submit "there$n" 20001 "first$n@site.test"
done

# What an owner may make of his spool: no database, a pipe, or one that he never unlocks.
HOSTILE=10
for ((n = 1; n <= HOSTILE; n++)); do
	for kind in garbage pipe locked; do
		site_add $kind$n 20002
	done
	head -c 65536 /dev/urandom >"$JAILS/garbage$n/$SPOOL_IN_JAIL/data.mdb"
	rm "$JAILS/pipe$n/$SPOOL_IN_JAIL/worker"
	mkfifo "$JAILS/pipe$n/$SPOOL_IN_JAIL/worker"
	exec {held}<"$JAILS/locked$n/$SPOOL_IN_JAIL/worker"
	flock -n "$held"
done

start=$(date +%s%N)
FLUSHD_LOG=$SCRATCH/flushd.log
at_exit flushd_clean_up
"${host[@]}" "$BIN/flushd" --config "$CONF" >"$FLUSHD_LOG" 2>&1 &
FLUSHD_PID=$!
taken_is() {
	[ "$(taken_count)" -ge "$1" ]
}
ok "mail of the sites that are there arrives" wait_until 60 taken_is 3
costs_at_most "centiseconds of CPU for that" "$(awk '{ print $14 + $15 }' "/proc/$FLUSHD_PID/stat")" 200
note "after $((($(date +%s%N) - start) / 1000000)) ms"
all_said() {
	[ "$(grep -c 'No such file or directory; again in 1 s' "$FLUSHD_LOG")" -eq $((COUNT - WRONG)) ]
}
ok "each of the others is named" wait_until 60 all_said
is "and each mistake" "$(grep -c 'quota = much' "$FLUSHD_LOG") $(grep -c 'its file is wrong' "$FLUSHD_LOG")" "$WRONG $WRONG"
is_said() {
	[ "$(grep -cE "site=$1[0-9]+ .*$2.*; again in 1 s" "$FLUSHD_LOG")" -eq $HOSTILE ]
}
ok "each that has a pipe for a lock" wait_until 20 is_said pipe "is no spool"
ok "each that is locked" wait_until 20 is_said locked "already being served"
ok "each that is no database" wait_until 20 is_said garbage "worker (failed|ended by signal)"
for n in 1 2 3; do
	site_submit "there$n" 20001 "second$n@site.test"
done
ok "those that are there are served while the others are looked for" wait_until 30 taken_is 6
costs_at_most "MiB of memory" "$(awk '/^(RssAnon|RssShmem):/ { sum += $2 } END { print int(sum / 1024) }' "/proc/$FLUSHD_PID/status")" 64
ok "the status has all of them" [ "$("$BIN/flushctl" status --json --socket "$SCRATCH/status" | grep -c '"site"')" -eq $((COUNT + 3 + 3 * HOSTILE)) ]
ok "it ends in order" flushd_stop
is "each came once" "$(sort "$SCRATCH/taken" | uniq -d)" ""
done_testing
