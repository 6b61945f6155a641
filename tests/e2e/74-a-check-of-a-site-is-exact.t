#!/bin/bash
#
# `flushctl site check` is what a configuration management asks before it does anything: whatever single thing of a site
# is missing or other than `site add` makes it, it notices, and `site add` mends it or says why not.

# shellcheck source=tests/e2e/jails.sh
. "$(dirname "$0")/jails.sh"
jails_open
COPY=usr/libexec/mini-sendmail/mini_sendmail
SHELL_COPY=usr/libexec/mini-sendmail/jailsh
SPOOL_DIR=var/spool/mini-sendmail

# breaks CLAIM FINDING CODE BREAK...: a check says FINDING when BREAK was done, and `add` ends with CODE.
breaks() {
	local claim=$1 finding=$2 code=$3
	shift 3
	rm -rf "$JAIL" "$CONF/sites.d"
	mkdir -m 755 "$JAIL"
	site add "$JAIL" --user $SITE_UID
	ok "$claim: before, all is well" site check site1 --quiet
	(cd "$JAIL" && eval "$*")
	is "$claim: it is noticed" "$(site_exits check site1)" 1
	ok "$claim: and said" said "$finding"
	is "$claim: but not when quiet" "$(site_exits check site1 --quiet) $(cat "$SCRATCH/said")" "1 "
	is "$claim: it is mended" "$(site_exits add "$JAIL" --user $SITE_UID)" "$code"
	[ "$code" -ne 0 ] || ok "$claim: and all is well again" site check site1 --quiet
}

breaks "no program" "/$COPY: is missing" 0 rm $COPY
breaks "an old program" "/$COPY: is of another version" 0 "echo >>$COPY"
breaks "one byte of it" "/$COPY: is of another version" 0 \
	"printf x | dd of=$COPY bs=1 seek=70000 conv=notrunc status=none"
breaks "a short program" "/$COPY: is of another version" 0 "truncate -s -1 $COPY"
breaks "one that anybody may write" "/$COPY: has mode 0777" 0 "chmod 777 $COPY"
breaks "one that nobody can run" "/$COPY: has mode 0644" 0 "chmod 644 $COPY"
breaks "one with the rights of root" "/$COPY: has mode 4755" 0 "chmod 4755 $COPY"
breaks "one of the user's" "/$COPY: belongs to uid $SITE_UID" 0 "chown $SITE_UID $COPY"
breaks "no sendmail" "/usr/sbin/sendmail: is missing" 0 rm usr/sbin/sendmail
breaks "no directory of it" "/usr/sbin/sendmail: is missing" 0 rm -r usr/sbin
breaks "no shell" "/bin/sh: is missing" 0 rm bin/sh
breaks "no program of the shell" "/$SHELL_COPY: is missing" 0 rm $SHELL_COPY
breaks "another shell in its copy" "/$SHELL_COPY: is of another version" 0 "cat $COPY >$SHELL_COPY"
breaks "no spool" "/$SPOOL_DIR: is missing" 0 rm -r $SPOOL_DIR
breaks "no environment in it" "/$SPOOL_DIR: is no spool" 3 rm $SPOOL_DIR/data.mdb
breaks "an empty one" "/$SPOOL_DIR: is damaged" 3 "truncate -s 0 $SPOOL_DIR/data.mdb"
breaks "one of zeros" "/$SPOOL_DIR: is damaged" 3 "truncate -s 0 $SPOOL_DIR/data.mdb; truncate -s 64K $SPOOL_DIR/data.mdb"
breaks "the spool of another" "/$SPOOL_DIR: belongs to uid 20009, not to $SITE_UID" 3 chown 20009 $SPOOL_DIR
breaks "a spool of anybody's" "/$SPOOL_DIR: has mode 0777" 3 chmod 777 $SPOOL_DIR
breaks "a spool that its user cannot enter" "/$SPOOL_DIR: has mode 0600" 3 chmod 600 $SPOOL_DIR
breaks "usr is a link" "/$COPY: there is a symbolic link on the way" 3 "mv usr other && ln -s other usr"

# --- what is no finding ------------------------------------------------------------------------------------

rm -rf "$JAIL" "$CONF/sites.d"
mkdir -p "$JAIL/usr/share/zoneinfo" "$JAIL/usr/sbin" "$JAIL/bin"
cp "$(type -P true)" "$JAIL/usr/sbin/sendmail"
cp "$BIN/jailsh" "$JAIL/bin/sh"
site add "$JAIL" --user $SITE_UID
is "a sendmail and a shell of the jail's own are well" "$(site_exits check site1)" 0
is "of which one note is to be made" "$(cut -d : -f 1,2 <"$SCRATCH/said")" "$JAIL/usr/sbin/sendmail: note"
ok "the copy of the shell is not needed" [ ! -e "$JAIL/$SHELL_COPY" ]
rm "$CONF/sites.d/site1.conf"
is "without its registration there is no site" "$(site_exits check "$JAIL")" 1
ok "which is said" said "there is no site '$JAIL'"
site add "$JAIL" --user $SITE_UID --name other
is "by another name it is the same jail" "$(site_exits check "$JAIL") $(site_exits check site1) $(site_exits check other)" \
	"0 1 0"
is "which cannot be two sites" "$(site_exits add "$JAIL" --user $SITE_UID)" 3
ok "which is said, too" said "is the site other already"
for option in "--domain x.test" "--spool /var/spool/x" "--user 20009"; do
	# shellcheck disable=SC2086 # these are words
	is "a site that is there is not changed: $option" "$(site_exits add "$JAIL" --name other --user $SITE_UID $option)" 3
	ok "what it has is said: $option" said 'site other is there already, with '
done
echo "quota = 1x" >>"$CONF/sites.d/other.conf"
is "a configuration that is wrong is an error" "$(site_exits check other)" 3
is "and nothing is done with it" "$(site_exits add "$JAIL" --user $SITE_UID --name other)" 3

# It is asked often.
rm "$CONF/sites.d/other.conf"
site add "$JAIL" --user $SITE_UID
begin=$(now_us)
for ((n = 0; n < 20; n++)); do site check site1 --quiet; done
at_most "milliseconds of a check" $((($(now_us) - begin) / 20000)) 500
is "where the configuration is may be said in front, too" \
	"$("$BIN/flushctl" --config "$CONF" site check site1 --quiet && echo well)" well
is "only root can" "$(as_uid $SITE_UID "$BIN/flushctl" site check site1 --config "$CONF" 2>&1 || true)" \
	"flushctl: only root can do this"
done_testing
