#!/bin/bash
#
# What PHP makes of values that strangers chose, given to jailsh in the place of /bin/sh, becomes the very arguments that
# dash and busybox make of it. What they would do more about than start a program is refused.
#
# shellcheck disable=SC2016 # variables of PHP and Perl

# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
[ "${MODE:-release}" = release ] || skip_all "not for MODE=$MODE"
test_open
JAILSH=$BIN/jailsh
COUNT=$([ -z "${E2E_LONG:-}" ] && echo 400 || echo 20000)
shells=("$JAILSH" "$(command -v dash)" "$(command -v busybox)")

# --- values that PHP escapes ------------------------------------------------------------------------------

cat >"$SCRATCH/values.php" <<'END'
<?php
// Alone, they are nasty; together they are worse.
function values(int $count): array {
	$pieces = [' ', "\t", "\n", "\r", '\\', "'", '"', '`', '$', '$(', ')', '${', '}', '{a,b}', '*', '?', '[a', ']', '~', '#',
		'!', ';', '|', '||', '&', '&&', '<', '>', '=', '^', '%', ',', ':', '-', '--', '-oQ/tmp', '-X/x.php', '@', 'a', 'A=b',
		'if', 'cd', "\x01", "\x7f", "\x80", "\x81", "\x88", "\xff", "\xc3\xbc", '\\\'', '\\"', "\\\n", 'a b', '/bin/sh', '..'];
	$values = $pieces;
	foreach ($pieces as $p)
		array_push($values, "joe@site.test $p", "\"$p\"", "'$p'", "$p$p", "joe$p@site.test", "\"a\" $p \"b\"");
	mt_srand(7);
	while (count($values) < $count) {
		$v = '';
		for ($n = mt_rand(1, 12); $n > 0; $n--)
			$v .= $pieces[mt_rand(0, count($pieces) - 1)];
		$values[] = $v;
	}
	return $values;
}

// What was printed, each argument behind a NUL.
function by_popen(string $command): string {
	$pipe = popen($command, 'r');
	$all = stream_get_contents($pipe);
	return bin2hex($all) . ' ' . pclose($pipe);
}

function by_proc_open(string $command): string {
	$process = proc_open($command, [1 => ['pipe', 'w']], $pipes);
	$all = stream_get_contents($pipes[1]);
	return bin2hex($all) . ' ' . proc_close($process);
}

function by_exec(string $command): string {
	exec($command, $lines, $status);
	return bin2hex(implode("\n", $lines)) . " $status";
}
END
cat >"$SCRATCH/escaped.php" <<'END'
<?php
require __DIR__ . '/values.php';
$print = "/usr/bin/printf '%s\\0'";
$values = values((int)$argv[1]);
foreach ($values as $i => $v) {
	$w = $values[($i * 7 + 3) % count($values)];
	echo "$i ", by_popen("$print " . escapeshellarg($v) . ' ' . escapeshellcmd($v)), "\n";
	echo "$i ", by_proc_open("$print -t " . escapeshellarg($v) . escapeshellarg($w) . ' ' . escapeshellcmd("$w -f$v")), "\n";
	echo "$i ", by_exec("$print " . escapeshellcmd($v) . ' -i ' . escapeshellarg($w) . " -- "), "\n";
}
END
cat >"$SCRATCH/fifth.php" <<'END'
<?php
require __DIR__ . '/values.php';
foreach (array_slice(values(0), 0, (int)$argv[1]) as $v)
	foreach (["-f$v", "$v -i", "-f joe@site.test -F '$v'"] as $fifth)
		echo bin2hex($fifth), ' ', var_export(mail('reader@example.org', 'x', 'y', '', $fifth), true), "\n";
END
printf '#!/usr/bin/perl\nopen my $f, ">>", "%s/called"; print $f join(" ", map { unpack "H*" } @ARGV), "\\n"; 1 while <STDIN>;\n' \
	"$SCRATCH" >"$SCRATCH/sendmail"
chmod 755 "$SCRATCH/sendmail"

# with_sh SHELL CMD...: this is /bin/sh for it.
with_sh() {
	unshare -m --propagation private /bin/bash -c 'mount --bind "$1" /bin/sh && shift && exec "$@"' - "$@"
}

if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	for i in 0 1 2; do
		with_sh "${shells[i]}" php -n "$SCRATCH/escaped.php" "$COUNT" >"$SCRATCH/escaped.$i" 2>"$SCRATCH/said.$i"
		: >"$SCRATCH/called"
		with_sh "${shells[i]}" php -n -d "sendmail_path=$SCRATCH/sendmail -t -i" "$SCRATCH/fifth.php" 60 \
			>"$SCRATCH/fifth.$i" 2>>"$SCRATCH/said.$i"
		mv "$SCRATCH/called" "$SCRATCH/called.$i"
	done
	is "all commands were run" "$(wc -l <"$SCRATCH/escaped.0")" $((3 * COUNT))
	is "none was refused" "$(cat "$SCRATCH/said.0")" ""
	ok "PHP's escaped values are what dash makes of them" diff "$SCRATCH/escaped.0" "$SCRATCH/escaped.1"
	ok "and what busybox does" diff "$SCRATCH/escaped.0" "$SCRATCH/escaped.2"
	is "mail() called with each fifth argument" "$(wc -l <"$SCRATCH/called.0")" "$(grep -c ' true$' "$SCRATCH/fifth.1")"
	at_most "and with most of them successfully" 150 "$(wc -l <"$SCRATCH/called.0")"
	ok "mail() calls as with dash" diff "$SCRATCH/called.0" "$SCRATCH/called.1"
	ok "and as with busybox" diff "$SCRATCH/called.0" "$SCRATCH/called.2"
	ok "it is as true" diff "$SCRATCH/fifth.0" "$SCRATCH/fifth.1"
else
	skip "PHP's escaped values are what dash makes of them" "cannot put another /bin/sh in place"
fi

# --- values that nobody escaped ---------------------------------------------------------------------------

# Only what jailsh has taken is given to a real shell.
mkdir "$SCRATCH/cwd"
cat >"$SCRATCH/raw.php" <<'END'
<?php
require __DIR__ . '/values.php';
[, $count, $jailsh, $dash, $busybox] = $argv;

function by(array $shell, string $command): string {
	$process = proc_open([...$shell, '-c', $command], [1 => ['pipe', 'w'], 2 => ['file', '/dev/null', 'w']], $pipes);
	$all = stream_get_contents($pipes[1]);
	return proc_close($process) . ' ' . bin2hex($all);
}
$taken = $refused = 0;
foreach (values($count) as $v)
	foreach (["/usr/bin/printf '%s\\0' $v", "/usr/bin/printf '%s\\0' x$v"] as $command) {
		$ours = by([$jailsh], $command);
		if (str_starts_with($ours, '126 ')) {
			$refused++;
			continue;
		}
		$taken++;
		foreach ([[$dash], [$busybox, 'sh']] as $shell)
			if (by($shell, $command) !== $ours)
				echo "differs: ", bin2hex($command), " $shell[0]\n";
	}
echo $taken > 50 && $refused > 50 ? "both\n" : "taken $taken, refused $refused\n";
END
is "what is taken unescaped is what a shell makes of it, too" \
	"$(cd "$SCRATCH/cwd" && php -n "$SCRATCH/raw.php" "$COUNT" "${shells[@]}" 2>&1)" both
is "and that has left nothing behind" "$(ls -A "$SCRATCH/cwd")" ""

# --- a program, started -----------------------------------------------------------------------------------

# status CMD: what jailsh exits with, and its last word.
status() {
	local said status=0
	said=$("$JAILSH" -c "$@" 2>&1) || status=$?
	echo "$status $said"
}

is "a program's status is the status" "$(status "/usr/bin/perl -e 'exit 75'")" "75 "
is "a name is looked up" "$(status 'printf %s found')" "0 found"
is "PATH is not asked" "$(PATH=$SCRATCH status 'printf %s found')" "0 found"
is "a program that is not there: 127" "$(status 'no-such-program x')" "127 jailsh: no-such-program: not found"
is "nor at this path" "$(status /no/such)" "127 jailsh: /no/such: not found"
is "a directory: 126" "$(status /etc)" "126 jailsh: /etc: Permission denied"
printf 'exit 5\n' >"$SCRATCH/script"
chmod 755 "$SCRATCH/script"
is "a script without a first line: 126" "$(status "$SCRATCH/script")" \
	"126 jailsh: $SCRATCH/script: is not a program, and no shell is here to run it as a script"
is "no command does nothing" "$(status ' ')" "0 "
is "behind two dashes there is a command, too" "$(status -- 'printf %s x')" "0 x"
is "what would be positional parameters has no use" "$(status 'printf %s x' name a b)" "0 x"
is "a refusal says what and where" "$(status '/usr/sbin/sendmail -t; rm x')" \
	'126 jailsh: refused: an unquoted ; at byte 22, behind "/usr/sbin/sendmail -t"; see jailsh(8)'
is "in one line, whatever it is" "$(status $'a "\033[2J\n\xff\\"b" >x')" \
	'126 jailsh: refused: an unquoted > at byte 15, behind "a \x22\x1b[2J\x0a\xff\x5c\x22b\x22 "; see jailsh(8)'
long=$(printf 'a%.0s' {1..100})
is "but no more than its end" "$(status "$long|")" \
	"126 jailsh: refused: an unquoted | at byte 101, behind \"...${long:0:60}\"; see jailsh(8)"
for arguments in "" script "-i" "-c" "-c -e x" "-ec x" "-c +x y" "-c --"; do
	code=0
	# shellcheck disable=SC2086 # these are words
	"$JAILSH" $arguments </dev/null >/dev/null 2>"$SCRATCH/said" || code=$?
	is "it is no other shell: '$arguments'" "$code $(cut -d ' ' -f 1,2 <"$SCRATCH/said") $(wc -l <"$SCRATCH/said")" \
		"126 jailsh: refused: 1"
done
is "an ignored SIGPIPE stays ignored" \
	"$(trap '' PIPE && "$JAILSH" -c "perl -e 'print \$SIG{PIPE}, q( ), \$SIG{TERM} // q(default)'")" "IGNORE default"
is "one that is not, does not" "$("$JAILSH" -c "perl -e 'print \$SIG{PIPE} // q(default)'")" default
exec 7>"$SCRATCH/seven"
"$JAILSH" -c "perl -e 'open F, q(>&=7); print F q(seven)'"
exec 7>&-
is "descriptors are inherited" "$(cat "$SCRATCH/seven")" seven
"$JAILSH" -c 'sleep 100' &
child=$!
ok "it becomes the program: the process is the same" wait_until 10 grep -q sleep "/proc/$child/comm"
end_child $child || true
is "it has no interpreter" "$(readelf -lW "$JAILSH" | grep -c INTERP || true)" 0
done_testing
