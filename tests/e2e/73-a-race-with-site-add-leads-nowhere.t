#!/bin/bash
#
# The owner of a jail exchanges all that is on the way, as fast as he can, while `flushctl site` is at work in there again
# and again. Nothing outside of the jail is even opened, whatever becomes of the jail.

# shellcheck source=tests/e2e/jails.sh
. "$(dirname "$0")/jails.sh"
jails_open
strace -o /dev/null true 2>/dev/null || skip_all "needs to trace, which is not allowed here"
ROUNDS=$([ -z "${E2E_LONG:-}" ] && echo 25 || echo 400)

# What he would like to have: the same names, of root and of another user.
CANARY=$SCRATCH/canary
mkdir -p "$CANARY"/{usr/sbin,usr/libexec/mini-sendmail,bin,var/spool}
echo "root's own" >"$CANARY/usr/libexec/mini-sendmail/mini_sendmail"
cp -r "$CANARY" "$SCRATCH/canary-of-another"
chown -R 20009:20009 "$SCRATCH/canary-of-another"
chmod 755 "$CANARY" "$SCRATCH/canary-of-another"
canary() {
	tree "$CANARY" "$SCRATCH/canary-of-another" | sed -E 's/ [^ ]+ [^ ]+ ( *)$/ \1/'
}
before=$(canary)

# outside TRACE...: what was opened, made or changed there, one line each; strace says where a descriptor leads.
outside() {
	grep -hE '<[^>]*/canary|"[^"]*/canary[^"]*".* = [0-9]' "$@" | grep -vE 'readlink|symlinkat\("|newfstatat' || true
}
strace -f -y -o "$SCRATCH/control" -e trace=%file,%desc touch "$CANARY/control"
ok "a trace shows who makes something there" [ "$(outside "$SCRATCH/control" | wc -l)" -gt 0 ]
rm "$CANARY/control"
before=$(canary)

site add "$JAIL" --user $SITE_UID
chown -hR $SITE_UID:$SITE_UID "$JAIL"

# The exchange is one call, so that a name is never free; temporary names are taken as they come.
# shellcheck disable=SC2016 # the variables are Perl's
setpriv --reuid $SITE_UID --regid $SITE_UID --clear-groups -- perl -MPOSIX=uname -e '
	my ($jail, $canary, $stop, $ready) = @ARGV;
	my $renameat2 = (uname)[4] eq "aarch64" ? 276 : 316;
	chdir $jail or die "$jail: $!\n";
	mkdir "mine";
	my @places = ("usr", "usr/sbin", "usr/libexec", "usr/libexec/mini-sendmail", "bin", "var", "var/spool");
	my @pairs;
	for my $p (@places) {
		my $name = $p =~ s{/}{-}gr;
		symlink "$canary/$p", "mine/link-$name";
		symlink "$canary-of-another/$p", "mine/other-$name";
		push @pairs, [$p, "mine/link-$name"], [$p, "mine/other-$name"];
	}
	# Within one directory, what root has made there can be exchanged, too.
	symlink "$canary/usr", "up"; push @pairs, ["usr", "up"];
	symlink "../../canary/var/spool", "var/up"; push @pairs, ["var/spool", "var/up"];
	symlink "$canary/var/spool", "var/spool/up"; push @pairs, ["var/spool/mini-sendmail", "var/spool/up"];
	my $swaps = 0;
	open my $f, ">", $ready or die; close $f;
	until (-e $stop) {
		my ($x, $y) = @{$pairs[rand @pairs]};
		$swaps++ if syscall($renameat2, -100, $x, -100, $y, 2) == 0;
		if (rand() < 0.3) {
			my $draft = "usr/libexec/mini-sendmail/." . (rand() < 0.5 ? "mini_sendmail" : "jailsh") . ".new";
			rename $draft, "mine/draft" or symlink "$canary/usr/new", $draft;
			unlink $draft if rand() < 0.5;
		}
		# So that there is something to be put there.
		unlink glob "usr/libexec/mini-sendmail/* usr/sbin/* bin/*" if rand() < 0.1;
		if (rand() < 0.1) {
			my ($draft) = grep { /new/ } glob "var/spool/.*";
			rename $draft, "mine/spool" . $swaps if defined $draft;
		}
		syscall($renameat2, -100, $x, -100, $y, 2);
	}
	print $swaps > 100 ? "often\n" : "$swaps\n";
' "$JAIL" "$CANARY" "$SCRATCH/stop" "$JAIL/ready" >"$SCRATCH/swaps" 2>"$SCRATCH/swapper.said" &
SWAPPER=$!
at_exit "touch $SCRATCH/stop"
ok "he is at it" wait_until 20 test -e "$JAIL/ready"

traced() {
	strace -f -qq -y -o "$SCRATCH/trace.$((n++))" -e trace=%file,%desc,chroot "$BIN/flushctl" site "$@" --config "$CONF" \
		>>"$SCRATCH/raced" 2>&1
}
n=0 done=0 refused=0
# So many rounds, and then until he and we have met.
met() {
	[ "$done" -gt 0 ] && [ "$refused" -gt 0 ] && grep -q 'there is a symbolic link on the way' "$SCRATCH/raced" &&
		grep -qE 'put in place|replaced' "$SCRATCH/raced"
}
for ((round = 0; round < 20 * ROUNDS; round++)); do
	[ "$round" -lt "$ROUNDS" ] || ! met || break
	for verb in "add $JAIL --user $SITE_UID" "refresh --all" "check site1 --quiet" "remove site1"; do
		rm -f "$CONF/sites.d/site1.conf"
		[[ $verb = add* ]] || site_write site1 $SITE_UID
		# shellcheck disable=SC2086 # these are words
		if traced $verb; then done=$((done + 1)); else refused=$((refused + 1)); fi
	done
	! has_ended $SWAPPER || break
done
touch "$SCRATCH/stop"
wait $SWAPPER || true
is "he exchanged what is on the way" "$(cat "$SCRATCH/swaps" "$SCRATCH/swapper.said")" often
note "$n runs: $done were done, $refused were not"
ok "some of the runs came through" [ "$done" -gt 0 ]
ok "some did not" [ "$refused" -gt 0 ]
ok "programs were put there" grep -qE 'put in place|replaced' "$SCRATCH/raced"
ok "links were met" grep -q 'there is a symbolic link on the way' "$SCRATCH/raced"
is "nothing outside was opened, made or changed" "$(outside "$SCRATCH"/trace.* | head -n 5)" ""
is "and all there is as it was" "$(canary)" "$before"
is "no file of root's is more than a program" \
	"$(find "$JAIL" -uid 0 -type f -not \( -perm 0755 -o -perm 0600 \) | head -n 5)" ""
is "nobody's but his and root's is in the jail" "$(find "$JAIL" -not -uid 0 -not -uid $SITE_UID)" ""

rm -rf "$JAIL"
mkdir -m 755 "$JAIL"
rm -f "$CONF/sites.d/site1.conf"
is "with him gone, it becomes a site" "$(site_exits add "$JAIL" --user $SITE_UID)" 0
done_testing
