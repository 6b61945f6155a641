#!/bin/bash
#
# Sites whose user was deleted, whose disk is not mounted or can only be read, whose file is wrong, and two that have one
# spool: flushd says what is wrong with each and serves the others, and these when they are well again. It does so without
# a place for its socket; and of two flushd on one configuration, the second says so and leaves.

# shellcheck source=tests/e2e/sites.sh
. "$(dirname "$0")/sites.sh"
sites_open
moody_start well
conf_write

# A host with users and mounts of its own.
cp /etc/passwd "$SCRATCH/passwd"
# shellcheck disable=SC2016 # the variables are those of the shell within
host=(unshare --mount --propagation private -- /bin/sh -c
	'mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/jails/frozen" "$0/jails/frozen" &&
	mount -o remount,ro,bind "$0/jails/frozen" && exec "$@"' "$SCRATCH")

site_add well 20001
site_add deleted 20002
site_write deleted mailtest-deleted
site_add unmounted 20003
mv "$JAILS/unmounted" "$JAILS/away"
site_add frozen 20004
site_add wrong 20005 "quota = much"
site_add twin 20006
site_write double 20006 "domain = double.test"
sed -i 's/^root = .*/root = '"${JAILS//\//\\/}"'\/twin/' "$CONF/sites.d/double.conf"
site_write "odd name" 20007
sites=(deleted frozen twin wrong)
for site in well "${sites[@]}"; do
	uid=$(stat -c %u "$JAILS/$site/$SPOOL_IN_JAIL")
	site_submit "$site" "$uid" "first@$site.test"
done
"${host[@]}" true 2>"$SCRATCH/unshare" || skip_all "no mounts can be made: $(cat "$SCRATCH/unshare")"

host_start() {
	FLUSHD_LOG=$SCRATCH/flushd.log
	: >"$FLUSHD_LOG"
	"${host[@]}" "$BIN/flushd" --config "$CONF" >>"$FLUSHD_LOG" 2>&1 &
	FLUSHD_PID=$!
}
at_exit flushd_clean_up

# ctl VERB...: exit status, output and errors are left behind.
ctl() {
	code=0
	"$BIN/flushctl" --config "$CONF" "$@" >"$SCRATCH/out" 2>"$SCRATCH/err" </dev/null || code=$?
}

status_of() {
	"$BIN/flushctl" status --socket "$SCRATCH/status" --json | perl -MJSON::PP -ne '
		BEGIN { $name = shift @ARGV }
		my $o = JSON::PP->new->decode($_);
		print join(" ", $o->{state}, $o->{last_error} // "-"), "\n" if ($o->{site} // "") eq $name' "$1"
}

# --- at the start -------------------------------------------------------------------------------------

host_start
ok "mail of the site that is well arrives" wait_until 20 is_taken first@well.test
for words in \
	"sites.d/deleted.conf: user = mailtest-deleted: there is no such user" \
	"site=deleted user = mailtest-deleted: there is no such user; again in 1 s" \
	"site=unmounted $JAILS/unmounted/$SPOOL_IN_JAIL: No such file or directory; again in 1 s" \
	"site=frozen $JAILS/frozen/$SPOOL_IN_JAIL: Read-only file system; again in 1 s" \
	"sites.d/wrong.conf:3: quota = much: want a number of bytes" \
	"site=wrong its file is wrong; 'flushd --check' says where" \
	"site=twin its file is wrong" "site=double its file is wrong" \
	"sites (twin and double|double and twin) have the same spool" \
	"sites.d/odd name.conf: the name of a site is"; do
	ok "it is said: ${words//$SCRATCH/}" wait_until 10 flushd_logged "$words"
done
is "the status has what is wrong" "$(status_of wrong)" "delayed its file is wrong; 'flushd --check' says where"
ok "and who is missing" grep -q '^delayed user = mailtest-deleted: there is no such user' <<<"$(status_of deleted)"
is "a monitor is warned" "$({ "$BIN/flushctl" check --socket "$SCRATCH/status" || true; } | awk '{ print $2 }')" WARNING:
for site in "${sites[@]}"; do
	ok "nothing of $site is sent" is_taken "first@$site.test" 0
done

# --- who submits --------------------------------------------------------------------------------------

status=0
printf 'x\n' | nsenter --mount --target "$FLUSHD_PID" env MINI_SENDMAIL_SPOOL="$JAILS/frozen/$SPOOL_IN_JAIL" \
	"$BIN/mini_sendmail" -f "last@frozen.test" reader@example.org 2>"$SCRATCH/err" || status=$?
is "where nothing can be written, nothing is taken" "$status $(sed 's/.*: //' "$SCRATCH/err")" "73 the file system is read-only"
ok "a site that is not served submits as always" site_submit wrong 20005 second@wrong.test

# --- flushctl -----------------------------------------------------------------------------------------

ctl list
is "flushctl list has the sites that it can read, and says that it is not all" \
	"$code $(grep -c first@frozen.test "$SCRATCH/out")" "3 1"
ok "and what is wrong" grep -q 'wrong.conf:3: quota' "$SCRATCH/err"
ctl --site frozen hold --all
is "what names a site that is well does what it says" "$code $(cat "$SCRATCH/out")" "0 1 message held"
ctl --site frozen release --all
for site in wrong twin; do
	ctl --site $site list
	is "of one whose file is wrong that is said" "$code $(tail -n 1 "$SCRATCH/err")" \
		"3 flushctl: the file of site '$site' is wrong"
done
ctl --site deleted list
is "and of one without its user" "$code $(tail -n 1 "$SCRATCH/err")" "3 flushctl: deleted: there is no user 'mailtest-deleted'"
ctl site list
is "site list has all but those that are wrong" "$code $(awk 'NR > 1 { print $1 }' "$SCRATCH/out" | xargs)" \
	"3 deleted frozen unmounted well"
status=0
"$BIN/flushd" -c "$CONF" -n >"$SCRATCH/out" 2>"$SCRATCH/err" || status=$?
is "flushd -n finds each mistake" "$status $(grep -cE 'no such user|quota = much|same spool|name of a site' "$SCRATCH/err")" "1 4"

# --- well again ---------------------------------------------------------------------------------------

echo "mailtest-deleted:x:20002:20002::/:/bin/false" >>"$SCRATCH/passwd"
ok "the user is back: its mail arrives, without a word to flushd" wait_until 70 is_taken first@deleted.test
mv "$JAILS/away" "$JAILS/unmounted"
nsenter --mount --target "$FLUSHD_PID" mount -o remount,rw,bind "$JAILS/frozen"
site_submit unmounted 20003 first@unmounted.test
kill -HUP "$FLUSHD_PID"
ok "the disk is mounted" wait_until 20 is_taken first@unmounted.test
ok "and can be written" wait_until 20 is_taken first@frozen.test
site_write wrong 20005
rm "$CONF/sites.d/double.conf"
kill -HUP "$FLUSHD_PID"
ok "the file is right" wait_until 20 is_taken first@wrong.test
ok "and what was submitted meanwhile is sent" wait_until 20 is_taken second@wrong.test
ok "and the spool is one site's" wait_until 20 is_taken first@twin.test
is_idle() {
	status_of "$1" | grep -q '^idle '
}
ok "the status says so" wait_until 10 is_idle wrong

# --- a reload -----------------------------------------------------------------------------------------

: >"$FLUSHD_LOG"
echo "rot = x" >>"$CONF/sites.d/well.conf"
site_add new 20008
site_submit new 20008 first@new.test
kill -HUP "$FLUSHD_PID"
ok "a mistake is said at a reload" wait_until 10 flushd_logged "well.conf:3: rot: there is no such key"
ok "another site is served as its file says" wait_until 20 is_taken first@new.test
site_submit well 20001 second@well.test
ok "and the one with the mistake as before" wait_until 20 is_taken second@well.test
echo "nonsense = x" >>"$CONF/flushd.conf"
rm "$CONF/sites.d/new.conf"
kill -HUP "$FLUSHD_PID"
ok "with a mistake in flushd.conf nothing is changed" wait_until 10 flushd_logged "the configuration stays as it was"
site_submit new 20008 second@new.test
ok "for no site" wait_until 20 is_taken second@new.test
mv "$CONF" "$CONF.away"
kill -HUP "$FLUSHD_PID"
ok "nor when there is no configuration any more" wait_until 10 flushd_logged "$CONF: No such file or directory"
mv "$CONF.away" "$CONF"
site_write well 20001
conf_write

# --- a second flushd ----------------------------------------------------------------------------------

second_start() {
	status=0
	timeout 20 "$BIN/flushd" --config "$CONF" >"$SCRATCH/out" 2>"$SCRATCH/err" || status=$?
}
second_start
is "a second flushd leaves" "$status" 2
ok "and says why" grep -q "status_socket = $SCRATCH/status: another flushd answers there" "$SCRATCH/err"
is "with a last word that is clear" "$(tail -n 1 "$SCRATCH/err")" "flushd: leaves: another flushd serves these sites"
ok "the first goes on" "$BIN/flushctl" metrics --socket "$SCRATCH/status" --output "$SCRATCH/metrics"
site_submit well 20001 third@well.test
ok "and sends" wait_until 20 is_taken third@well.test
ok "it ends in order" flushd_stop
echo "nonsense = x" >>"$CONF/flushd.conf"
second_start
is "with a mistake in flushd.conf none starts" "$status $(grep -c 'flushd.conf:3: nonsense' "$SCRATCH/err")" "2 1"
conf_write
mv "$CONF" "$CONF.away"
second_start
is "nor without a configuration" "$status $(cat "$SCRATCH/err")" "2 flushd: $CONF: No such file or directory"
status=0
"$BIN/flushd" --config "$CONF" --check >"$SCRATCH/out" 2>"$SCRATCH/err" || status=$?
is "which --check says, too" "$status $(cat "$SCRATCH/out" "$SCRATCH/err")" "1 flushd: $CONF: No such file or directory"
mv "$CONF.away" "$CONF"

# --- no place for the socket --------------------------------------------------------------------------

sed -i "s|^status_socket.*|status_socket = $SCRATCH/no/run/status|" "$CONF/flushd.conf"
host_start
ok "where there is no place for its socket it says so" wait_until 10 flushd_logged "no/run/status: No such file or directory; nobody can ask"
site_submit well 20001 fourth@well.test
ok "and sends" wait_until 20 is_taken fourth@well.test
ok "it ends in order" flushd_stop
is "each came once" "$(sort "$SCRATCH/taken" | uniq -d)" ""
done_testing
