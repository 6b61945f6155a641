#!/bin/bash
#
# The owner of a jail exchanges what is on the way to his spool, hundreds of times while flushd serves it, for links and
# for directories of others. Nothing outside of the jail is opened or locked, and the site is served again in the end.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
# shellcheck source=tests/rig/trace.sh
. tests/rig/trace.sh
sites_open
strace -o /dev/null true 2>/dev/null || skip_all "needs to trace, which is not allowed here"
moody_start well
bad=20001
conf_write "max_workers = 4"
site_add bad $bad
site_add good 20002
chown -R $bad "$JAILS/bad"

# A spool like his that is somebody else's, outside, and one that is his own: not even that is to be found.
CANARY=$SCRATCH/canary
mkdir -p "$CANARY/spool"
"$BIN/flushctl" init "$CANARY/spool/mini-sendmail" --user $bad
chmod 755 "$CANARY" "$CANARY/spool"
MINI_SENDMAIL_SPOOL=$CANARY/spool/mini-sendmail as_uid $bad "$BIN/mini_sendmail" -i -f canary@bad.test \
	reader@example.org <<<"not to be sent"

# outside TRACE: what was opened there, one line each; strace says where a descriptor leads.
outside() {
	grep -hE '(openat?2?|execve|chdir|inotify_add_watch)\(.*= [0-9]+<[^>]*/canary|flock\([0-9]+<[^>]*/canary' "$@" || true
}

# The eyes of this test are open: who does go there is seen.
strace -f -y -o "$SCRATCH/control" -e trace=openat,open,flock flock "$CANARY/spool/mini-sendmail/worker" true
is "a trace shows who opens and locks something there" "$(outside "$SCRATCH/control" | wc -l)" 2

FLUSHD_LOG=$SCRATCH/flushd.log
at_exit flushd_clean_up
strace -D -f -qq -y -o "$SCRATCH/trace" -e trace=openat,open,flock,chdir,fchdir,chroot,inotify_add_watch \
	"$BIN/flushd" --config "$CONF" >>"$FLUSHD_LOG" 2>&1 &
FLUSHD_PID=$!
site_submit bad $bad before@bad.test
ok "he is served" wait_until 20 is_taken before@bad.test

# Exchange is one call, so that the name is never free.
# shellcheck disable=SC2016 # the variables are Perl's
setpriv --reuid $bad --regid $bad --clear-groups -- perl -MTime::HiRes=sleep -MPOSIX=uname -e '
	my ($jail, $canary, $swaps) = @ARGV;
	my $renameat2 = (uname)[4] eq "aarch64" ? 276 : 316;
	chdir $jail or die "$jail: $!\n";
	sub exchange {
		my ($x, $y) = @_;
		syscall($renameat2, -100, $x, -100, $y, 2) == 0 or die "exchange $x $y: $!\n";
	}
	symlink "$canary", "var/link";
	symlink "../../../canary/spool", "var/up";
	symlink "$canary/spool/mini-sendmail", "var/spool/link";
	symlink "$canary/spool/mini-sendmail/worker", "var/spool/mini-sendmail/worker-link";
	mkdir "var/spool/other";
	my @pairs = (
		["var/spool", "var/up"], ["var/spool", "var/link"],
		["var/spool/mini-sendmail", "var/spool/link"], ["var/spool/mini-sendmail", "var/spool/other"],
		["var/spool/mini-sendmail/worker", "var/spool/mini-sendmail/worker-link"],
	);
	for my $n (1 .. $swaps) {
		my ($x, $y) = @{$pairs[$n % @pairs]};
		exchange($x, $y);
		sleep rand 0.01;
		exchange($x, $y);
		# It is said that there is mail.
		utime undef, undef, "var/spool/mini-sendmail/data.mdb";
		open my $f, ">>", "var/spool/mini-sendmail/data.mdb";
		sleep rand 0.01;
	}
	print "$swaps\n";
' "$JAILS/bad" "$CANARY" 500 >"$SCRATCH/swaps" 2>"$SCRATCH/swapper.said" &
SWAPPER=$!
looks=0
while ! has_ended $SWAPPER; do
	# A reload has every spool opened anew, whatever delay there was.
	kill -HUP "$FLUSHD_PID"
	looks=$((looks + 1))
	sleep 0.02
done
wait $SWAPPER || true
is "he exchanged what is on the way" "$(cat "$SCRATCH/swaps" "$SCRATCH/swapper.said")" 500
note "$looks reloads"
ok "flushd came by often" [ "$looks" -gt 100 ]
ok "and found another thing there" flushd_logged 'site=bad .*: (Not a directory|is no spool|Too many levels|No such file)'
site_submit good 20002 during@good.test
ok "another site is served meanwhile" wait_until 20 is_taken during@good.test
site_submit bad $bad after@bad.test
kill -HUP "$FLUSHD_PID"
ok "so is he, when it is over" wait_until 90 is_taken after@bad.test
ok "flushd ends in order" flushd_stop
is "nothing outside was opened or locked" "$(outside "$SCRATCH/trace")" ""
is "nothing of it was sent" "$(grep -c canary "$SCRATCH/taken" || true)" 0
is "and it is as it was" "$("$BIN/flushctl" --spool "$CANARY/spool/mini-sendmail" list --json | wc -l)" 1
done_testing
