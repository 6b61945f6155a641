#!/bin/bash
#
# Programs as they are installed call mini_sendmail, and what they send goes through flushd and a real postfix:
# each message arrives for each recipient, with its sender and its text, dots and all. What is not installed
# here is skipped; bin/setup has the list.

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
needs_root "starts a postfix"
test_open
copy_programs
postfix_create
postfix_start
spool_create "$SCRATCH/spool"
sendmail=$BIN/mini_sendmail
export sendmail
export HOME=$SCRATCH LC_ALL=C.UTF-8

# What no caller has a reason to encode: ASCII, and so short that quoted-printable needs no soft line end.
cat >"$SCRATCH/body" <<'END'
Dear reader,

.
..
.a dot
QUIT
the end
END
export BODY=$SCRATCH/body

# caller NAME RECIPIENTS CMD...: CMD sends that text from webmaster@site.test, with a field X-Letter: NAME,
# to reader@example.org, and if there are two recipients to hidden@example.org, whom nobody must see.
callers=()
caller() {
	local name=$1 recipients=$2 status=0
	shift 2
	"$@" <"$BODY" >"$SCRATCH/said" 2>&1 || status=$?
	is "$name: sends" "$status $(sed '/^Sent /d' "$SCRATCH/said")" "0 "
	journal_body "$name" "${sent_body:-$BODY}" "$recipients"
	callers+=("$name")
}

# has PACKAGE TEST...: what TEST says of a program, which is skipped without it.
has() {
	local package=$1
	shift
	"$@" >"$SCRATCH/said" 2>&1 && return
	skip "$package" "not installed"
	return 1
}

# --- PHP ----------------------------------------------------------------------------------------------

# The interpreter as it is installed, php.ini and all: libraries need extensions.
cat >"$SCRATCH/phpmailer.php" <<'END'
<?php
require 'libphp-phpmailer/autoload.php';
$mail = new PHPMailer\PHPMailer\PHPMailer(true);
$mail->setFrom('webmaster@site.test', 'The Site');
$mail->addAddress('reader@example.org');
$mail->addBCC('hidden@example.org');
$mail->Subject = 'a letter';
$mail->addCustomHeader('X-Letter', $argv[1]);
$mail->Body = rtrim(file_get_contents(getenv('BODY')));
if ($argv[2] === 'sendmail')
	$mail->isSendmail();
else
	$mail->isMail();
$mail->Sendmail = getenv('sendmail');
$mail->send();
END
if has libphp-phpmailer php -r "require 'libphp-phpmailer/autoload.php';"; then
	caller phpmailer-sendmail 2 php "$SCRATCH/phpmailer.php" phpmailer-sendmail sendmail
	# mail() puts a line end behind whatever it is given.
	sent_body=$SCRATCH/longer-body
	{ cat "$BODY" && echo; } >"$sent_body"
	caller phpmailer-mail 2 php -d "sendmail_path=$sendmail -t -i" "$SCRATCH/phpmailer.php" phpmailer-mail mail
	sent_body=
fi

cat >"$SCRATCH/symfony.php" <<'END'
<?php
require 'Symfony/Component/Mailer/autoload.php';
use Symfony\Component\Mailer\Transport\SendmailTransport;
$mail = (new Symfony\Component\Mime\Email())
	->from('The Site <webmaster@site.test>')->to('reader@example.org')->bcc('hidden@example.org')
	->subject('a letter')->text(rtrim(file_get_contents(getenv('BODY'))));
$transport = new SendmailTransport(getenv('sendmail') . ' ' . $argv[2]);
// Long-running programs send many by one transport.
for ($n = 0; $n < $argv[3]; $n++) {
	$mail->getHeaders()->remove('X-Letter');
	$mail->getHeaders()->addTextHeader('X-Letter', $argv[1] . ($n ?: ''));
	$sent = $transport->send($mail);
}
if ($argv[2] === '-bs')
	file_put_contents(getenv('HOME') . '/debug', $sent->getDebug());
if (method_exists(Symfony\Component\Mailer\Transport\Smtp\SmtpTransport::class, 'parseMessageId'))
	file_put_contents(getenv('HOME') . '/id', $sent->getMessageId());
END
if has php-symfony-mailer php -r "require 'Symfony/Component/Mailer/autoload.php';"; then
	caller symfony-bs 2 php "$SCRATCH/symfony.php" symfony-bs -bs 3
	journal_body symfony-bs1 "$BODY" 2
	journal_body symfony-bs2 "$BODY" 2
	id=$(queue_field queue_id | tail -n 1)
	ok "symfony-bs: is told the id" grep -qE "^(\[.*\] )?< 250 Ok: queued as $id" "$SCRATCH/debug"
	if [ -e "$SCRATCH/id" ]; then
		is "symfony-bs: finds the id in it" "$(cat "$SCRATCH/id")" "$id"
		rm "$SCRATCH/id"
	else
		skip "symfony-bs: finds the id in it" "this Symfony does not look for it"
	fi
	caller laravel-bs-i 2 php "$SCRATCH/symfony.php" laravel-bs-i "-bs -i" 1
	caller symfony-t 2 php "$SCRATCH/symfony.php" symfony-t -t 1
	caller symfony-t-i 2 php "$SCRATCH/symfony.php" symfony-t-i "-t -i" 1
fi

# --- other languages ----------------------------------------------------------------------------------

cat >"$SCRATCH/nodemailer.js" <<'END'
const fs = require('fs');
const mail = {
	from: 'The Site <webmaster@site.test>', to: 'reader@example.org', bcc: 'hidden@example.org',
	subject: 'a letter', headers: { 'X-Letter': process.argv[2] }, text: fs.readFileSync(process.env.BODY),
};
const transport = require('nodemailer').createTransport(
	{ sendmail: true, newline: process.argv[3], path: process.env.sendmail });
transport.sendMail(mail, error => { if (error) throw error; });
END
export NODE_PATH=/usr/share/nodejs
if has node-nodemailer node -e "require('nodemailer')"; then
	caller nodemailer-unix 2 node "$SCRATCH/nodemailer.js" nodemailer-unix unix
	caller nodemailer-windows 2 node "$SCRATCH/nodemailer.js" nodemailer-windows windows
fi

cat >"$SCRATCH/mime-lite.pl" <<'END'
use MIME::Lite;
my $mail = MIME::Lite->new(
	From => 'The Site <webmaster@site.test>', To => 'reader@example.org', Bcc => 'hidden@example.org',
	Subject => 'a letter', 'X-Letter' => 'mime-lite', Encoding => '7bit', Data => join('', <STDIN>));
$mail->send('sendmail', "$ENV{sendmail} -t -oi -oem -fwebmaster\@site.test") or die "not sent\n";
END
if has libmime-lite-perl perl -MMIME::Lite -e 1; then
	caller mime-lite 2 perl "$SCRATCH/mime-lite.pl"
fi

cat >"$SCRATCH/email-sender.pl" <<'END'
use Email::Sender::Simple qw(sendmail);
use Email::Sender::Transport::Sendmail;
my $text = "From: webmaster\@site.test\nTo: reader\@example.org\nSubject: a letter\nX-Letter: email-sender\n\n";
sendmail($text . join('', <STDIN>), {
	from => 'webmaster@site.test', to => [ 'reader@example.org', 'hidden@example.org' ],
	transport => Email::Sender::Transport::Sendmail->new({ sendmail => $ENV{sendmail} }),
});
END
if has libemail-sender-perl perl -MEmail::Sender::Transport::Sendmail -e 1; then
	caller email-sender 2 perl "$SCRATCH/email-sender.pl"
fi

# --- programs -----------------------------------------------------------------------------------------

if has mutt mutt -v; then
	cat >"$SCRATCH/muttrc" <<-END
		set sendmail="$sendmail -oem -oi" use_envelope_from=yes from=webmaster@site.test copy=no
		set use_8bitmime=yes dsn_notify="failure,delay" dsn_return=hdrs
		my_hdr X-Letter: mutt
	END
	caller mutt 2 mutt -n -F "$SCRATCH/muttrc" -s "a letter" -b hidden@example.org reader@example.org
fi

if has git-email test -x "$(git --exec-path)/git-send-email"; then
	repository=$SCRATCH/repository
	in_git() {
		git -C "$repository" -c user.name="The Site" -c user.email=webmaster@site.test "$@"
	}
	git init -q "$repository"
	cp "$BODY" "$repository/file"
	in_git add file
	in_git commit -qm "a letter" -m "$(cat "$BODY")"
	in_git format-patch -q -1 --stdout --root | sed '1,/^$/d' >"$SCRATCH/patch"
	in_git format-patch -q -1 -o "$SCRATCH" --root --add-header="X-Letter: git-send-email" >"$SCRATCH/said"
	sent_body=$SCRATCH/patch
	caller git-send-email 2 in_git send-email --quiet --confirm=never --suppress-cc=all --envelope-sender=auto \
		--smtp-server="$sendmail" --to=reader@example.org --bcc=hidden@example.org "$SCRATCH/0001-a-letter.patch"
	sent_body=
fi

if has s-nail s-nail -V; then
	caller s-nail 2 s-nail -:/ -S "mta=$sendmail" -S v15-compat -r webmaster@site.test -s "a letter" \
		-C "X-Letter: s-nail" -b hidden@example.org reader@example.org
fi

if has bsd-mailx test -x /usr/bin/bsd-mailx; then
	echo "set sendmail=$sendmail" >"$SCRATCH/mailrc"
	MAILRC=$SCRATCH/mailrc caller bsd-mailx 2 bsd-mailx -n -r webmaster@site.test -s "a letter" \
		-a "X-Letter: bsd-mailx" -b hidden@example.org reader@example.org
fi

# A daemon cannot be asked to call us, but what it does is known: tests/rig/callers/cron.
cron() {
	{
		printf '%s\n' "From: root (Cron Daemon)" "To: reader@example.org" "Subject: Cron <root@host> cat" \
			"X-Letter: cron" "X-Cron-Env: <SHELL=/bin/sh>" ""
		cat
	} | "$sendmail" -FCronDaemon -i -B8BITMIME -oem reader@example.org
}
caller cron 1 cron

# --- what arrives -------------------------------------------------------------------------------------

# In the spool, as postfix would remove it too.
is "none has a Bcc field" "$(queue_field queue_id | while read -r id; do
	flushctl show --raw "$id"
done | grep -ci '^Bcc:' || true)" 0
total=$(awk '{ n += $3 } END { print n }' "$JOURNAL")
flushd_once
ok "all arrive" maildir_wait "$total" 60
ok "nothing is left behind" queue_is_empty
nothing_wrong "each for each recipient, with its text"

# headers_of NAME: of its copies, a field a line.
headers_of() {
	local file
	for file in "$MAILDIR"/new/*; do
		sed '/^$/,$d' "$file" | grep -x "X-Letter: $1" >"$SCRATCH/said" && sed '/^$/,$d' "$file"
	done
	return 0
}
for name in "${callers[@]}"; do
	headers_of "$name" >"$SCRATCH/headers"
	sender="webmaster@site.test"
	[ "$name" != cron ] || sender=$(id -un)@$(cat /etc/mailname 2>/dev/null || uname -n)
	is "$name: the sender" "$(sed -n 's/^Return-Path: //p' "$SCRATCH/headers" | sort -u)" "<$sender>"
	is "$name: the recipients" "$(sed -n 's/^Delivered-To: \(.*\)@example.org/\1/p' "$SCRATCH/headers" | sort | xargs)" \
		"$([ "$name" = cron ] || echo "hidden ")reader"
done
done_testing
