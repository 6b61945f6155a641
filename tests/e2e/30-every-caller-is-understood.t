#!/bin/bash
#
# Command lines and texts as programs hand them to sendmail, taken down from those programs: in the spool
# is the sender, the recipients and the text that they mean. tests/rig/callers has them, one in a file.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "calls chroot"
# The sanitizers' program is not static.
[ "${MODE:-release}" = release ] || skip_all "not for MODE=$MODE"
test_open

# With a name and a host, so that senders are the same on every machine.
jail=$SCRATCH/jail
mkdir -p "$jail/etc" "$jail/var/spool"
install "$BIN/mini_sendmail" "$jail"
echo site.test >"$jail/etc/mailname"
echo 'site:x:12345:12345:The Site:/:/bin/sh' >"$jail/etc/passwd"
chmod -R 755 "$jail"
spool_create "$jail/var/spool/mini-sendmail" --user 12345

tests/rig/replay "$jail" tests/rig/callers/* >"$SCRATCH/verdicts"
while IFS=$'\t' read -r word name about; do
	ok "$name${about:+: $about}" [ "$word" = same ]
done <"$SCRATCH/verdicts"
# What was taken down is what this machine's PHP does, but for its line ends, which PHP 8 changed.
mkdir -p "$SCRATCH/recorder/calls"
install tests/rig/recorder "$SCRATCH/recorder/sendmail"
# shellcheck disable=SC2016 # the variable is for the shell of PHP
RECORDER=$SCRATCH/recorder/sendmail php -n -d "sendmail_path='\"\$RECORDER\" -t -i'" -r '
	mail("reader@example.org", "Hello", "Line one\n.\nLine two\n");'
is "PHP calls sendmail so" "$(sed 's/{0d}//' "$SCRATCH"/recorder/calls/*)" \
	"$(grep "^[$<]" tests/rig/callers/php-mail | sed "s/{0d}//")"
at_most "they were many" 35 "$(wc -l <"$SCRATCH/verdicts")"
done_testing
