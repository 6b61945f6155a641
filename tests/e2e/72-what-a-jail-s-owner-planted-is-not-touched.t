#!/bin/bash
#
# The owner of a jail has put links, hard links, pipes and directories where `site add` is going to put something. Whatever
# it makes of that, nothing outside the jail is made or changed, and nothing that was there is written to, given away,
# or gets another mode.

# shellcheck source=tests/e2e/jails.sh
. "$(dirname "$0")/jails.sh"
jails_open

CANARY=$SCRATCH/canary
mkdir -p "$CANARY/usr/sbin" "$CANARY/spool"
echo "root's own" >"$CANARY/file"
chmod 600 "$CANARY/file"
chmod 755 "$CANARY"
COPY=usr/libexec/mini-sendmail/mini_sendmail

# A jail that is its user's from the root down.
jail_renew() {
	rm -rf "$JAIL" "$CONF/sites.d"
	mkdir -p "$JAIL"/{usr/libexec/mini-sendmail,usr/sbin,bin,var/spool}
}
# What the canary is; its file may get another name, and with it another time of change.
canary() {
	find "$CANARY" -printf '%p %y %i %u %g %m %s %T@ %l\n' | sort
	cat "$CANARY/file"
}
before=$(canary)

# plants CLAIM CODE SAID PLANT...: `add` ends with CODE and says so, when PLANT was done in the jail.
plants() {
	local claim=$1 code=$2 words=$3
	shift 3
	jail_renew
	(cd "$JAIL" && eval "$*")
	chown -hR $SITE_UID:$SITE_UID "$JAIL"
	# chown -R follows no link, but gives away what has a name here, too.
	chown 0:0 "$CANARY/file"
	is "$claim: exit status" "$(site_exits add "$JAIL" --user $SITE_UID)" "$code"
	ok "$claim: it is said" said "$words"
	is "$claim: nothing outside has changed" "$(canary)" "$before"
	is "$claim: no temporary file is left" "$(find "$JAIL" -name '.*' -type f)" ""
}

plants "usr is a link out of the jail" 3 'usr/libexec/.*: there is a symbolic link on the way' \
	"rm -r usr && ln -s $CANARY/usr usr"
plants "usr/sbin is a link out of it" 3 '/usr/sbin/sendmail: there is a symbolic link' \
	"rmdir usr/sbin && ln -s ../../../canary/usr/sbin usr/sbin"
plants "usr/sbin is a link within it" 3 '/usr/sbin/sendmail: there is a symbolic link' \
	"rmdir usr/sbin && ln -s ../bin usr/sbin"
plants "usr/sbin is a file" 3 '/usr/sbin/sendmail: .*no directory' "rmdir usr/sbin && touch usr/sbin"
plants "bin is a link out of it" 3 '/bin/sh: there is a symbolic link' "rmdir bin && ln -s $CANARY bin"
plants "the copy is a link out of it" 0 "$COPY: replaced: is a symbolic link" "ln -s $CANARY/file $COPY"
plants "the copy is a link to nowhere" 0 "$COPY: replaced: is a symbolic link" "ln -s $CANARY/new $COPY"
plants "the copy is a hard link to root's file" 0 "$COPY: replaced: " "ln $CANARY/file $COPY"
plants "the copy is a pipe" 0 "$COPY: replaced: is no regular file" "mkfifo $COPY"
plants "the copy is the user's" 0 "$COPY: replaced: belongs to uid $SITE_UID" "cp $BIN/mini_sendmail $COPY"
plants "the copy is a directory" 3 "$COPY: Is a directory" "mkdir $COPY"
plants "the temporary file is a link" 0 "$COPY: put in place" "ln -s $CANARY/file usr/libexec/mini-sendmail/.mini_sendmail.new"
plants "the temporary file is a hard link" 0 "$COPY: put in place" "ln $CANARY/file usr/libexec/mini-sendmail/.mini_sendmail.new"
plants "the temporary file is a directory" 3 "$COPY: Is a directory" "mkdir usr/libexec/mini-sendmail/.mini_sendmail.new"
rmdir "$JAIL/usr/libexec/mini-sendmail/.mini_sendmail.new"
plants "sendmail is a link out of it" 0 "usr/sbin/sendmail: left as it is: is a link to $CANARY/file" \
	"ln -s $CANARY/file usr/sbin/sendmail"
ok "and PHP must be told where the program is" said 'sendmail_path = "/usr/libexec/mini-sendmail/mini_sendmail -t -i"'
plants "sendmail is a pipe" 0 'usr/sbin/sendmail: left as it is: is no regular file' "mkfifo usr/sbin/sendmail"
plants "sh is a hard link to root's file" 3 "bin/sh: left as it is: is a program of the jail's own" "ln $CANARY/file bin/sh"
plants "the jail's shell is none" 3 'in the jail: exit status 64: ' "cp $BIN/mini_sendmail bin/sh"
plants "it has a shell of its own" 0 "bin/sh: left as it is: is a program of the jail's own" "cp $BIN/jailsh bin/sh"
plants "/bin is merged" 0 '/bin/sh: put in place' "rmdir bin && mkdir usr/bin && ln -s usr/bin bin"
ok "the link is where /bin leads" [ -L "$JAIL/usr/bin/sh" ]
plants "spool is a link out of it" 3 'var/spool/mini-sendmail: there is a symbolic link' \
	"rmdir var/spool && ln -s $CANARY/spool var/spool"
plants "the spool is a link out of it" 3 'var/spool/mini-sendmail: there is a symbolic link' \
	"ln -s $CANARY/spool var/spool/mini-sendmail"
plants "the spool is a file" 3 'var/spool/mini-sendmail: there is a symbolic link on the way, or no directory' \
	"touch var/spool/mini-sendmail"
plants "the spool is a directory without a spool" 3 'var/spool/mini-sendmail: is no spool' "mkdir -m 700 var/spool/mini-sendmail"
plants "anybody may write the spool" 3 'has mode 0777' "mkdir -m 777 var/spool/mini-sendmail"
plants "the spool of the proof is a link" 3 'mini-sendmail.proof: ' "ln -s $CANARY/spool var/spool/mini-sendmail.proof"
plants "it is a spool with something else in it" 3 'mini-sendmail.proof: ' \
	"mkdir -m 700 var/spool/mini-sendmail.proof && touch var/spool/mini-sendmail.proof/x"
plants "nothing but that it is all the user's" 0 '/usr/sbin: note: not only root can change' :

# --- not the user's doing ----------------------------------------------------------------------------------

# A file system of a network, which strace makes of the one that is there: 6969 is NFS.
jail_renew
nfs=(strace -qq -o /dev/null -e trace=fstatfs -e inject=fstatfs:poke_exit=@arg2=6969000000000000)
if "${nfs[@]}" true 2>/dev/null; then
	empty=$(tree "$JAIL")
	code=0
	"${nfs[@]}" "$BIN/flushctl" site add "$JAIL" --user $SITE_UID --config "$CONF" >"$SCRATCH/said" 2>&1 || code=$?
	is "a spool on NFS: exit status" "$code" 3
	ok "it is said" said 'var/spool/mini-sendmail: would be on NFS: '
	is "nothing was put there" "$(tree "$JAIL")" "$empty"
else
	skip "a spool on NFS: exit status" "strace cannot make one of another file system"
fi

# A directory of the host that shows in the jail is the host's, whatever its device.
jail_renew
mkdir "$SCRATCH/hosts-usr"
host=$(tree "$SCRATCH/hosts-usr")
if mount --bind "$SCRATCH/hosts-usr" "$JAIL/usr" 2>/dev/null; then
	at_exit "umount $JAIL/usr"
	is "usr is mounted from the host: exit status" "$(site_exits add "$JAIL" --user $SITE_UID)" 3
	ok "it is said" said 'usr/libexec/.*: is on another mount than the jail'
	is "nothing was put there" "$(tree "$SCRATCH/hosts-usr")" "$host"
else
	skip "usr is mounted from the host: exit status" "cannot mount"
fi
mkdir "$JAILS/real"
ln -s real "$JAILS/link"
is "the jail is a link" "$(site_exits add "$JAILS/link" --user $SITE_UID)" 3
is "a part of its path is ..'s" "$(site_exits add "$JAILS/real/../real" --user $SITE_UID)" 3
is "the jail is /" "$(site_exits add / --user $SITE_UID --name root)" 3
is "the jail has no absolute path" "$(cd "$JAILS" && site_exits add real --user $SITE_UID)" 2
is "the user is root" "$(site_exits add "$JAILS/real" --user root)" 2
is "there is no such user" "$(site_exits add "$JAILS/real" --user no-such-user)" 2
is "the name cannot be one" "$(site_exits add "$JAILS/real" --user $SITE_UID --name ../x)" 2
for spool in / /.. /. /var/..; do
	is "the spool is $spool" "$(site_exits add "$JAILS/real" --user $SITE_UID --spool "$spool")" 3
done
mkdir "$JAILS/a ;b"
is "the path cannot stand in a file of flushd's" "$(site_exits add "$JAILS/a ;b" --user $SITE_UID --name ab)" 3
is "none of that has made anything" "$(ls -A "$JAILS/real" "$CONF/sites.d")" "$(printf '%s:\n\n%s:' "$CONF/sites.d" "$JAILS/real")"
done_testing
