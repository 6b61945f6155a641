#!/bin/bash
#
# Ten thousand sites, whose disk is not mounted but for a few, and some of whose files are wrong: flushd starts at once,
# serves these few, needs little memory, and does not fill the log.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start well
conf_write
COUNT=10000
WRONG=100

perl -e '
	my ($dir, $jails, $count, $wrong) = @ARGV;
	for my $n (1 .. $count) {
		open my $f, ">", "$dir/site$n.conf" or die;
		print $f "root = $jails/site$n\nuser = 20001\n", $n <= $wrong ? "quota = much\n" : "";
	}' "$CONF/sites.d" "$SCRATCH/unmounted" $COUNT $WRONG
for n in 1 2 3; do
	site_add "there$n" 20001
	site_submit "there$n" 20001 "first$n@site.test"
done

start=$(date +%s%N)
service_start
taken_is() {
	[ "$(taken_count)" -ge "$1" ]
}
ok "mail of the sites that are there arrives" wait_until 60 taken_is 3
diag "after $((($(date +%s%N) - start) / 1000000)) ms"
failures() {
	grep -c 'No such file or directory; again in' "$FLUSHD_LOG"
}
all_said() {
	[ "$(grep -c 'No such file or directory; again in 1 s' "$FLUSHD_LOG")" -eq $((COUNT - WRONG)) ]
}
ok "each of the others is named" wait_until 60 all_said
is "and each mistake" "$(grep -c 'quota = much' "$FLUSHD_LOG") $(grep -c 'its file is wrong' "$FLUSHD_LOG")" "$WRONG $WRONG"
for n in 1 2 3; do
	site_submit "there$n" 20001 "second$n@site.test"
done
ok "those that are there are served while the others are looked for" wait_until 30 taken_is 6
at_most "MiB of memory" "$(awk '/^(RssAnon|RssShmem):/ { sum += $2 } END { print int(sum / 1024) }' "/proc/$FLUSHD_PID/status")" 64
ok "the status has all of them" [ "$("$BIN/flushctl" status --json --socket "$SCRATCH/status" | grep -c '"site"')" -eq $((COUNT + 3)) ]
ok "it ends in order" flushd_stop
is "each came once" "$(sort "$SCRATCH/taken" | uniq -d)" ""
done_testing
